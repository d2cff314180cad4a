/** `trueup health`, as who writes checks in Lua runs it: offline, from files. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { yaml } from './manifests.ts';
import { runToEnd, trueup, trueupProgram, type Finished } from './trueup-process.ts';

const key = 'resource.customizations.health.example.com_Widget';
const lua = `
print(obj.metadata.name)
if obj.status ~= nil and obj.status.phase == "Up" then
  return { status = "Healthy", message = "it is up" }
end
return { status = "Degraded", message = "it is down" }
`;
const widget = (phase: string): object => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name: 'w', namespace: 'shop' },
  status: { phase },
});
const certificate = {
  apiVersion: 'cert-manager.io/v1',
  kind: 'Certificate',
  metadata: { name: 'web', namespace: 'shop' },
  status: { conditions: [{ type: 'Ready', status: 'False', reason: 'Issuing', message: 'not yet' }] },
};
const config = (script: string): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'argocd-cm', namespace: 'argocd' },
  data: { [key]: script },
});

let directory = '';
const file = (name: string): string => join(directory, name);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'trueup-health-'));
  const files = {
    'widget.yaml': yaml(widget('Down')),
    'both.yaml': yaml(widget('Up'), certificate),
    'broken.yaml': 'kind: [\n',
    'argocd-cm.yaml': yaml(config(lua)),
    'bad-lua.yaml': yaml(config('local a = 1\nreturn obj.x.y.z')),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(file(name), text);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** No cluster: what would name one leads nowhere. */
const health = (...args: readonly string[]): Promise<Finished> =>
  runToEnd(trueupProgram, ['health', ...args], { env: { KUBECONFIG: '/nonexistent/config' } });

describe('trueup health', () => {
  it('as text: status, message, the rule that decided, and what the script printed', async () => {
    const finished = await health('-f', file('widget.yaml'), '--config', file('argocd-cm.yaml'));
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    expect(finished.stdout).toBe(
      `Widget shop/w: Degraded\n  it is down.\n  decided by the Lua check of ${file('argocd-cm.yaml')}, ${key}\n  printed: w\n`,
    );
  });
  it('as JSON: each object with the rule that decided; --exit-code ends with 3 unless all are Healthy', async () => {
    const args = ['-f', file('both.yaml'), '--config', file('argocd-cm.yaml'), '-o', 'json', '--exit-code'];
    const finished = await health(...args);
    expect(finished.code).toBe(3);
    expect(JSON.parse(finished.stdout)).toMatchObject([
      { object: { kind: 'Widget' }, status: 'Healthy', rule: expect.stringContaining(key) },
      {
        object: { kind: 'Certificate' },
        status: 'Progressing',
        rule: expect.stringContaining('Ready is False'),
      },
    ]);
  });
  it('from standard input; without the ConfigMap another rule decides', async () => {
    const finished = await runToEnd(trueupProgram, ['health', '-f', '-', '-o', 'json'], {
      stdin: yaml(widget('Down')),
    });
    expect(finished.code).toBe(0);
    expect(JSON.parse(finished.stdout)).toMatchObject({
      status: 'Healthy',
      rule: 'the conventions of kstatus',
    });
  });
  it('a script that fails: Unknown, with file, key and line (F23)', async () => {
    const finished = await health('-f', file('widget.yaml'), '--config', file('bad-lua.yaml'));
    expect(finished.stdout).toContain('Widget shop/w: Unknown\n');
    expect(finished.stdout).toContain(`${file('bad-lua.yaml')}, ${key}, line 2: `);
  });
  it.each([
    ['a file that is not there', ['-f', 'none.yaml'], /none\.yaml: cannot be read \(ENOENT\)/],
    ['a file that is no YAML', ['-f', 'broken.yaml'], /broken\.yaml: line 2: /],
    ['no file', [], /required option '-f, --file <file>' not specified/],
    [
      'settings that are not there',
      ['-f', 'widget.yaml', '--config', 'none.yaml'],
      /none\.yaml: cannot be read/,
    ],
    [
      'settings that are something else',
      ['-f', 'widget.yaml', '--config', 'both.yaml'],
      /both\.yaml: has no ConfigMap argocd-cm/,
    ],
  ])('%s: a message and 64', async (_, args, message) => {
    const finished = await health(...args.map((word) => (word.endsWith('.yaml') ? file(word) : word)));
    expect(finished).toMatchObject({ code: 64, stdout: '' });
    expect(finished.stderr.trim().split('\n')).toHaveLength(1);
    expect(finished.stderr).toMatch(message);
  });
  it('--help has an example', async () => {
    const { code, stdout } = await trueup(['health', '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('kubectl get certificate web -o yaml | trueup health -f -');
  });
});
