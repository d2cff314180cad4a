/** Commands on Flux's kinds: the same verbs as on Applications, in the words of either. */
import { beforeEach, describe, expect, it } from 'vitest';
import { configMap, EngineWorld, repository } from '../../tests/fakes/engine-world.ts';
import { failure } from '../../tests/fakes/cluster.ts';
import type { Manifest } from '#model/object.ts';
import type { Unit } from '#model/unit.ts';
import type { CommandPorts } from './command.ts';
import { ended, portsOn, whileItGoesOn } from './commands.fixture.ts';
import { diffCommand } from './diff.ts';
import { exitCodes } from './exit-codes.ts';
import { getCommand } from './get.ts';
import { historyCommand } from './history.ts';
import { rollbackCommand, sourceChosen } from './rollback.ts';
import { reconcileCommand } from './suspend.ts';
import { handBackCommand, takeoverCommand } from './takeover.ts';
import { terminateCommand } from './terminate.ts';
import { treeCommand } from './tree.ts';

const namespace = 'flux-system';
const kind = 'kustomize.toolkit.fluxcd.io/Kustomization';
const options = { namespace: 'argocd' };
const withTimeout = { ...options, mirror: [], timeoutMs: 60_000 };
const source: Manifest = {
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name: 'fleet', namespace },
  spec: { interval: '1m', url: repository, ref: { branch: 'main' } },
};
const apps = (status?: object): Manifest => ({
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { name: 'apps', namespace },
  spec: { interval: '10m', path: './app', prune: true, sourceRef: { kind: 'GitRepository', name: 'fleet' } },
  ...(status === undefined ? {} : { status: status as never }),
});

let world: EngineWorld;
let ports: CommandPorts;
let out = '';
let said = '';
beforeEach(() => {
  world = new EngineWorld();
  [out, said] = ['', ''];
  ports = portsOn(world, { out: (text) => void (out += text), say: (text) => void (said += text) });
});

const statusOf = (name = 'apps', of = kind): any => world.cluster.must(of, namespace, name)['status'] ?? {};
async function applied(): Promise<void> {
  await world.start();
  await world.push([configMap('one'), configMap('two')]);
  await world.create(source);
  await world.create(apps());
  expect(statusOf().conditions[0]).toMatchObject({ type: 'Ready', status: 'True' });
}

