/** The second half of render-corpus.sh: runs the official commands over the corpus, and the native renderer too. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { systemClock } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import type { SandboxRequest } from '#pipeline/render/protocol.ts';
import { NativeProcess } from '../bench/render-native.ts';
import { answerOf } from '../src/pipeline/render/answer.ts';
import { renderClosed } from '../src/pipeline/render/closure.ts';
import {
  corpusCase,
  corpusKinds,
  corpusNames,
  type CorpusCase,
} from '../src/pipeline/render/corpus.fixture.ts';
import { Instance } from '../src/wasm/instance.ts';
import { renderLimits } from '../src/pipeline/render/limits.ts';
import { noRemotes } from '../src/pipeline/render/repository.fixture.ts';
import { encoded } from '../src/pipeline/render/rendering.ts';
import { loadModule } from '../src/pipeline/render/wasm-module.ts';

const [mode, nativeProgram = '', kustomize = '', helm = ''] = process.argv.slice(2);
const corpus = path.join(import.meta.dirname, '../render-wasm/corpus');
const cases = corpusKinds.flatMap((kind) => corpusNames(kind).map((name) => ({ kind, name })));
const { module, version } = await loadModule(256);
const instance = new Instance(module, systemClock, systemRandom);
const native = new NativeProcess(nativeProgram);
let requests = 0;

for (const { kind, name } of cases) {
  const directory = path.join(corpus, kind, name);
  const options = JSON.parse(readFileSync(path.join(directory, 'case.json'), 'utf8'));
  const expected = path.join(directory, 'expected.yaml');
  const printed = run(kind, path.join(directory, 'tree', options.path), options);
  if (mode === '--write') writeFileSync(expected, printed);
  else if (!existsSync(expected) || readFileSync(expected, 'utf8') !== printed)
    complain(`${kind}/${name} differs from what the official command prints`);
  if (mode !== '--write' && !(await isSameNatively(kind, corpusCase(kind, name))))
    complain(`${kind}/${name}: the module answers otherwise than the native renderer`);
}
await native.close();
if (mode !== '--write')
  process.stdout.write(
    `render-corpus: ${cases.length} cases compared with the official commands, ${requests} answers with the native renderer\n`,
  );

function complain(what: string): void {
  process.exitCode = 1;
  process.stderr.write(`render-corpus: ${what}\n`);
}

/** Every answer on the way, and what plain decoding makes of the same files. */
async function isSameNatively(kind: 'kustomize' | 'helm', one: CorpusCase): Promise<boolean> {
  let isSame = true;
  const render = async (request: SandboxRequest) => {
    requests += 1;
    const text = instance.call(encoded(request));
    isSame &&= text === (await native.call(encoded(request)));
    return answerOf(text, request);
  };
  const sandbox = { render, version: () => Promise.resolve(version) };
  const { options, request, files, contents } = one;
  await renderClosed(kind, options, request, { files, remotes: noRemotes, sandbox });
  const all = Object.entries(contents).map(([file, content]) => ({
    path: file,
    content: Buffer.from(content),
  }));
  await render({
    op: 'decode',
    options: { files: all.map((file) => file.path), limits: { ...renderLimits } },
    tree: { directories: {}, known: [], absent: [], files: all },
    root: '',
    objectBytesMax: renderLimits.objectBytesMax,
    lenient: [],
  });
  return isSame;
}

/** What the command prints; a failure is the word alone, because its text is the command's own. */
function run(kind: string, directory: string, options: any): string {
  const [command, args] = kind === 'kustomize' ? [kustomize, ['build', '.']] : [helm, helmArguments(options)];
  try {
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    return execFileSync(command, args, {
      cwd: directory,
      encoding: 'utf8',
      env: { HOME: '/nonexistent', PATH: '' },
      stdio: [...stdio],
    });
  } catch {
    return 'fails\n';
  }
}

function helmArguments(options: any): string[] {
  const { values } = options;
  const args = ['template', options.releaseName, '.', '--namespace', options.namespace, '--include-crds'];
  const file = (name: string): string => (name.startsWith('/') ? `..${name}` : name);
  for (const name of values.files ?? []) args.push('--values', file(name));
  for (const [index, text] of (values.inline ?? []).entries()) {
    const name = path.join(process.env['TMPDIR'] ?? '/tmp', `render-corpus-${process.pid}-${index}.yaml`);
    writeFileSync(name, text);
    args.push('--values', name);
  }
  for (const text of values.set ?? []) args.push('--set', text);
  for (const text of values.setString ?? []) args.push('--set-string', text);
  for (const one of values.setFile ?? []) args.push('--set-file', `${one.name}=${file(one.path)}`);
  if (options.kubeVersion !== undefined) args.push('--kube-version', options.kubeVersion);
  for (const version of options.apiVersions ?? []) args.push('--api-versions', version);
  return args;
}
