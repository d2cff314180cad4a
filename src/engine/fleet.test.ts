/** A large tree of Flux's resources on one repository: Git and the renderer are the real ones, the cluster is in memory. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeCluster, isWrite, sealer } from '../../tests/fakes/cluster.ts';
import { promptCutter } from '../../tests/fakes/path-cutter.ts';
import { MemoryRecords } from '../../tests/fakes/records.ts';
import { openGitRoom, type GitRoom } from '../../tests/git-server/git-room.ts';
import { createWorkTree, type WorkTree } from '../../tests/git-server/server.ts';
import { argoOverriding } from '#dialects/argo/source-overrides.ts';
import { fluxDialect } from '#dialects/flux/kustomization.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import { CountingMeter } from '#kube/manual-time.fixture.ts';
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { Cluster, Log, Renderer } from '#model/ports.ts';
import { createRenderer } from '#pipeline/render/renderer.ts';
import { Engine } from './engine.ts';

const count = 2000;
const namespace = 'flux-system';
const kustomizationKind = 'kustomize.toolkit.fluxcd.io/Kustomization';
const nameOf = (index: number): string => `app-${String(index).padStart(4, '0')}`;
const directoryOf = (index: number): string => `apps/${index % 40}/${nameOf(index)}`;
const fileOf = (index: number): string => `${directoryOf(index)}/settings.yaml`;
const configMap = (index: number, value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${nameOf(index)}, namespace: payments}\ndata: {value: "${value}"}\n`;

const errors: string[] = [];
const log: Log = {
  debug() {},
  info() {},
  warn() {},
  error: (fields, message) => void errors.push(`${message} ${String(fields['stack'] ?? '')}`),
};

let room: GitRoom;
let tree: WorkTree;
let cluster: FakeCluster;
let engine: Engine;
let renderer: ReturnType<typeof createRenderer>;
const meter = new CountingMeter();
const made = { renders: 0, plans: 0 };

beforeAll(async () => {
  room = await openGitRoom({ meter });
  tree = await createWorkTree(room.server, 'fleet');
  for (let index = 0; index < count; index += 1) {
    await tree.write(fileOf(index), configMap(index, '1'));
  }
  const commit = await pushed();
  cluster = new FakeCluster(systemClock);
  cluster.put({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'fleet', namespace },
    spec: { interval: '1h', url: tree.url, ref: { branch: 'main' } },
  });
  for (let index = 0; index < count; index += 1) cluster.put(kustomization(index));
  renderer = createRenderer({ workers: 1, deadlineMs: 60_000, timers: systemTimers });
  engine = new Engine(
    {
      cluster: counted(cluster.client()),
      repositories: room.repositories,
      renderer: countedRenderer(renderer),
      sealer,
      cutter: promptCutter,
      overriding: argoOverriding,
      clock: systemClock,
      timers: systemTimers,
      random: systemRandom,
      log,
      meter,
      records: new MemoryRecords(),
    },
    { dialects: [fluxDialect()], pollMs: 3_600_000, concurrency: 16 },
  );
  await engine.start();
  await allApplied(commit);
}, 180_000);
afterAll(async () => {
  await engine.stop();
  await renderer.close();
  await room.close();
});

function kustomization(index: number): Manifest {
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: nameOf(index), namespace },
    spec: {
      interval: '1h',
      path: `./${directoryOf(index)}`,
      prune: true,
      sourceRef: { kind: 'GitRepository', name: 'fleet' },
    },
  };
}
/** Each plan that is made asks once for the bodies of what it compares. */
function counted(client: Cluster): Cluster {
  const bodies = client.bodies.bind(client);
  client.bodies = (refs) => {
    made.plans += 1;
    return bodies(refs);
  };
  return client;
}
function countedRenderer(inner: Renderer): Renderer {
  return {
    render: (...asked) => {
      made.renders += 1;
      return inner.render(...asked);
    },
  };
}

async function pushed(): Promise<string> {
  const commit = await tree.commit('Change');
  await tree.push();
  return commit;
}
/** Until each of them says that this commit is applied. */
async function allApplied(commit: string): Promise<void> {
  const isApplied = (name: string): boolean => {
    const { status } = cluster.must(kustomizationKind, namespace, name);
    return isObject(status) && status['lastAppliedRevision'] === `main@sha1:${commit}`;
  };
  const waiting = new Set(Array.from({ length: count }, (_, index) => nameOf(index)));
  const untilMs = systemClock.monotonic() + 170_000;
  while (waiting.size > 0) {
    for (const name of waiting) if (isApplied(name)) waiting.delete(name);
    if (systemClock.monotonic() > untilMs)
      throw new Error(`${waiting.size} of ${count} are not at ${commit}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const valueOf = (index: number): unknown => cluster.get('ConfigMap', 'payments', nameOf(index))?.['data'];
const fetches = (): number => meter.counts.filter(({ name }) => name === 'trueup_git_polls_total').length;

describe(`${count} Kustomizations on one GitRepository`, () => {
  it('are fetched for once', () => {
    expect(fetches()).toBe(1);
    expect(made).toEqual({ renders: count, plans: count });
    expect(errors).toEqual([]);
  });
  it('a commit that changes one of them is one fetch, one render, one plan and one write of an object', async () => {
    const [before, mark] = [{ ...made }, cluster.calls.length];
    await tree.write(fileOf(1234), configMap(1234, '2'));
    const commit = await pushed();
    engine.hint(() => true);
    await allApplied(commit);
    expect(fetches()).toBe(2);
    expect({ renders: made.renders - before.renders, plans: made.plans - before.plans }).toEqual({
      renders: 1,
      plans: 1,
    });
    expect([valueOf(1234), valueOf(1233)]).toEqual([{ value: '2' }, { value: '1' }]);
    const writes = cluster.since(mark).filter(isWrite);
    const byKind = (part: string): number => writes.filter(({ key }) => key.includes(part)).length;
    expect(byKind('/payments/')).toBe(1);
    // All others say which commit they stand at, as Flux's users expect; what is recorded of them stays as it is.
    expect(byKind(kustomizationKind)).toBe(count);
    expect(byKind('trueup.dev/UnitState')).toBe(2);
    expect(errors).toEqual([]);
  }, 180_000);
});
