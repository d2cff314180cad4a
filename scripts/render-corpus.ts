/** The second half of render-corpus.sh: runs the official commands over the corpus. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

const [mode, kustomize = '', helm = '', corpus = ''] = process.argv.slice(2);
let differing = 0;
for (const kind of ['kustomize', 'helm'])
  for (const name of readdirSync(path.join(corpus, kind))) {
    const directory = path.join(corpus, kind, name);
    const options = JSON.parse(readFileSync(path.join(directory, 'case.json'), 'utf8'));
    const expected = path.join(directory, 'expected.yaml');
    const printed = run(kind, path.join(directory, 'tree', options.path), options);
    if (mode === '--write') writeFileSync(expected, printed);
    else if (!existsSync(expected) || readFileSync(expected, 'utf8') !== printed) {
      differing += 1;
      process.stderr.write(`render-corpus: ${kind}/${name} differs from what the official command prints\n`);
    }
  }
process.exitCode = differing === 0 ? 0 : 1;

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