describe('a Kustomization', () => {
  it('is listed with its source, has a tree, a history and differences', async () => {
    await applied();
    await getCommand(['sources', 'git'], { ...options, output: 'name' }, ports);
    await getCommand(['ks'], { ...options, output: 'name' }, ports);
    expect(out).toBe('gitrepository/flux-system/fleet\nkustomization/flux-system/apps\n');
    out = '';
    await treeCommand(['kustomization', 'apps'], { ...options, output: 'table' }, ports);
    expect(out).toMatch(/^Kustomization flux-system\/apps {2}ready\n├─ ConfigMap payments\/one/);
    out = '';
    await historyCommand(['ks/apps'], { ...options, output: 'table' }, ports);
    expect(out).toMatch(/ sync +main@.* applied 2/);
    out = '';
    const diff = () =>
      ended(diffCommand(['ks/apps'], { ...options, mirror: [], exitCode: true, output: 'table' }, ports));
    expect(await diff()).toEqual({ code: 0, message: '' });
    world.crash();
    world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data.a = 'hand'), 'rival');
    expect(await diff()).toEqual({ code: 1, message: '' });
    expect(out).toMatch(/^~ ConfigMap payments\/one {2}drifted\n.*\n +\.data\.a +"hand" +"1" +rival/);
  });
  it('is found where -n says, as flux has it', async () => {
    await applied();
    const where = { namespace, isNamespaceGiven: true };
    await reconcileCommand(['kustomization', 'apps'], { ...where, withSource: true }, ports);
    await world.settle();
    expect(statusOf().lastHandledReconcileAt).toBeDefined();
    expect(statusOf('fleet', 'source.toolkit.fluxcd.io/GitRepository').lastHandledReconcileAt).toBeDefined();
    expect(await ended(historyCommand(['ks', 'web'], { ...where, output: 'table' }, ports))).toMatchObject({
      code: 1,
      message: 'no Kustomization "web" in namespace flux-system; there are: apps',
    });
  });
  it('is rolled back by a revert in Git, and waits until that is applied', async () => {
    await applied();
    const before = world.git.calls.length;
    await world.push([configMap('one', { a: '2' }), configMap('two')], { message: 'Raise it' });
    expect(world.data('one')).toEqual({ a: '2' });
    const command = ended(rollbackCommand(['ks/apps'], withTimeout, ports));
    const ends = await whileItGoesOn(world, command, () => world.advance(40_000));
    expect(ends).toEqual({ code: 0, message: '' });
    expect(world.data('one')).toEqual({ a: '1' });
    expect(out).toMatch(/^apps: reverted 1 commit, as main@\w{8}; stable .* after it was seen/);
    expect(world.git.calls.length).toBeGreaterThan(before);

    const get = async (words: readonly string[], more: object = {}): Promise<string> => {
      out = '';
      await getCommand(words, { ...options, output: 'table', ...more }, ports);
      return out;
    };
    const last =
      /^KIND .*\nKustomization .*\n\nLast Rollback: +main@\w{8} at \S+; a revert, stable .* after it was seen\n$/;
    expect(await get(['kustomization', 'apps'])).toMatch(last);
    // Of a table of all, as of what a script reads, it is no part.
    expect(await get(['ks'])).not.toContain('Last Rollback');
    expect(await get(['ks', 'apps'], { output: 'name' })).toBe('kustomization/flux-system/apps\n');
    expect(await get(['sources', 'git', 'fleet'])).not.toContain('Last Rollback');
    world.cluster.inject = ({ key }) =>
      key.startsWith('trueup.dev/UnitState') ? failure('Forbidden', 'denied') : undefined;
    expect(await get(['ks', 'apps'])).toMatch(/^KIND .*\nKustomization .*\n$/);
  });
  it('has nothing to terminate where nothing is under way', async () => {
    await applied();
    expect(await ended(terminateCommand(['ks/apps'], withTimeout, ports))).toEqual({
      code: exitCodes.failed,
      message: 'apps: no operation is in progress',
    });
  });
});

describe('of several sources', () => {
  const unit = (...urls: readonly string[]) =>
    ({ owner: apps().metadata, inputs: urls.map((url) => ({ source: { url } })) }) as unknown as Unit;
  const urls = ['https://git.example/a', 'https://git.example/b'] as const;
  it('the one that is meant is named by its number or its URL; without one they are listed', () => {
    expect(sourceChosen(unit(urls[0]), undefined)).toBe(0);
    expect(sourceChosen(unit(...urls), '2')).toBe(1);
    expect(sourceChosen(unit(...urls), urls[1])).toBe(1);
    expect(() => sourceChosen(unit(...urls), undefined)).toThrow(
      /has 2 sources; .*--source:\n {2}1: https:\/\/git\.example\/a\n {2}2: /,
    );
    expect(() => sourceChosen(unit(...urls), '3')).toThrow(/has no source 3/);
  });
});

