/** `trueup why`: one sentence for everything that something can wait for, and the chain below it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { configMap, EngineWorld, filesOf, repository } from '../../tests/fakes/engine-world.ts';
import type { Manifest } from '#model/object.ts';
import type { CommandPorts } from './command.ts';
import { ended, portsOn } from './commands.fixture.ts';
import { suspendCommand, resumeCommand } from './suspend.ts';
import { whyCommand, type Reason } from './why.ts';

const namespace = 'flux-system';
const options = { namespace: 'argocd' };
const source = (spec: object = {}): Manifest => ({
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name: 'fleet', namespace },
  spec: { interval: '1m', url: repository, ref: { branch: 'main' }, ...spec },
});
const kustomization = (name: string, spec: object): Manifest => ({
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { name, namespace },
  spec: {
    interval: '10m',
    path: `./${name}`,
    prune: true,
    sourceRef: { kind: 'GitRepository', name: 'fleet' },
    ...spec,
  },
});
const deployment = (name: string): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'payments' },
  spec: { replicas: 1, selector: {}, template: {} },
});

let world: EngineWorld;
let ports: CommandPorts;
let out = '';
beforeEach(() => {
  world = new EngineWorld();
  out = '';
  ports = portsOn(world, { out: (text) => void (out += text), say: () => undefined });
});

async function why(...words: readonly string[]): Promise<readonly string[]> {
  out = '';
  expect(await ended(whyCommand(words, { ...options, output: 'table' }, ports))).toEqual({
    code: 0,
    message: '',
  });
  return out.trimEnd().split('\n');
}
async function pushed(...names: readonly string[]): Promise<void> {
  const files = names.map((name) => filesOf([deployment(name), configMap(name)], name));
  await world.pushFiles(Object.assign({}, ...files) as Record<string, string>);
}
async function fleet(specs: Readonly<Record<string, object>>): Promise<void> {
  await world.start();
  await pushed(...Object.keys(specs));
  await world.create(source());
  for (const [name, spec] of Object.entries(specs)) await world.create(kustomization(name, spec));
}
const on = (...names: readonly string[]): object => ({ dependsOn: names.map((name) => ({ name })) });

describe('why, of a Kustomization', () => {
  it('goes down a chain of dependsOn to the object that is in the way', async () => {
    await fleet({ c: on('b'), b: { ...on('a'), wait: true }, a: { wait: true } });
    expect(await why('ks/c')).toEqual([
      'Kustomization flux-system/c: waits for Kustomization flux-system/b, on which it depends',
      '  ← Kustomization flux-system/b: waits for Kustomization flux-system/a, on which it depends',
      expect.stringMatching(
        /^ {4}← Kustomization flux-system\/a: is applied, and waits for health: Running health checks .*Deployment payments\/a/,
      ),
      expect.stringMatching(/^ {6}← Deployment payments\/a: is Progressing/),
    ]);
  });
  it('names the one in a chain that does not exist', async () => {
    await fleet({ b: on('a') });
    expect(await why('ks/b')).toEqual([
      'Kustomization flux-system/b: waits for Kustomization flux-system/a, on which it depends',
      '  ← Kustomization flux-system/a: is not there',
    ]);
  });
  it('goes around a circle once, and says that it is one', async () => {
    await fleet({ a: on('c'), b: on('a'), c: on('b') });
    expect(await why('ks/a')).toEqual([
      'Kustomization flux-system/a: waits for Kustomization flux-system/c, on which it depends',
      '  ← Kustomization flux-system/c: waits for Kustomization flux-system/b, on which it depends',
      '    ← Kustomization flux-system/b: waits for Kustomization flux-system/a, on which it depends',
      '      ← Kustomization flux-system/a: depends on it in a circle',
    ]);
    out = '';
    await whyCommand(['ks/a'], { ...options, output: 'json' }, ports);
    expect((JSON.parse(out) as Reason[]).map(({ object }) => object.name)).toEqual(['a', 'c', 'b', 'a']);
  });
  it('one whose health checks run is not stopped; one whose time is over still waits', async () => {
    await fleet({ a: { wait: true, timeout: '1m' } });
    expect((await why('ks/a'))[0]).toMatch(/a: is applied, and waits for health: Running health checks/);
    await world.advance(70_000, 10_000);
    expect((await why('ks/a'))[0]).toMatch(
      /a: is applied, and waits for health: Health check failed after 1 min/,
    );
  });
  it('one that cannot be rendered says so, and one that waits for a person', async () => {
    const many = Array.from({ length: 12 }, (_, index) => configMap(`n${index}`));
    await world.start();
    await world.pushFiles(filesOf(many, 'a'));
    await world.create(source());
    await world.create(kustomization('a', {}));
    expect(await why('ks/a')).toEqual([
      'Kustomization flux-system/a: waits for nothing: what Git says is applied, and it is healthy',
    ]);
    await world.pushFiles(filesOf(many.slice(0, 1), 'a'));
    expect((await why('ks/a'))[0]).toMatch(/a: waits for a decision: .*\[PruneHeld\]/);
    await world.pushFiles({ 'a/kustomization.yaml': 'resources: [nothing.yaml]\n' });
    expect((await why('ks/a'))[0]).toMatch(/a: cannot go on: .*nothing\.yaml/);
  });
  it('one that is suspended names the command that has it go on', async () => {
    await fleet({ a: {} });
    await suspendCommand(['ks/a'], { ...options, reason: 'incident 42' }, ports);
    await world.settle();
    const [sentence = ''] = await why('ks/a');
    expect(sentence).toMatch(
      /a: is suspended \(spec\.suspend\): by ada at \S+: incident 42; trueup resume kustomization\/flux-system\/a goes on$/,
    );
    const [, words = ''] = /trueup resume (\S+)/.exec(sentence) ?? [];
    await resumeCommand([words], options, ports);
    await world.settle();
    expect((await why('ks/a'))[0]).not.toContain('suspended');
  });
  it('one in a chain that is suspended is named with its own command', async () => {
    await fleet({ a: { ...on('missing'), suspend: true }, b: on('a') });
    expect((await why('ks/b'))[1]).toMatch(/trueup resume kustomization\/flux-system\/a goes on/);
  });
});

describe('why, of a source', () => {
  it('says what it has, what it cannot do, and who stopped it', async () => {
    await fleet({ a: {} });
    const words = ['source', 'git', 'fleet'];
    expect(await why(...words)).toEqual([
      expect.stringMatching(
        /^GitRepository flux-system\/fleet: waits for nothing: stored artifact for revision 'main@sha1:/,
      ),
    ]);
    world.cluster.edit('source.toolkit.fluxcd.io/GitRepository', namespace, 'fleet', (draft) => {
      draft.spec.ref = { branch: 'gone' };
    });
    await world.settle();
    expect((await why(...words))[0]).toMatch(/fleet: cannot go on: .*gone/);
    await suspendCommand(words, options, ports);
    await world.settle();
    expect((await why(...words))[0]).toMatch(
      /fleet: is suspended .*trueup resume gitrepository\/flux-system\/fleet goes on/,
    );
  });
  it('says what is refused of it, and when nobody looks at it', async () => {
    world.cluster.put(source({ recurseSubmodules: true }));
    expect((await why('gitrepository/fleet'))[0]).toMatch(/fleet: .*recurseSubmodules.*\[Unsupported\]/);
    world.cluster.put(source());
    expect((await why('gitrepository/fleet'))[0]).toMatch(/fleet: was not looked at yet; does trueup start/);
  });
  it('says when another controller keeps it', async () => {
    const ready = { type: 'Ready', status: 'True', reason: 'Succeeded', message: 'stored artifact' };
    await world.start();
    await pushed('a');
    const status = { conditions: [ready], artifact: { revision: 'main@sha1:1' } };
    world.cluster.put({ ...source(), status: status as never }, 'gotk-source-controller');
    await world.settle();
    expect((await why('source', 'git', 'fleet'))[0]).toMatch(
      /fleet: only observed: gotk-source-controller kept its status so far; to take it over: /,
    );
  });
});
