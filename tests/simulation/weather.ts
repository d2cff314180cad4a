/** What goes wrong for a while, not with one request: outages, crashes, pauses, clocks that jump, tokens that expire. */
import type { SeededRandom } from './random.ts';
import { widgetDefinition } from './fleet.ts';
import { recordsFull } from './stored-records.ts';
import { definitionKind, type World } from './world.ts';

interface Weather {
  readonly name: string;
  readonly weight: number;
  readonly begin: (world: World, random: SeededRandom) => void;
}

const leaseKind = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' };
const hourMs = 3_600_000;

const kinds: readonly Weather[] = [
  {
    name: 'a replica crashes',
    weight: 4,
    begin: (world, random) => random.pick(world.replicas).crash(),
  },
  {
    name: 'a replica is paused',
    weight: 2,
    begin: (world, random) => {
      const { process } = random.pick(world.replicas);
      process?.pause();
      world.scheduler.at(random.between(1000, 240_000), () => process?.resume());
    },
  },
  {
    name: 'a replica is cut off',
    weight: 2,
    begin: (world, random) => cutOff(world, random, 'all'),
  },
  {
    name: 'a Lease cannot be renewed',
    weight: 2,
    begin: (world, random) => cutOff(world, random, 'leases'),
  },
  {
    name: 'a Lease is deleted',
    weight: 1,
    begin: (world, random) => {
      const { process } = random.pick(world.replicas);
      world.kubectl.delete({ ...leaseKind, namespace: 'argocd', name: `trueup-${process?.name}` });
    },
  },
  {
    name: 'a wall clock jumps',
    weight: 2,
    begin: (world, random) => {
      const { process } = random.pick(world.replicas);
      if (process !== undefined) process.wallMs += random.between(-hourMs, hourMs);
    },
  },
  {
    name: 'the records cannot be written',
    weight: 2,
    begin: (world, random) => {
      const replica = random.pick(world.replicas);
      replica.failRecords(recordsFull);
      world.scheduler.at(random.between(1000, 600_000), () => replica.failRecords(undefined));
    },
  },
  {
    name: 'tokens expire',
    weight: 2,
    begin: (world, random) => {
      world.expireToken();
      // The new one may come late.
      const lateMs = random.chance(0.5) ? 0 : random.between(1000, 180_000);
      if (lateMs === 0) world.renewToken();
      else world.scheduler.at(lateMs, () => world.renewToken());
    },
  },
  {
    name: 'Git is away',
    weight: 3,
    begin: (world, random) => {
      const server = random.pick([...world.servers.values()]);
      server.down = random.pick(['git-unreachable', 'git-refused']);
      world.scheduler.at(random.between(10_000, 600_000), () => {
        server.down = undefined;
      });
    },
  },
  {
    name: 'a definition is deleted',
    weight: 2,
    begin: (world, random) => {
      const at = { ...definitionKind, namespace: '', name: widgetDefinition.metadata.name };
      world.kubectl.delete(at);
      world.scheduler.at(random.between(1000, 300_000), () => restoreDefinition(world));
    },
  },
];

function cutOff(world: World, random: SeededRandom, of: 'all' | 'leases'): void {
  const replica = random.pick(world.replicas);
  replica.cutOff(of);
  world.scheduler.at(random.between(1000, 120_000), () => {
    replica.outage = undefined;
  });
}

function restoreDefinition(world: World): void {
  const at = { ...definitionKind, namespace: '', name: widgetDefinition.metadata.name };
  world.kubectl.create(at, widgetDefinition);
  // It may still be going.
  if (world.kubectl.get(at)?.metadata.deletionTimestamp !== undefined)
    world.scheduler.at(1000, () => restoreDefinition(world));
}

export function arrangeWeather(world: World, random: SeededRandom, spanMs: number): void {
  for (let left = random.below(5); left > 0; left -= 1) {
    const kind = random.weighted(kinds);
    const own = random.fork(`${left}`);
    world.scheduler.at(random.between(0, spanMs), () => {
      world.note(`⚡ ${kind.name}`);
      world.weather.set(kind.name, (world.weather.get(kind.name) ?? 0) + 1);
      kind.begin(world, own);
    });
  }
}

export function clearWeather(world: World): void {
  for (const server of world.servers.values()) server.down = undefined;
  for (const replica of world.replicas) {
    replica.outage = undefined;
    replica.lagFactor = 1;
    replica.failRecords(undefined);
    replica.process?.resume();
  }
  world.renewToken();
  restoreDefinition(world);
}