describe('F29: takeover and hand-back', () => {
  const lease = (component: string, renewedAtMs: number): Manifest => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: `${component}-leader-election`, namespace },
    spec: {
      holderIdentity: `${component}-0`,
      leaseDurationSeconds: 35,
      renewTime: new Date(renewedAtMs).toISOString(),
    },
  });
  const takeover = (more: object = {}) =>
    ended(takeoverCommand(['ks/apps'], { ...withTimeout, ...more }, ports));
  async function left(): Promise<void> {
    const commit = await world.push([configMap('one', { a: '2' })]);
    const labels = {
      'kustomize.toolkit.fluxcd.io/name': 'apps',
      'kustomize.toolkit.fluxcd.io/namespace': namespace,
    };
    for (const name of ['one', 'old']) {
      const object = configMap(name);
      world.cluster.put({ ...object, metadata: { ...object.metadata, labels } }, 'kustomize-controller');
    }
    const ready = { type: 'Ready', status: 'True', reason: 'Succeeded', message: 'stored artifact' };
    const revision = `main@sha1:${commit}`;
    world.cluster.put(
      { ...source, status: { conditions: [ready], artifact: { revision } } as never },
      'gotk-source-controller',
    );
    const entries = ['one', 'old'].map((name) => ({ id: `payments_${name}__ConfigMap`, v: 'v1' }));
    const status = { conditions: [ready], lastAppliedRevision: revision, inventory: { entries } };
    world.cluster.put(apps(status), 'gotk-kustomize-controller');
    await world.start();
  }

  it('shows the first plan and changes nothing; --yes takes it over, and its source with it', async () => {
    await left();
    const { mark } = world;
    expect(await takeover()).toEqual({ code: 0, message: '' });
    expect(out).toMatch(/~ ConfigMap payments\/one[\s\S]*= ConfigMap payments\/old +kept/);
    expect(said).toMatch(
      /gotk-kustomize-controller kept its status.*\n.*trueup takeover kustomization\/flux-system\/apps --yes/,
    );
    expect(world.writesSince(mark)).toEqual([]);
    expect(await whileItGoesOn(world, takeover({ yes: true }))).toEqual({ code: 0, message: '' });
    expect([world.data('one'), world.data('old')]).toEqual([{ a: '2' }, { a: '1' }]);
    expect(out).toMatch(/^apps: Ready: Applied revision: main@sha1:/m);
    expect(statusOf('fleet', 'source.toolkit.fluxcd.io/GitRepository').lastHandledReconcileAt).toBeDefined();
    out = '';
    await takeover();
    expect(out).toMatch(/nothing to take over/);
  });
  it.each(['a Lease that is held', 'a controller that is ready'])('is refused for %s', async (what) => {
    const labels = {
      'app.kubernetes.io/part-of': 'flux',
      'app.kubernetes.io/component': 'kustomize-controller',
    };
    world.cluster.put(
      what.includes('Lease')
        ? lease('kustomize-controller', world.time.now())
        : {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            metadata: { name: 'kustomize-controller', namespace, labels },
            status: { readyReplicas: 1 },
          },
    );
    await left();
    const refused = await takeover({ yes: true });
    expect(refused).toMatchObject({
      code: 1,
      message: expect.stringMatching(
        what.includes('Lease')
          ? /kustomize-controller-0 holds Lease flux-system\/kustomize-controller-leader-election/
          : /kubectl -n flux-system scale deployment\/kustomize-controller --replicas=0/,
      ),
    });
    expect(world.data('one')).toEqual({ a: '1' });
  });
  it('nobody takes it up: the wish is withdrawn', async () => {
    await left();
    world.crash();
    const { code } = await whileItGoesOn(world, takeover({ yes: true }));
    expect(code).toBe(exitCodes.unhealthy);
    expect(world.cluster.must(kind, namespace, 'apps').metadata.annotations ?? {}).toEqual({});
  });
  it('hand-back: says what Flux finds and how it goes on', async () => {
    await applied();
    world.cluster.edit(kind, namespace, 'apps', (draft) => {
      draft.metadata.annotations = { 'trueup.dev/prune': 'true', 'team.example/kept': 'yes' };
    });
    expect(await ended(handBackCommand(['ks/apps'], options, ports))).toEqual({ code: 0, message: '' });
    expect(out).toMatch(
      /2 objects, applied as kustomize-controller, marked by kustomize\.toolkit\.fluxcd\.io\/namespace/,
    );
    expect(out).toContain('kubectl -n flux-system scale deployment/source-controller --replicas=1');
    expect(out).toContain('kubectl -n flux-system scale deployment/kustomize-controller --replicas=1');
    expect(world.cluster.must(kind, namespace, 'apps').metadata.annotations).toEqual({
      'team.example/kept': 'yes',
    });
  });
});
