/** Events on resources: one for what is new, none for what stands, and few of what never ends. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { argoDialect } from '#dialects/argo/application.ts';
import { fluxDialect } from '#dialects/flux/kustomization.ts';
import { middling } from '#kube/manual-time.fixture.ts';
import { fail } from '#model/failure.ts';
import type { Manifest } from '#model/object.ts';
import { failure } from '../../tests/fakes/cluster.ts';
import { configMap, EngineWorld, filesOf, repository } from '../../tests/fakes/engine-world.ts';
import { EventWriter, type EventWriterPorts } from './event-writer.ts';

const dialects = [argoDialect('argocd'), fluxDialect()];
const kinds = dialects.flatMap((dialect) => [dialect, ...dialect.sources]);
const namespace = 'flux-system';

interface Event extends Manifest {
  readonly involvedObject: { readonly kind: string; readonly name: string; readonly uid: string };
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
}

let world: EngineWorld;
let lines: () => readonly string[];
/** Writes that the cluster refuses. */
let isFull = false;
/** Not the engine's client: an event is no write of a Unit. */
let ports: EventWriterPorts;

beforeEach(() => {
  isFull = false;
  const observer = {
    turned: (...given: Parameters<EventWriter['turned']>) => writer.turned(...given),
    forgotten: (...given: Parameters<EventWriter['forgotten']>) => writer.forgotten(...given),
  };
  world = new EngineWorld({ observer });
  const events = new Map<string, Event>();
  ports = {
    clock: world.time,
    random: { ...middling, bytes: () => Uint8Array.of(events.size) },
    cluster: {
      create: (manifest) => {
        if (isFull) return Promise.resolve(fail(failure('ServerError', 'transient')));
        events.set(manifest.metadata.name, manifest as Event);
        return Promise.resolve({ ok: true, value: { result: 'done', value: manifest } });
      },
      mergePatch: ({ name }, patch) => {
        const changed = { ...events.get(name)!, ...patch } as Event;
        events.set(name, changed);
        return Promise.resolve({ ok: true, value: { result: 'done', value: changed } });
      },
    },
  };
  let writer = new EventWriter(ports, kinds);
  lines = () =>
    [...events.values()].map(
      ({ involvedObject: { kind, name }, type, reason, message, count }) =>
        `${kind}/${name} ${type} ${reason} x${count}: ${message}`,
    );
  restarted = () => void (writer = new EventWriter(ports, kinds));
});
let restarted: () => void;
afterEach(() => expect(world.errors).toEqual([]));

const source: Manifest = {
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name: 'fleet', namespace },
  spec: { interval: '1m', url: repository, ref: { branch: 'main' } },
};
const kustomization = (name: string, spec: object = {}): Manifest => ({
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
const files = (value: string) => ({
  ...filesOf([configMap('a', { a: value })], 'a'),
  ...filesOf([configMap('b')], 'b'),
});

describe('events', () => {
  it('tell of a new revision, and of each Run that applied one; nothing of what stands', async () => {
    await world.start();
    const first = await world.pushFiles(files('1'));
    await world.create(source);
    for (const name of ['a', 'b']) await world.create(kustomization(name));
    const applied = (name: string, commit: string) =>
      `Kustomization/${name} Normal ReconciliationSucceeded x1: Applied revision: main@sha1:${commit}`;
    const stored = (commit: string) =>
      `GitRepository/fleet Normal NewArtifact x1: stored artifact for revision 'main@sha1:${commit}'`;
    const before = [stored(first), applied('a', first), applied('b', first)];
    expect(lines()).toEqual(before);
    await world.advance(300_000, 10_000);
    expect(lines()).toEqual(before);
    const second = await world.pushFiles(files('2'));
    expect(lines().toSorted()).toEqual([...before, stored(second), applied('a', second)].toSorted());
    await world.advance(5000);
    restarted();
    await world.restart();
    await world.advance(100_000, 10_000);
    expect(lines()).toHaveLength(5);
  });
  it('tell of a failure once, also when it is tried again, and say on whom it waits', async () => {
    await world.start();
    await world.pushFiles({
      'a/kustomization.yaml': 'resources: [gone.yaml]\n',
      ...filesOf([configMap('b')], 'b'),
    });
    await world.create(source);
    await world.create(kustomization('a'));
    await world.create(kustomization('b', { dependsOn: [{ name: 'a' }] }));
    await world.advance(300_000, 10_000);
    expect(lines().slice(1)).toEqual([
      expect.stringMatching(/^Kustomization\/a Warning BuildFailed x1: .*KustomizeFailed/),
      'Kustomization/b Normal DependencyNotReady x1: waits for Kustomization flux-system/a',
    ]);
    await world.pushFiles(files('1'));
    expect(lines().map((line) => line.split(' ').slice(0, 3).join(' '))).toContain(
      'Kustomization/a Normal ReconciliationSucceeded',
    );
  });
  it('of what waits for its health tell of a Run when all is well', async () => {
    await world.start();
    const spec = { replicas: 1, selector: {}, template: {} };
    const metadata = { name: 'a', namespace: 'payments' };
    await world.pushFiles(filesOf([{ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec }], 'a'));
    await world.create(source);
    await world.create(kustomization('a', { wait: true }));
    await world.advance(10_000);
    expect(lines()).toHaveLength(1);
    const counts = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
    const becomeWell = (draft: any): void =>
      void (draft.status = { observedGeneration: draft.metadata.generation, ...counts });
    world.cluster.edit('apps/Deployment', 'payments', 'a', becomeWell, 'kube-controller-manager');
    await world.settle();
    expect(lines()[1]).toMatch(/^Kustomization\/a Normal ReconciliationSucceeded x1: /);
  });
  it('of an Application tell how its operation ended', async () => {
    await world.start();
    await world.push([configMap('one')]);
    await world.create(world.application());
    expect(lines()).toEqual([
      'Application/web Normal OperationCompleted x1: Sync operation succeeded: applied 1',
    ]);
    await world.pushFiles({ 'app/one.yaml': 'not: [closed' });
    expect(lines()[1]).toMatch(/^Application\/web Warning ComparisonError x1: app\/one\.yaml/);
  });
  it('are few where somebody fights over an object, and none is missed by anybody', async () => {
    await world.start();
    await world.push([configMap('one')]);
    await world.create(world.application());
    for (let round = 0; round < 40; round += 1) {
      world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data.a = `${round}`), 'rival');
      await world.settle();
      await world.advance(3000);
    }
    const written = lines().reduce((sum, line) => sum + Number(/ x(\d+):/.exec(line)![1]), 0);
    expect(written).toBeLessThan(13);
    isFull = true;
    await world.push([configMap('one', { a: '2' })]);
    await world.advance(400_000, 50_000);
    expect(world.data('one')).toEqual({ a: '2' });
  });
  it('F29: of what is only observed nothing is written', async () => {
    const ready = { type: 'Ready', status: 'False', reason: 'BuildFailed', message: 'left' };
    const status = { conditions: [{ ...ready, lastTransitionTime: '2199-01-01T00:00:00Z' }] } as never;
    await world.pushFiles(files('1')).catch(() => undefined);
    world.cluster.put(source);
    world.cluster.put({ ...kustomization('a'), status }, 'gotk-kustomize-controller');
    await world.start();
    expect(lines().filter((line) => line.startsWith('Kustomization'))).toEqual([]);
  });
});
