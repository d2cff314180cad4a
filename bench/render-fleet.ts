/**
 * A fleet on one repository: what a commit that touches one application costs. Git, renderer and engine are the real
 * ones, the cluster is the tests' in memory, so that nothing but deciding and rendering is measured.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { argoDialect } from '#dialects/argo/application.ts';
import { argoOverriding } from '#dialects/argo/source-overrides.ts';
import { Engine } from '#engine/engine.ts';
import { openRepositories } from '#git/repositories.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { openProcesses } from '#host/processes.ts';
import { systemRandom } from '#host/random.ts';
import { RecordStore } from '#host/record-store.ts';
import type { Manifest } from '#model/object.ts';
import type { Log, Meter, Renderer } from '#model/ports.ts';
import { createRenderer } from '#pipeline/render/renderer.ts';
import { FakeCluster, sealer } from '../tests/fakes/cluster.ts';
import { promptCutter } from '../tests/fakes/path-cutter.ts';
import { applicationName, namespaceCount, Repository, targetNamespace } from './applications.ts';
import { dialects } from './dialects.ts';
import { startGitServerProcess } from './git-server-process.ts';
import { cpuOf, memoryOf } from './processes.ts';
import { versionAnnotation } from './sources.ts';
import { now, round, say, spreadOf, until, type Spread } from './time.ts';
import { Endings } from './world.ts';

export interface Fleet {
  readonly applications: number;
  /** Until every Unit was looked at. */
  readonly coldS: number;
  readonly coldRenders: number;
  /** Of this process with its git processes. */
  readonly coldCpuS: number;
  readonly coldFetches: number;
  readonly residentMb: number;
  readonly changes: number;
  /** Of each change. */
  readonly renders: readonly number[];
  /** From the hint until the commit is here. */
  readonly fetchedMs: Omit<Spread, 'all'>;
  /** From then until every Unit is decided on, and the one that changed begins to render. */
  readonly decidedMs: Omit<Spread, 'all'>;
  readonly renderMs: Omit<Spread, 'all'>;
  /** From the hint until the cluster has the new version. */
  readonly visibleMs: Omit<Spread, 'all'>;
  /** Of this process, without its git processes, until the new version is there. */
  readonly cpuMs: Omit<Spread, 'all'>;
  /** Of a commit that touches none. */
  readonly rendersOfNone: number;
}

const { argo } = dialects;

const silent: Meter = { count: () => undefined, observe: () => undefined };
const log: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (fields, message) => say(message, fields),
};

/** Counts, and remembers when it was asked last. */
class Counting implements Renderer {
  count = 0;
  beganMs = 0;
  endedMs = 0;
  readonly #renderer: Renderer;
  constructor(renderer: Renderer) {
    this.#renderer = renderer;
  }
  prepare(): void {
    this.#renderer.prepare?.();
  }
  async render(...asked: Parameters<Renderer['render']>): ReturnType<Renderer['render']> {
    this.count += 1;
    this.beganMs = performance.now();
    const rendered = await this.#renderer.render(...asked);
    this.endedMs = performance.now();
    if (!rendered.ok) say(rendered.failure.message);
    return rendered;
  }
}

export async function measureFleet(count: number, changes: number): Promise<Fleet> {
  const endings = new Endings();
  try {
    return await fleet(count, changes, endings);
  } finally {
    await endings.run();
  }
}

