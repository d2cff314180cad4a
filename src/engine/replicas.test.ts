/** Several engines on one cluster, in a world of fakes: who looks after what, whoever comes, goes, hangs or lags. */
import { ok } from '#model/failure.ts';
import type { Manifest } from '#model/object.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failure, isWrite, type FakeCall, type FakeClient } from '../../tests/fakes/cluster.ts';
import {
  applicationKind,
  configMap,
  EngineWorld,
  repository,
  type RunningEngine,
} from '../../tests/fakes/engine-world.ts';

let world: EngineWorld;
beforeEach(() => {
  world = new EngineWorld();
});
afterEach(() => {
  expect(world.errors).toEqual([]);
});

const count = 12;
const names = Array.from({ length: count }, (_, index) => `app-${index}`);
const fileOf = (name: string, value: string): [string, string] => [
  `${name}/object.yaml`,
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {a: "${value}"}\n`,
];
const filesWith = (value: string): Record<string, string> =>
  Object.fromEntries(names.map((name) => fileOf(name, value)));
const leases = (): readonly string[] =>
  [...world.cluster.objects.values()]
    .filter(({ kind }) => kind === 'Lease')
    .map(({ metadata }) => metadata.name)
    .toSorted();
const isLease = ({ key }: FakeCall): boolean => key.startsWith('coordination.k8s.io/');
const isObject = ({ key }: FakeCall): boolean => key.startsWith('/ConfigMap/');
const values = (): readonly unknown[] =>
  names.map((name) => (world.data(name) as { a: string } | undefined)?.a);
const all = (value: string): readonly unknown[] => names.map(() => value);

/** A dozen Applications in sync, shared by these replicas. */
async function shared(...ids: readonly string[]): Promise<Record<string, RunningEngine>> {
  await world.pushFiles(filesWith('1'));
  for (const name of names)
    world.cluster.put(
      world.application(name, { source: { repoURL: repository, path: name, targetRevision: 'main' } }),
    );
  const running: Record<string, RunningEngine> = {};
  for (const id of ids) running[id] = await world.join(id);
  expect(values()).toEqual(all('1'));
  return running;
}
const owns = ({ engine }: RunningEngine, name: string): boolean =>
  engine.isOwn(world.cluster.must(applicationKind, 'argocd', name));
const ownOf = (replica: RunningEngine): readonly string[] => names.filter((name) => owns(replica, name));
/** Standing still: no call of this client is done until the returned function is called. */
function pause(client: FakeClient): () => void {
  let resume = (): void => undefined;
  const standing = new Promise<void>((resolve) => (resume = resolve));
  world.cluster.gate = (_, of) => (of === client ? standing : undefined);
  return () => {
    world.cluster.gate = () => undefined;
    resume();
  };
}
async function push(value: string, at: RunningEngine): Promise<void> {
  world.git.push(repository, filesWith(value));
  at.engine.hint(() => true);
  await world.settle();
}

describe('two replicas', () => {
  it('share the Units: each has one owner, and both have some', async () => {
    const { a, b } = await shared('a', 'b');
    for (const name of names) expect(owns(a!, name)).toBe(!owns(b!, name));
    expect(a!.engine.counts.units + b!.engine.counts.units).toBe(count);
    expect(Math.min(a!.engine.counts.units, b!.engine.counts.units)).toBeGreaterThan(0);
    expect(leases()).toEqual(['trueup-a', 'trueup-b']);
  });
  it('write nothing in steady state but their Leases', async () => {
    await shared('a', 'b');
    await world.advance(10_000);
    const { mark } = world;
    await world.advance(60_000);
    const calls = world.cluster.since(mark);
    expect(calls.filter((call) => !isLease(call))).toEqual([]);
    expect(calls.length).toBeLessThanOrEqual(2 * 14);
  });
  it('apply a push once, whichever of them hears of it', async () => {
    const { a } = await shared('a', 'b');
    const { mark } = world;
    await push('2', a!);
    expect(values()).toEqual(all('2'));
    expect(world.writesSince(mark).filter(isObject)).toHaveLength(count);
  });
  it('hear of a hint once, and not again when a Lease is renewed', async () => {
    const { a, b } = await shared('a', 'b');
    await push('2', b!);
    const fetched = (): number => world.git.calls.length;
    const before = fetched();
    a!.engine.hint(() => false);
    await world.advance(12_000);
    expect(fetched()).toBe(before);
  });
});

describe('alone', () => {
  it('there is no Lease, and no timer runs for one', async () => {
    await world.start();
    const { mark } = world;
    await world.advance(60_000);
    expect(world.cluster.since(mark)).toEqual([]);
    expect(leases()).toEqual([]);
    expect(world.engine.members).toEqual([]);
  });
});

describe('a replica that comes', () => {
  it('gets a share, and nothing is written for it', async () => {
    const { a, b } = await shared('a', 'b');
    const { mark } = world;
    const c = await world.join('c');
    await world.advance(5000);
    expect(ownOf(c).length).toBeGreaterThan(0);
    for (const name of names) expect([a!, b!, c].filter((replica) => owns(replica, name))).toHaveLength(1);
    expect(world.cluster.since(mark).filter((call) => isWrite(call) && !isLease(call))).toEqual([]);
  });
});

describe('a Run of a replica that lives', () => {
  it("is left alone for as long as it takes, though its Unit would be another's by now", async () => {
    const { a, b } = await shared('a', 'b');
    const mine = ownOf(a!);
    let resume = (): void => undefined;
    const slow = new Promise<void>((resolve) => (resume = resolve));
    world.cluster.gate = (call, client) => (client === a!.client && call.verb === 'apply' ? slow : undefined);
    await push('2', b!);
    const held = mine.filter((name) => world.state(name)?.intent !== undefined);
    expect(held.length).toBeGreaterThan(0);
    const c = await world.join('c');
    await world.advance(60_000);
    for (const name of held) {
      expect(owns(a!, name)).toBe(true);
      expect(world.state(name)?.intent).toMatchObject({ replica: 'a' });
      expect(world.data(name)).toEqual({ a: '1' });
    }
    resume();
    await world.settle();
    expect(values()).toEqual(all('2'));
    for (const name of names) expect([a!, b!, c].filter((replica) => owns(replica, name))).toHaveLength(1);
    expect(ownOf(c).length).toBeGreaterThan(0);
  });
});

describe('who cannot be heard of is not dead', () => {
  it('when a watch hangs: the Lease itself is asked for', async () => {
    const { a, b } = await shared('a', 'b');
    const before = ownOf(a!);
    b!.client.lags = ({ plural }) => plural === 'leases';
    await world.advance(60_000);
    expect(b!.engine.members).toEqual(['a', 'b']);
    expect(ownOf(a!)).toEqual(before);
  });
  it('when it was taken for dead, and a record says that it is at work again (F14)', async () => {
    const { a, b } = await shared('a', 'b');
    const mine = ownOf(b!);
    const resume = pause(b!.client);
    await world.advance(30_000);
    expect(a!.engine.members).toEqual(['a']);
    a!.client.lags = ({ plural }) => plural === 'leases';
    resume();
    await world.advance(8000);
    let goOn = (): void => undefined;
    const slow = new Promise<void>((resolve) => (goOn = resolve));
    world.cluster.gate = ({ verb }, client) => (client === b!.client && verb === 'apply' ? slow : undefined);
    await push('2', b!);
    const held = mine.filter((name) => world.state(name)?.intent?.replica === 'b');
    expect(held.length).toBeGreaterThan(0);
    await world.advance(40_000);
    for (const name of held) expect(world.state(name)?.intent, name).toMatchObject({ replica: 'b' });
    expect(a!.engine.members).toEqual(['a', 'b']);
    goOn();
    await world.settle();
    expect(values()).toEqual(all('2'));
    // One that is gone is taken for dead again.
    world.cluster.gate = () => undefined;
    world.cluster.cutOff(b!.client);
    await world.advance(40_000);
    expect(a!.engine.members).toEqual(['a']);
  });
  it('when its Lease was never heard of, and a record says that it is at work (F14)', async () => {
    const { a } = await shared('a');
    a!.client.lags = ({ plural }) => plural === 'leases';
    const b = await world.join('b');
    expect(a!.engine.members).toEqual(['a']);
    await push('2', b);
    expect(a!.engine.members).toEqual(['a', 'b']);
    await world.advance(60_000);
    expect(a!.engine.members).toEqual(['a', 'b']);
    for (const name of names) expect(owns(a!, name)).toBe(!owns(b, name));
    await b.engine.stop();
    await world.advance(60_000);
    expect(a!.engine.members).toEqual(['a']);
  });
  it('when its Lease was never heard of, and its record is found where ours was to be written (F14)', async () => {
    const { a } = await shared('a');
    await world.advance(30_000);
    a!.client.lags = ({ plural }) => plural === 'leases' || plural === 'unitstates';
    const b = await world.join('b');
    let goOn = (): void => undefined;
    const slow = new Promise<void>((resolve) => (goOn = resolve));
    world.cluster.gate = ({ verb }, client) => (client === b.client && verb === 'apply' ? slow : undefined);
    await push('2', b);
    const held = names.filter((name) => world.state(name)?.intent?.replica === 'b');
    expect(held.length).toBeGreaterThan(0);
    a!.engine.hint(() => true);
    await world.settle();
    for (const name of held) expect(world.state(name)?.intent, name).toMatchObject({ replica: 'b' });
    expect(a!.engine.members).toEqual(['a', 'b']);
    goOn();
    await world.settle();
    expect(values()).toEqual(all('2'));
  });
  it('when the API server was away: each goes on with what it had', async () => {
    const { a, b } = await shared('a', 'b');
    const before = ownOf(a!);
    const away = {
      kind: 'transient',
      code: 'Unreachable',
      stage: 'observe',
      message: 'injected',
      hint: '',
    } as const;
    world.cluster.inject = () => away;
    await world.advance(60_000);
    world.cluster.inject = () => undefined;
    const { mark } = world;
    await world.advance(20_000);
    expect([a!.engine.members, b!.engine.members]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(ownOf(a!)).toEqual(before);
    expect(world.writesSince(mark).filter(isObject)).toEqual([]);
  });
});

describe('a replica that goes', () => {
  it('in good order leaves its Units at once', async () => {
    const { a, b } = await shared('a', 'b');
    await a!.engine.stop();
    await world.settle();
    expect(leases()).toEqual(['trueup-b']);
    expect(ownOf(b!)).toEqual(names);
    await push('2', b!);
    expect(values()).toEqual(all('2'));
  });
  it('by a crash: its Units have another owner within the length of a Lease (F1, F14)', async () => {
    const { a, b } = await shared('a', 'b');
    const mine = ownOf(b!);
    world.cluster.cutOff(a!.client);
    await push('2', b!);
    expect(values()).toEqual(names.map((name) => (mine.includes(name) ? '2' : '1')));
    await world.advance(16_000);
    expect(values()).toEqual(all('2'));
    await world.advance(60_000);
    expect(leases()).toEqual(['trueup-b']);
  });
  it('in the middle of a Run: what it began is left alone until it is surely over, then finished (F1, F14)', async () => {
    const { a, b } = await shared('a', 'b');
    const [name] = ownOf(a!);
    world.cluster.inject = (call) =>
      call.key === `/ConfigMap/payments/${name}` && isWrite(call) ? 'crash-before' : undefined;
    await push('2', a!);
    world.cluster.inject = () => undefined;
    expect(world.state(name)?.intent).toMatchObject({ replica: 'a' });
    await world.advance(16_000);
    expect(ownOf(b!)).toEqual(names);
    expect(values()[names.indexOf(name!)]).toBe('1');
    await world.advance(10_000);
    expect(values()).toEqual(all('2'));
    expect(world.state(name)?.intent).toBeUndefined();
  });
});

describe('a replica that stands still past its lease (F14)', () => {
  it('finds its Units with another, writes nothing late, and gets them back', async () => {
    const { a, b } = await shared('a', 'b');
    const before = ownOf(a!);
    const resume = pause(a!.client);
    world.git.push(repository, filesWith('2'));
    b!.engine.hint(() => true);
    await world.advance(27_000);
    expect(values()).toEqual(all('2'));
    expect(ownOf(b!)).toEqual(names);
    const { mark } = world;
    resume();
    await world.advance(8000);
    expect(world.writesSince(mark).filter(isObject)).toEqual([]);
    expect(ownOf(a!)).toEqual(before);
    await push('3', a!);
    expect(values()).toEqual(all('3'));
  });
  it('in the middle of a Run: a write that lands late all the same is undone, and no other follows', async () => {
    await world.push([configMap('one'), configMap('two')]);
    world.cluster.put(world.application());
    const a = await world.join('a');
    const b = await world.join('b');
    const application = (): boolean => a.engine.isOwn(world.cluster.must(applicationKind, 'argocd', 'web'));
    const [owner, other] = application() ? [a, b] : [b, a];
    let resume = (): void => undefined;
    const standing = new Promise<void>((resolve) => (resume = resolve));
    let isStanding = false;
    world.cluster.gate = (call, client) => {
      if (client !== owner.client) return undefined;
      if (call.verb === 'apply') isStanding = true;
      return isStanding ? standing : undefined;
    };
    world.git.push(repository, {
      'app/one.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: "2"}\n',
    });
    owner.engine.hint(() => true);
    await world.settle();
    expect(isStanding).toBe(true);
    world.git.push(repository, {
      'app/one.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: "3"}\n',
    });
    other.engine.hint(() => true);
    await world.advance(24_000);
    expect(world.data('one')).toEqual({ a: '1' });
    await world.advance(4000);
    expect(world.data('one')).toEqual({ a: '3' });
    expect(world.data('two')).toBeUndefined();
    const { mark } = world;
    resume();
    await world.advance(10_000);
    expect(world.data('one')).toEqual({ a: '3' });
    // The repair of the one that was under way; what was to come after that was never sent.
    expect(
      world
        .writesSince(mark)
        .filter(isObject)
        .map(({ verb, key }) => `${verb} ${key}`),
    ).toEqual(['apply /ConfigMap/payments/one']);
    expect(world.state()?.intent).toBeUndefined();
  });
  it('a status that it was about to write does not take the place of a newer one', async () => {
    const { a, b } = await shared('a', 'b');
    const [name] = ownOf(a!);
    let resume = (): void => undefined;
    const standing = new Promise<void>((resolve) => (resume = resolve));
    let isStanding = false;
    world.cluster.gate = (call, client) => {
      if (client !== a!.client) return undefined;
      isStanding ||= call.verb === 'mergePatch' && call.key === `${applicationKind}/argocd/${name}`;
      return isStanding ? standing : undefined;
    };
    await push('2', a!);
    expect(isStanding).toBe(true);
    const commit = world.git.push(repository, filesWith('3'));
    b!.engine.hint(() => true);
    await world.advance(27_000);
    expect(world.status(name).sync).toMatchObject({ status: 'Synced', revision: commit });
    resume();
    await world.settle();
    expect(world.status(name).sync).toMatchObject({ status: 'Synced', revision: commit });
  });
  it('a status that it writes before it hears that another has its Unit is set right by that one', async () => {
    const { a, b } = await shared('a', 'b');
    const [name] = ownOf(a!);
    const { status } = world.cluster.get(applicationKind, 'argocd', name!)!;
    await world.settle();
    const old = { ...(status as object), sync: { status: 'OutOfSync' } };
    const ref = {
      group: 'argoproj.io',
      version: 'v1alpha1',
      kind: 'Application',
      namespace: 'argocd',
      name: name!,
    };
    expect((await b!.client.mergePatch(ref, { status: old })).ok).toBe(true);
    await world.settle();
    expect(world.status(name).sync).toMatchObject({ status: 'Synced' });
    const { mark } = world;
    await world.advance(60_000, 10_000);
    expect(world.writesSince(mark).filter(({ key }) => key.includes('Application'))).toEqual([]);
  });
  it.each([
    [
      'cannot be renewed',
      () => {
        world.cluster.inject = (call) =>
          isWrite(call) && call.key.endsWith('/trueup-a')
            ? { kind: 'transient', code: 'Unreachable', stage: 'apply', message: 'injected', hint: '' }
            : undefined;
      },
    ],
    [
      'is not renewed because of conflicts',
      ({ client }: RunningEngine) => {
        client.mergePatch = () => Promise.resolve(ok({ result: 'stale', why: 'it was changed meanwhile' }));
      },
    ],
  ])('whose Lease %s stops by itself before the others take over', async (_, hinder) => {
    const { a, b } = await shared('a', 'b');
    const mine = ownOf(a!);
    hinder(a!);
    await world.advance(13_500);
    expect(ownOf(b!)).not.toEqual(names);
    const { mark } = world;
    for (const name of mine)
      world.cluster.edit('ConfigMap', 'payments', name, (draft) => (draft.data.a = 'drift'));
    await world.settle();
    expect(world.writesSince(mark)).toEqual([]);
    await world.advance(6000);
    expect(values()).toEqual(all('1'));
    expect(ownOf(b!)).toEqual(names);
  });
});

describe('a Lease that somebody deletes', () => {
  it('is made anew, and its Units come back', async () => {
    const { a, b } = await shared('a', 'b');
    const before = ownOf(a!);
    world.cluster.drop('coordination.k8s.io/Lease', 'argocd', 'trueup-a');
    await world.advance(6000);
    expect(leases()).toEqual(['trueup-a', 'trueup-b']);
    expect(ownOf(a!)).toEqual(before);
    expect(ownOf(b!)).toHaveLength(count - before.length);
  });
});

describe('what a new owner decides from', () => {
  it('is no older than the last word of the one before: nothing that it made is forgotten (F6)', async () => {
    const { a, b } = await shared('a', 'b');
    const [name = ''] = ownOf(a!);
    b!.client.freeze();
    await world.advance(1000);
    const added = {
      ...filesWith('1'),
      [`${name}/more.yaml`]: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n',
    };
    world.git.push(repository, added);
    a!.engine.hint(() => true);
    await world.settle();
    expect(world.cluster.get('ConfigMap', 'payments', 'more')).toBeDefined();
    await a!.engine.stop();
    await push('1', b!);
    expect(world.cluster.get('ConfigMap', 'payments', 'more')).toBeUndefined();
    expect(world.state(name)?.inventory.map(({ ref }) => ref.name)).toEqual([name]);
  });
  it('is what is recorded at the end of a Unit: what it never heard of is not left behind (F6)', async () => {
    const { a, b } = await shared('a', 'b');
    const finalizers = ['resources-finalizer.argocd.argoproj.io'];
    const isA = (name: string): boolean => owns(a!, name);
    b!.client.lags = ({ plural }) => plural === 'unitstates';
    const later = Array.from({ length: 8 }, (_, index) => `late-${index}`);
    world.git.push(repository, {
      ...filesWith('1'),
      ...Object.fromEntries(later.map((name) => fileOf(name, '1'))),
    });
    a!.engine.hint(() => true);
    await world.settle();
    for (const name of later)
      world.cluster.put(
        world.application(
          name,
          { source: { repoURL: repository, path: name, targetRevision: 'main' } },
          { finalizers },
        ),
      );
    await world.settle();
    const [name = ''] = later.filter(isA);
    expect(world.data(name)).toEqual({ a: '1' });
    await a!.engine.stop();
    world.cluster.edit(applicationKind, 'argocd', name, (draft) => {
      draft.metadata.deletionTimestamp = '2026-01-02T03:04:05Z';
    });
    await world.advance(40_000);
    expect(world.cluster.get(applicationKind, 'argocd', name)).toBeUndefined();
    expect(world.data(name)).toBeUndefined();
  });
  it('is what Git says at the takeover: what the one before applied is not replaced by something older (F10)', async () => {
    const { a, b } = await shared('a', 'b');
    b!.git.down = {
      kind: 'transient',
      code: 'GitUnreachable',
      stage: 'source',
      message: 'injected',
      hint: '',
    };
    const mine = ownOf(a!);
    await push('2', a!);
    await a!.engine.stop();
    await world.advance(20_000);
    expect(values()).toEqual(names.map((name) => (mine.includes(name) ? '2' : '1')));
    expect(world.condition('ComparisonError', mine[0])).toContain('injected');
    // Nor where a person asks for what Git says.
    await world.change(mine[0]!, (draft) => (draft.operation = { sync: {} }));
    await world.advance(20_000);
    expect(world.data(mine[0]!)).toEqual({ a: '2' });
    b!.git.down = undefined;
    await world.advance(60_000);
    expect(values()).toEqual(all('2'));
  });
  it('is no older than what the one before began and could not finish, as long as Git cannot be asked (F10)', async () => {
    const { a, b } = await shared('a', 'b');
    const [name = ''] = ownOf(a!);
    const injected = {
      kind: 'transient',
      code: 'GitUnreachable',
      stage: 'source',
      message: '',
      hint: '',
    } as const;
    b!.git.down = injected;
    world.cluster.inject = ({ verb, key }) =>
      verb === 'apply' && key.endsWith('/last') ? failure('Forbidden') : undefined;
    world.git.push(repository, {
      ...filesWith('1'),
      [`${name}/object.yaml`]: fileOf(name, '2')[1],
      [`${name}/last.yaml`]: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: last}\n',
    });
    a!.engine.hint(() => true);
    await world.settle();
    expect(world.data(name)).toEqual({ a: '2' });
    await a!.engine.stop();
    await world.advance(60_000);
    expect(ownOf(b!)).toEqual(names);
    expect(world.data(name)).toEqual({ a: '2' });
    world.cluster.inject = () => undefined;
    b!.git.down = undefined;
    await world.advance(120_000, 5000);
    expect(world.cluster.get('ConfigMap', 'payments', 'last')).toBeDefined();
  });
  it('is where the resource says now: a watch that is behind brings nothing back from a path that was left (F10)', async () => {
    const { a, b } = await shared('a', 'b');
    const [name = ''] = ownOf(a!);
    world.git.push(repository, {
      ...filesWith('1'),
      'elsewhere/object.yaml': fileOf(name, 'moved')[1],
    });
    a!.engine.hint(() => true);
    await world.settle();
    // Its record is heard of, and the Application is not.
    b!.client.lags = ({ kind }) => kind.kind === 'Application';
    await world.change(name, (draft) => (draft.spec.source.path = 'elsewhere'));
    expect(world.data(name)).toEqual({ a: 'moved' });
    const { mark } = world;
    const key = `argoproj.io/Application/argocd/${name}`;
    // As long as it cannot be asked for, nothing is decided.
    let isAway = true;
    world.cluster.inject = (call) =>
      isAway && call.verb === 'read' && call.key === key ? failure('Unreachable') : undefined;
    await a!.engine.stop();
    await world.advance(20_000);
    expect(ownOf(b!)).toEqual(names);
    expect(world.writesSince(mark).filter((call) => !isLease(call))).toEqual([]);
    isAway = false;
    await world.advance(20_000);
    await push('2', b!);
    expect(world.data(name)).toEqual({ a: 'moved' });
    expect(world.writesSince(mark).filter(isObject)).toHaveLength(count - 1);
  });
  it('is what it hears while it asks for the resource: one that was read before the record is asked for again (F10)', async () => {
    const { a, b } = await shared('a', 'b');
    const [name = ''] = ownOf(a!);
    b!.client.lags = ({ kind }) => kind.kind === 'Application';
    // What it reads of this Application is a long time on its way, once.
    let arrive = (): void => undefined;
    const late = new Promise<void>((resolve) => (arrive = resolve));
    const read = b!.client.read.bind(b!.client);
    let reads = 0;
    b!.client.read = async (ref) => {
      const found = await read(ref);
      if (ref.kind === 'Application' && ref.name === name && ++reads === 1) await late;
      return found;
    };
    const resume = pause(a!.client);
    await world.advance(27_000);
    expect(reads).toBe(1);
    resume();
    await world.advance(8000);
    expect(owns(a!, name)).toBe(true);
    world.git.push(repository, { ...filesWith('1'), 'elsewhere/object.yaml': fileOf(name, 'moved')[1] });
    a!.engine.hint(() => true);
    await world.settle();
    await world.change(name, (draft) => (draft.spec.source.path = 'elsewhere'));
    expect(world.data(name)).toEqual({ a: 'moved' });
    await a!.engine.stop();
    await world.settle();
    const { mark } = world;
    arrive();
    await world.advance(20_000);
    expect(ownOf(b!)).toEqual(names);
    expect(world.writesSince(mark).filter(isObject)).toEqual([]);
    expect(world.data(name)).toEqual({ a: 'moved' });
  });
});

describe('a clock that is set (F15)', () => {
  it.each([-86_400_000, 86_400_000])('by %d ms: nobody counts as dead, nothing moves', async (byMs) => {
    const { a, b } = await shared('a', 'b');
    const before = ownOf(a!);
    world.time.jump(byMs);
    const { mark } = world;
    await world.advance(20_000);
    expect(a!.engine.members).toEqual(['a', 'b']);
    expect(b!.engine.members).toEqual(['a', 'b']);
    expect(ownOf(a!)).toEqual(before);
    expect(world.writesSince(mark).filter(isObject)).toEqual([]);
  });
});

describe('Units of several replicas that depend on each other', () => {
  const links = Array.from({ length: 8 }, (_, index) => `k${index}`);
  const linked = (value: string): Record<string, string> =>
    Object.fromEntries(links.map((name) => fileOf(name, value)));
  const resource = (kind: string, group: string, name: string, spec: object): Manifest => ({
    apiVersion: `${group}.toolkit.fluxcd.io/v1`,
    kind,
    metadata: { name, namespace: 'flux-system' },
    spec,
  });

  /** Kustomizations of which each waits for the one before, on two replicas. */
  async function chained(): Promise<readonly [RunningEngine, RunningEngine]> {
    await world.pushFiles(linked('1'));
    const source = { interval: '10m', url: repository, ref: { branch: 'main' } };
    world.cluster.put(resource('GitRepository', 'source', 'fleet', source));
    for (const [index, name] of links.entries())
      world.cluster.put(
        resource('Kustomization', 'kustomize', name, {
          interval: '10m',
          path: `./${name}`,
          prune: true,
          targetNamespace: 'payments',
          sourceRef: { kind: 'GitRepository', name: 'fleet' },
          ...(index === 0 ? {} : { dependsOn: [{ name: links[index - 1] }] }),
        }),
      );
    const a = await world.join('a');
    const b = await world.join('b');
    await world.advance(5000);
    return [a, b];
  }
  const has = ({ engine }: RunningEngine, name: string): boolean =>
    engine.isOwn(world.cluster.must('kustomize.toolkit.fluxcd.io/Kustomization', 'flux-system', name));

  it('are applied in their order, each when the one before it is', async () => {
    const { length } = world.cluster.calls;
    const [a, b] = await chained();
    const applied = (mark: number): readonly string[] =>
      world
        .writesSince(mark)
        .filter(isObject)
        .map(({ key }) => key.slice('/ConfigMap/payments/'.length));
    expect(applied(length)).toEqual(links);
    expect(new Set(links.map((name) => has(a, name))).size).toBe(2);
    world.git.push(repository, linked('2'));
    const { mark } = world;
    b.engine.hint(() => true);
    await world.advance(5000);
    expect(applied(mark)).toEqual(links);
  });
  it('wait for no commit that changes nothing of an Application of the other one, which reads only some paths', async () => {
    const pairs = links.map((name) => [name, `w${name}`] as const);
    const pushed = (value: string): Record<string, string> => ({
      ...linked('1'),
      ...Object.fromEntries(pairs.map(([, app]) => fileOf(app, '1'))),
      'README.md': value,
    });
    await world.pushFiles(pushed('1'));
    const source = { interval: '1m', url: repository, ref: { branch: 'main' } };
    world.cluster.put(resource('GitRepository', 'source', 'fleet', source));
    for (const [name, app] of pairs) {
      const annotations = { 'argocd.argoproj.io/manifest-generate-paths': '.' };
      const at = { source: { repoURL: repository, path: app, targetRevision: 'main' } };
      world.cluster.put(world.application(app, at, { annotations }));
      world.cluster.put(
        resource('Kustomization', 'kustomize', name, {
          interval: '10m',
          path: `./${name}`,
          prune: true,
          targetNamespace: 'payments',
          sourceRef: { kind: 'GitRepository', name: 'fleet' },
          healthChecks: [
            { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', name: app, namespace: 'argocd' },
          ],
        }),
      );
    }
    const [a, b] = [await world.join('a'), await world.join('b')];
    await world.advance(5000);
    const apart = pairs.filter(([name, app]) => has(a, name) !== owns(a, app));
    expect(apart.length).toBeGreaterThan(0);
    const commit = world.git.push(repository, pushed('2'));
    b.engine.hint(() => true);
    await world.advance(120_000, 10_000);
    const applied = pairs.map(([name]) => {
      const kind = 'kustomize.toolkit.fluxcd.io/Kustomization';
      return (world.cluster.must(kind, 'flux-system', name)['status'] as Record<string, unknown>)[
        'lastAppliedRevision'
      ];
    });
    expect(applied).toEqual(pairs.map(() => `main@sha1:${commit}`));
  });
  it.each([
    ['went again before it was looked at', true],
    ['stands as it did', false],
  ])('go on where one that they wait for came, and %s', async (_, goesAgain) => {
    const both = await chained();
    const [owner, other] = has(both[0], 'k0') ? both : both.toReversed();
    const at = (name: string): unknown => world.data(name);
    other!.git.down = {
      kind: 'transient',
      code: 'GitUnreachable',
      stage: 'source',
      message: 'injected',
      hint: '',
    };
    world.git.push(repository, linked('2'));
    owner!.engine.hint(() => true);
    await world.advance(5000);
    const next = links.find((name) => !has(owner!, name))!;
    expect(links.map(at)).toEqual(links.map((name) => ({ a: name < next ? '2' : '1' })));
    // The one stands still, and the other gets no further than to look.
    let goOn = (): void => undefined;
    const looks = new Promise<void>((resolve) => (goOn = resolve));
    let resume = (): void => undefined;
    const standing = new Promise<void>((resolve) => (resume = resolve));
    let isStanding = true;
    world.cluster.gate = ({ verb }, client) => {
      if (client === owner!.client) return isStanding ? standing : undefined;
      return verb === 'sightings' ? looks : undefined;
    };
    await world.advance(27_000);
    expect(has(other!, 'k0')).toBe(true);
    other!.git.down = undefined;
    other!.engine.hint(() => true);
    await world.advance(1000);
    if (goesAgain) {
      isStanding = false;
      resume();
      await world.advance(8000);
    }
    expect(has(other!, 'k0')).toBe(!goesAgain);
    goOn();
    await world.advance(8000);
    expect(links.map(at)).toEqual(links.map(() => ({ a: '2' })));
  });
});
