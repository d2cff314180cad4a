/**
 * The six workloads, as the peers ran them and in their order: cold, idle, one changed, all changed, drift, restart.
 * The names w1 to w6 are the peers' harness's.
 */
import { applicationName, targetNamespace, teamOf, type Change } from './applications.ts';
import { cpuOf, forgetPeakMemory } from './processes.ts';
import { forEach, now, round, say, sleep, spreadOf, until, type Spread } from './time.ts';
import { Window, type Cost } from './window.ts';
import type { World } from './world.ts';

export const workloadNames = ['w1', 'w4', 'w2', 'w3', 'w5', 'w6'] as const;
export type WorkloadName = (typeof workloadNames)[number];

export interface Settings {
  readonly idleS: number;
  readonly repetitions: number;
}

/** A duration in seconds, or what it cost; `broken` says what should not have been. */
export interface Measured {
  readonly broken: readonly string[];
}

export interface ColdStart extends Measured, Cost {
  readonly createdS: number;
  readonly allSyncedS: number;
  readonly lastDeploymentS: number;
  readonly perApplicationS: Omit<Spread, 'all'>;
  readonly untilQuiet: Cost;
}

export interface Idle extends Measured, Cost {
  readonly cpuSPerMinute: number;
  readonly requestsPerMinute: number;
}

export interface OneChanged extends Measured {
  readonly visibleS: Spread;
  readonly statusS: Spread;
  /** Of a repetition until quiet. */
  readonly cpuS: Spread;
  readonly requests: Spread;
  readonly trueupRequests: Spread;
  /** Of the last one. */
  readonly last: Cost | undefined;
}

export interface AllChanged extends Measured, Cost {
  readonly allVisibleS: number;
  readonly allSyncedS: number;
  readonly perApplicationS: Omit<Spread, 'all'>;
}

export interface DriftHealed extends Measured {
  readonly healedS: Spread;
  readonly cpuS: Spread;
  readonly requests: Spread;
  readonly trueupRequests: Spread;
  readonly last: Cost | undefined;
}

export interface Restart extends Measured, Cost {
  readonly readyS: number;
  readonly allLookedAtS: number;
}

export interface Results {
  readonly w1?: ColdStart;
  readonly w4?: Idle;
  readonly w2?: OneChanged;
  readonly w3?: AllChanged;
  readonly w5?: DriftHealed;
  readonly w6?: Restart;
}

type Workload<T> = (world: World, settings: Settings) => Promise<T>;

export const workloads: { readonly [Name in WorkloadName]: Workload<NonNullable<Results[Name]>> } = {
  w1: coldStart,
  w4: idle,
  w2: oneChanged,
  w3: allChanged,
  w5: driftHealed,
  w6: restart,
};

const all = (world: World): readonly number[] => [...Array(world.count).keys()];

/** Quiet is less than this share of a CPU for three successive seconds. */
const quietShare = 0.06;
const quietSeconds = 3;

export async function quiet(world: World, timeoutS: number): Promise<boolean> {
  const deadline = now() + timeoutS;
  const used = (): number => {
    const { selfS, childrenS } = cpuOf(world.trueup.pid);
    return selfS + childrenS;
  };
  let before = used();
  for (let calm = 0; now() < deadline;) {
    await sleep(1);
    const after = used();
    calm = after - before < quietShare ? calm + 1 : 0;
    before = after;
    if (calm >= quietSeconds) return true;
  }
  return false;
}

async function settle(world: World, timeoutS: number): Promise<readonly string[]> {
  return (await quiet(world, timeoutS)) ? [] : [`still busy after ${timeoutS} s`];
}

/** N applications are created while Trueup runs and knows none. */
async function coldStart(world: World): Promise<ColdStart> {
  const { observers, api, count, dialect, repository, repositoryUrl } = world;
  const create = (index: number): Promise<void> =>
    api.create(dialect.path, dialect.resource(index, repositoryUrl, repository.kind));
  forgetPeakMemory(world.trueup.pid);
  const window = await Window.open(world);
  const begin = now();
  await forEach(all(world), 16, create);
  const created = now();
  const progress = setInterval(() => say(`w1: ${observers.syncedCount} of ${count} synced`), 10_000);
  const synced = await observers
    .until('all applications to be synced', () => observers.syncedCount >= count, 1500)
    .finally(() => clearInterval(progress));
  const cost = await window.cost();
  const { all: _, ...perApplicationS } = spreadOf(
    [...observers.applications.values()].map(({ syncedAtS }) => syncedAtS - begin),
  );
  const deployments = [...observers.versions.values()].map(({ atS }) => atS);
  const broken = await settle(world, 120);
  return {
    createdS: round(created - begin),
    allSyncedS: round(synced - begin),
    lastDeploymentS: round(Math.max(...deployments) - begin),
    perApplicationS,
    untilQuiet: await window.cost(),
    broken,
    ...cost,
  };
}

/** Nothing happens. */
async function idle(world: World, { idleS }: Settings): Promise<Idle> {
  const window = await Window.open(world);
  await sleep(idleS);
  const cost = await window.cost();
  const minutes = cost.seconds / 60;
  const { writes, reads, byResource } = cost.trueupRequests;
  const seen = JSON.stringify(byResource);
  return {
    cpuSPerMinute: round(cost.cpuS / minutes),
    requestsPerMinute: round(cost.requests / minutes, 1),
    broken: [
      ...(writes === 0 ? [] : [`${writes} writes while idle: ${seen}`]),
      ...(reads === 0 ? [] : [`${reads} polling reads while idle: ${seen}`]),
    ],
    ...cost,
  };
}