async function fleet(count: number, changes: number, endings: Endings): Promise<Fleet> {
  const directory = await mkdtemp(path.join(tmpdir(), 'trueup-fleet-'));
  endings.add(() => rm(directory, { recursive: true }));
  await mkdir(path.join(directory, 'git'));
  const git = await startGitServerProcess(path.join(directory, 'git'));
  endings.add(() => git.stop());
  const repository = await Repository.create(git.server, count, 'kustomize');
  const url = git.url('repo');
  const cluster = clusterWith(count, url);
  const processes = openProcesses(systemTimers);
  let fetchedMs = 0;
  const repositories = openRepositories({
    dir: path.join(directory, 'data'),
    processes,
    clock: systemClock,
    timers: systemTimers,
    log,
    meter: {
      ...silent,
      count: (name) => {
        if (name === 'trueup_git_polls_total') fetchedMs = performance.now();
      },
    },
    secrets: () => undefined,
    mirrors: [],
    environment: { PATH: process.env['PATH'] ?? '', HOME: directory },
  });
  const inner = createRenderer({ workers: 2, deadlineMs: 60_000, timers: systemTimers });
  const renderer = new Counting(inner);
  const records = new RecordStore({ file: path.join(directory, 'records.db'), clock: systemClock, log });
  const engine = new Engine(
    {
      cluster: cluster.client(),
      repositories,
      renderer,
      sealer,
      cutter: promptCutter,
      overriding: argoOverriding,
      clock: systemClock,
      timers: systemTimers,
      random: systemRandom,
      log,
      meter: silent,
      records,
    },
    { dialects: [argoDialect(argo.namespace)], pollMs: 3_600_000, concurrency: 16 },
  );
  endings.add(async () => {
    await engine.stop();
    records.close();
    await Promise.all([repositories.close(), inner.close()]);
    processes.close();
  });

  const used = usedS(git.pid);
  const begin = now();
  await engine.start();
  await until(
    'every Unit to be looked at',
    async () => engine.counts.looked >= count && engine.counts.queued === 0,
    1800,
  );
  const coldS = now() - begin;
  const coldCpuS = usedS(git.pid) - used;
  const { fetches } = await git.counts();
  const coldRenders = renderer.count;
  say(`fleet: ${count} looked at after ${round(coldS, 1)} s, ${coldRenders} renders`);

  const [renders, fetched, decided, rendering, visible, cpuMs] = [0, 0, 0, 0, 0, 0].map(() => [] as number[]);
  for (let turn = 0; turn < changes; turn++) {
    const index = Math.floor(((turn + 0.5) * count) / changes);
    const { version } = await repository.change([index]);
    const before = renderer.count;
    const cpu = process.cpuUsage();
    const hintMs = performance.now();
    void engine.hint(() => true);
    await until('the new version', async () => versionOf(cluster, index) === version, 120, 0.001);
    visible?.push(performance.now() - hintMs);
    const { user, system } = process.cpuUsage(cpu);
    cpuMs?.push((user + system) / 1000);
    fetched?.push(fetchedMs - hintMs);
    decided?.push(renderer.beganMs - fetchedMs);
    rendering?.push(renderer.endedMs - renderer.beganMs);
    await settled(engine);
    renders?.push(renderer.count - before);
  }
  const before = renderer.count;
  await repository.touch();
  await engine.hint(() => true);
  await settled(engine);
  const without = (values: readonly number[] = []): Omit<Spread, 'all'> => {
    const { all: _, ...spread } = spreadOf(values);
    return spread;
  };
  return {
    applications: count,
    coldS: round(coldS),
    coldRenders,
    coldCpuS: round(coldCpuS, 2),
    coldFetches: fetches,
    residentMb: memoryOf(process.pid).residentMb,
    changes,
    renders: renders ?? [],
    fetchedMs: without(fetched),
    decidedMs: without(decided),
    renderMs: without(rendering),
    visibleMs: without(visible),
    cpuMs: without(cpuMs),
    rendersOfNone: renderer.count - before,
  };
}

/** The Git server is a child too. */
const serverOf = (pid: number): number => {
  const { selfS, childrenS } = cpuOf(pid);
  return selfS + childrenS;
};

/** Of this process, its threads and its children. */
function usedS(gitServer: number): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 + cpuOf(process.pid).childrenS - serverOf(gitServer);
}

/** The queue is empty, and stays so for long enough to have decided on every Unit again. */
async function settled(engine: Engine): Promise<void> {
  let calm = 0;
  await until(
    'the queue to be empty',
    async () => (calm = engine.counts.queued === 0 ? calm + 1 : 0) > 40,
    120,
  );
}

function versionOf(cluster: FakeCluster, index: number): string | undefined {
  const name = applicationName(index);
  return cluster.get('apps/Deployment', targetNamespace(index), name)?.metadata.annotations?.[
    versionAnnotation
  ];
}

function clusterWith(count: number, url: string): FakeCluster {
  const namespaces = Array.from({ length: namespaceCount }, (_, index) => targetNamespace(index));
  const cluster = new FakeCluster(systemClock, [argo.namespace, ...namespaces]);
  const verbs = ['list', 'watch', 'get', 'create', 'patch', 'delete'];
  const kind = { group: '', version: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts' };
  cluster.kinds.push({ ...kind, namespaced: true, verbs });
  cluster.put(argo.shared(url) as Manifest);
  for (let index = 0; index < count; index++) cluster.put(argo.resource(index, url, 'kustomize') as Manifest);
  return cluster;
}

if (import.meta.main) {
  const [count = '2000', changes = '10'] = process.argv.slice(2);
  console.log(JSON.stringify(await measureFleet(Number(count), Number(changes))));
  process.exit(0);
}
