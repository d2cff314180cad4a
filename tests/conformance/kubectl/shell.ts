/** One of the two clusters, as somebody with a shell and kubectl has it. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { normalised } from './output.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
export interface Shell {
  run(line: string): Promise<Outcome>;
  close(): Promise<void>;
}

const manifests = join(import.meta.dirname, 'manifests');
/** A command that takes longer hangs. */
const commandMsMax = 75_000;

/** A directory with the manifests, a kubeconfig with names that say nothing of the cluster, and kubectl on the PATH. */
export async function openShell(kubeconfig: string, kubectl: string): Promise<Shell> {
  const home = await mkdtemp(join(tmpdir(), 'trueup-kubectl-'));
  const directory = join(home, 'manifests');
  await cp(manifests, directory, { recursive: true });
  await mkdir(join(home, 'bin'));
  await symlink(await located(kubectl), join(home, 'bin/kubectl'));
  const given = parse(await readFile(kubeconfig, 'utf8'));
  const context = { cluster: 'trial', user: 'trial' };
  await writeFile(
    join(home, 'kubeconfig'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'trial', cluster: given.clusters[0].cluster }],
      users: [{ name: 'trial', user: given.users[0].user }],
      contexts: [{ name: 'trial', context }],
      'current-context': 'trial',
    }),
  );
  const env = {
    PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`,
    HOME: home,
    KUBECONFIG: join(home, 'kubeconfig'),
    LC_ALL: 'C',
    TZ: 'UTC',
  };
  return {
    run: (line) =>
      new Promise((resolve) => {
        const options = { cwd: directory, env, timeout: commandMsMax, maxBuffer: 16 * 1024 * 1024 };
        execFile('sh', ['-c', line], options, (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
          resolve({ code, stdout: normalised(stdout), stderr: normalised(stderr) });
        }).stdin?.end();
      }),
    close: () => rm(home, { recursive: true, force: true }),
  };
}

/** The file of a command, which may be a name on the PATH. */
async function located(name: string): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-c', 'command -v "$0"', name]);
  return stdout.trim();
}