/** One application of N gets a new version, again and again at other places of the list. */
async function oneChanged(world: World, { repetitions }: Settings): Promise<OneChanged> {
  const { observers } = world;
  const visible: number[] = [];
  const status: number[] = [];
  const costs: Cost[] = [];
  const broken: string[] = [];
  for (let turn = 0; turn < repetitions; turn++) {
    const index = Math.floor(((turn + 0.5) * world.count) / repetitions);
    const name = applicationName(index);
    const window = await Window.open(world);
    const change = await world.repository.change([index]);
    const pushed = now();
    const told = world.notify(change);
    const hasVersion = (): boolean => observers.versions.get(name)?.version === change.version;
    visible.push((await observers.until(`${name} to change`, hasVersion, 400)) - pushed);
    status.push(
      (await observers.until(`the status of ${name}`, () => isAt(world, name, change), 60)) - pushed,
    );
    await told;
    broken.push(...(await settle(world, 150)));
    costs.push(await window.cost());
    say(`w2: ${turn} visible after ${round(visible.at(-1) ?? 0)} s, status ${round(status.at(-1) ?? 0)} s`);
  }
  return { visibleS: spreadOf(visible), statusS: spreadOf(status), ...costsOf(costs), broken };
}

function isAt({ observers }: World, name: string, { after }: Change): boolean {
  const sight = observers.applications.get(name);
  return sight?.synced === true && sight.revision === after;
}

function costsOf(costs: readonly Cost[]): Pick<OneChanged, 'cpuS' | 'requests' | 'trueupRequests' | 'last'> {
  return {
    cpuS: spreadOf(costs.map(({ cpuS }) => cpuS)),
    requests: spreadOf(costs.map(({ requests }) => requests)),
    trueupRequests: spreadOf(costs.map(({ trueupRequests }) => trueupRequests.total)),
    last: costs.at(-1),
  };
}

/** One commit changes them all. */
async function allChanged(world: World): Promise<AllChanged> {
  const { observers } = world;
  const names = all(world).map(applicationName);
  const window = await Window.open(world);
  const change = await world.repository.change(all(world), true);
  const pushed = now();
  const told = world.notify(change);
  const old = new Set(names);
  const visible = await observers.until(
    'all applications to change',
    () => {
      for (const name of old) if (observers.versions.get(name)?.version === change.version) old.delete(name);
      return old.size === 0;
    },
    1500,
  );
  const each = names.map((name) => (observers.versions.get(name)?.atS ?? Number.NaN) - pushed);
  const everyStatus = (): boolean =>
    observers.syncedCount >= names.length && names.every((name) => isAt(world, name, change));
  const synced = await observers.until('every status', everyStatus, 600);
  await told;
  const broken = await settle(world, 120);
  const { all: _, ...perApplicationS } = spreadOf(each);
  return {
    allVisibleS: round(visible - pushed),
    allSyncedS: round(synced - pushed),
    perApplicationS,
    broken,
    ...(await window.cost()),
  };
}

/** Somebody changes a label by hand. */
async function driftHealed(world: World, { repetitions }: Settings): Promise<DriftHealed> {
  const { observers, api } = world;
  const healed: number[] = [];
  const costs: Cost[] = [];
  const broken: string[] = [];
  for (let turn = 0; turn < repetitions; turn++) {
    const index = (turn * 11 + 5) % world.count;
    const name = applicationName(index);
    const window = await Window.open(world);
    const path = `/api/v1/namespaces/${targetNamespace(index)}/services/${name}`;
    const seen = observers.until('the drift', () => observers.teams.get(name)?.team === 'drifted', 5);
    seen.catch(() => undefined); // Said below; not a rejection that nobody handles meanwhile.
    // From before the request: the heal may be seen before the answer to it.
    const drifting = now();
    await api.mergePatch(path, { metadata: { labels: { team: 'drifted' } } });
    await seen;
    const isHealed = (): boolean => observers.teams.get(name)?.team === teamOf(index);
    healed.push((await observers.until(`${name} to be healed`, isHealed, 400)) - drifting);
    await observers.until('its status', () => observers.applications.get(name)?.synced === true, 60);
    broken.push(...(await settle(world, 15)));
    costs.push(await window.cost());
    say(`w5: ${turn} healed after ${round(healed.at(-1) ?? 0)} s`);
  }
  return { healedS: spreadOf(healed), ...costsOf(costs), broken };
}

/** Trueup ends and starts again; nothing has changed meanwhile. */
async function restart(world: World): Promise<Restart> {
  const { trueup, count } = world;
  const how = await trueup.stop();
  const window = await Window.open(world, false);
  const begin = now();
  await trueup.start();
  const ready = now();
  const done = async (): Promise<boolean> => (await trueup.lookedAt()) >= count;
  await until('all applications to be looked at', done, 240, 0.2);
  const looked = now();
  const broken = [...(how === '0' ? [] : [`it stopped with ${how}`]), ...(await settle(world, 90))];
  const cost = await window.cost();
  const { writes, byResource } = cost.trueupRequests;
  if (writes > 0) broken.push(`${writes} writes by a restart: ${JSON.stringify(byResource)}`);
  return { readyS: round(ready - begin), allLookedAtS: round(looked - begin), broken, ...cost };
}
