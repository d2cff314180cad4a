/** The official helm, built once from its Go module (scripts/render-native.sh): it packs, indexes and pushes charts. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = path.join(import.meta.dirname, '../../scripts/render-native.sh');

let found: Promise<string> | undefined;

function program(): Promise<string> {
  found ??= run('sh', [script], { maxBuffer: 2 ** 24 }).then(({ stdout }) => {
    const helm = /^helm\t(.*)$/m.exec(stdout)?.[1];
    if (helm === undefined) throw new Error('there is no official helm: Go is missing, or its module proxy');
    return helm;
  });
  return found;
}

/** With nothing of whoever runs this; logins are kept in `home`. */
export async function helm(home: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(await program(), [...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: home },
    cwd: home,
  });
  return stdout;
}

/** Packs a chart of one ConfigMap; the answer is the archive. */
export async function packChart(home: string, name: string, version: string, into: string): Promise<string> {
  const at = path.join(home, 'src', `${name}-${version}`, name);
  await mkdir(path.join(at, 'templates'), { recursive: true });
  await mkdir(into, { recursive: true });
  await writeFile(path.join(at, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: ${version}\n`);
  await writeFile(path.join(at, 'values.yaml'), 'a: default\n');
  await writeFile(
    path.join(at, 'templates/settings.yaml'),
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Chart.Name }}}\ndata: {version: {{ .Chart.Version | quote }}, a: {{ .Values.a | quote }}}\n',
  );
  await helm(home, 'package', at, '--destination', into);
  return path.join(into, `${name}-${version}.tgz`);
}
