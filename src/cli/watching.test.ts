/** `get --watch` and `app list --watch`: what there is, and then what changes. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  applicationKind,
  configMap,
  EngineWorld,
  filesOf,
  repository,
} from '../../tests/fakes/engine-world.ts';
import type { Manifest } from '#model/object.ts';
import { appList, type ListOptions } from './app-list.ts';
import type { CommandPorts } from './command.ts';
import { ended, portsOn } from './commands.fixture.ts';
import { exitCodes } from './exit-codes.ts';
import { getCommand, type GetOptions } from './get.ts';

const kustomizationKind = 'kustomize.toolkit.fluxcd.io/Kustomization';
const source: Manifest = {
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name: 'fleet', namespace: 'flux-system' },
  spec: { interval: '1m', url: repository, ref: { branch: 'main' } },
};
const kustomization = (name: string, more: object = {}): Manifest => ({
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { name, namespace: 'flux-system', ...more },
  spec: { interval: '10m', path: './flux', prune: true, sourceRef: { kind: 'GitRepository', name: 'fleet' } },
});

let world: EngineWorld;
let ports: CommandPorts;
let out = '';
let said = '';
let end: Promise<{ readonly code: number; readonly message: string }> | undefined;
beforeEach(() => {
  world = new EngineWorld();
  [out, said, end] = ['', '', undefined];
  ports = portsOn(world, { out: (text) => void (out += text), say: (text) => void (said += text) });
});

/** What was printed since it was asked last. */
function printed(): readonly string[] {
  const lines = out.split('\n').filter((line) => line !== '');
  out = '';
  return lines;
}
async function get(words: readonly string[], more: Partial<GetOptions> = {}): Promise<void> {
  const options = { namespace: 'argocd', output: 'table', watch: true, ...more } as const;
  end = ended(getCommand(words, options, ports));
  await world.settle();
}
async function list(more: Partial<ListOptions> = {}): Promise<void> {
  end = ended(appList({ namespace: 'argocd', output: 'table', watch: true, ...more }, ports));
  await world.settle();
}
/** One commit: what the Application applies, and what the Kustomization does. */
const push = (value: string): Promise<string> =>
  world.pushFiles({
    ...filesOf([configMap('one', { a: value })]),
    ...filesOf([configMap('two', { a: value })], 'flux'),
  });
/** One Application and one Kustomization, both applied. */
async function both(): Promise<void> {
  await world.start();
  await push('1');
  await world.create(source);
  await world.create(world.application());
  await world.create(kustomization('apps'));
}
const relabel = async (kind: string, namespace: string, name: string, labels: object): Promise<void> => {
  world.cluster.edit(kind, namespace, name, (draft) => (draft.metadata.labels = labels));
  await world.settle();
};

describe('get --watch', () => {
  it('prints the table, and then a row for each that is another one than before, of every dialect', async () => {
    await both();
    await get(['all'], { allNamespaces: true });
    const [header = '', ...rows] = printed();
    expect(header).toMatch(/^KIND +NAMESPACE +NAME +READY +SUSPENDED +REVISION +MESSAGE$/);
    expect(rows).toEqual([
      expect.stringMatching(/^Application +argocd +web +True /),
      expect.stringMatching(/^Kustomization +flux-system +apps +True /),
      expect.stringMatching(/^GitRepository +flux-system +fleet +True /),
    ]);
    await world.settle();
    expect(printed()).toEqual([]);

    const commit = await push('2');
    const after = printed();
    expect(after.at(0)?.indexOf('flux-system')).toBe(header.indexOf('NAMESPACE'));
    for (const kind of ['Application', 'Kustomization', 'GitRepository'])
      expect(after.findLast((row) => row.startsWith(kind))).toMatch(
        new RegExp(`^${kind} .* True .*${commit.slice(0, 8)}`),
      );
    expect(new Set(after).size).toBe(after.length);
  });
  it('what changes nothing of its row prints none', async () => {
    await both();
    await get(['applications']);
    printed();
    await relabel(applicationKind, 'argocd', 'web', { team: 'payments' });
    expect(printed()).toEqual([]);
  });
  it('what comes gets a row, what goes one that says so, and what comes back one again', async () => {
    await get(['ks']);
    expect(out).toBe('');
    expect(said).toBe('no ks in namespace flux-system\n');
    await world.create(kustomization('apps'));
    expect(printed()).toEqual([
      expect.stringMatching(/^KIND /),
      expect.stringMatching(/^Kustomization +flux-system +apps +Unknown /),
    ]);
    world.cluster.drop(kustomizationKind, 'flux-system', 'apps');
    await world.settle();
    expect(printed()).toEqual([
      expect.stringMatching(/^Kustomization +flux-system +apps +- +- +- +deleted$/),
    ]);
    await world.create(kustomization('apps'));
    expect(printed()).toEqual([expect.stringMatching(/ apps +Unknown /)]);
  });
  it('shows only what is meant: of a namespace, of a name, with a label', async () => {
    await get(['ks', 'apps'], { selector: 'team in (a)' });
    await world.create(kustomization('apps', { labels: { team: 'b' } }));
    await world.create(kustomization('other', { labels: { team: 'a' } }));
    await world.create({
      ...kustomization('apps', { labels: { team: 'a' } }),
      metadata: { name: 'apps', namespace: 'payments', labels: { team: 'a' } },
    });
    expect(printed()).toEqual([]);
    await relabel(kustomizationKind, 'flux-system', 'apps', { team: 'a' });
    expect(printed()).toHaveLength(2);
    await relabel(kustomizationKind, 'flux-system', 'apps', { team: 'b' });
    expect(printed()).toEqual([
      expect.stringMatching(/^Kustomization +flux-system +apps .* no longer selected$/),
    ]);
    await relabel(kustomizationKind, 'flux-system', 'apps', { team: 'c' });
    expect(printed()).toEqual([]);
  });
  it('-o json: a document on a line of its own for each that there is, and for every change', async () => {
    world.cluster.put(kustomization('apps'));
    await get(['ks'], { output: 'json' });
    await relabel(kustomizationKind, 'flux-system', 'apps', { team: 'a' });
    world.cluster.drop(kustomizationKind, 'flux-system', 'apps');
    await world.settle();
    const labels = printed().map((line) => (JSON.parse(line) as Manifest).metadata.labels);
    expect(labels).toEqual([undefined, { team: 'a' }, { team: 'a' }]);
    expect(said).toBe('Kustomization flux-system/apps: deleted\n');
  });
  it('-o yaml: documents, -o name: a name for every change', async () => {
    world.cluster.put(kustomization('apps'));
    await get(['ks'], { output: 'yaml' });
    await relabel(kustomizationKind, 'flux-system', 'apps', { team: 'a' });
    const documents = out.split(/^---$/m).slice(1);
    expect(documents).toHaveLength(2);
    expect(documents[1]).toMatch(/^\napiVersion: kustomize[^]*\n {4}team: a\n/);
    out = '';
    await get(['ks'], { output: 'name' });
    await relabel(kustomizationKind, 'flux-system', 'apps', { team: 'b' });
    expect(printed().filter((line) => line === 'kustomization/flux-system/apps')).toHaveLength(2);
  });
  it('what may not be read at the beginning ends it, as without --watch', async () => {
    world.cluster.forbidden.add(kustomizationKind);
    await get(['ks']);
    expect(await end).toMatchObject({
      code: exitCodes.unauthorised,
      message: expect.stringMatching(/may not list kustomizations/),
    });
    expect(out).toBe('');
  });
});

describe('app list --watch', () => {
  it('prints the table, and then a row for each Application that is another one than before', async () => {
    await both();
    await list();
    expect(printed()).toEqual([
      expect.stringMatching(/^NAME +SYNC +HEALTH +REVISION +CAUSE$/),
      expect.stringMatching(/^argocd\/web +Synced +Healthy +[0-9a-f]{8}$/),
    ]);
    const commit = await push('2');
    expect(printed().at(-1)).toMatch(new RegExp(`^argocd/web +Synced +Healthy +${commit.slice(0, 8)}$`));
  });
  it('says why one is only looked at, and no longer when it was taken over', async () => {
    const left = {
      sync: { status: 'Synced' },
      reconciledAt: '2026-01-01T00:00:00Z',
      resources: [{ version: 'v1', kind: 'ConfigMap', namespace: 'payments', name: 'one', status: 'Synced' }],
    };
    await world.start();
    await push('1');
    await world.create(source);
    world.cluster.put({ ...world.application(), status: left }, 'argocd-application-controller');
    await world.settle();
    await list();
    expect(printed()[1]).toMatch(/argocd-application-controller kept its status so far/);
    const mark = world.mark;
    await world.sync();
    const rows = printed();
    expect(rows.at(-1)).toMatch(/^argocd\/web +Synced +Healthy +[0-9a-f]{8}$/);
    // What rows are made of is followed: none of them costs a request.
    const reads = world.cluster
      .since(mark)
      .filter(({ verb, key }) => verb === 'list' && key.includes('AppProject'));
    expect(reads).toEqual([]);
  });
  it('of every namespace, of those with a label', async () => {
    const elsewhere = (team: string): Manifest => ({
      ...world.application(),
      metadata: { name: `web-${team}`, namespace: 'payments', labels: { team } },
    });
    await list({ selector: 'team notin (b)', allNamespaces: true });
    expect(said).toBe('no Applications in any namespace\n');
    await world.create(elsewhere('a'));
    await world.create(elsewhere('b'));
    expect(printed().map((row) => row.split(' ')[0])).toEqual(['NAME', 'payments/web-a']);
  });
});
