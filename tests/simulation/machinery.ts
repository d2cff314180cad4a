/**
 * One instance of the embedded cluster's module for all worlds of this process: opening it takes a second. Clock and
 * randomness are those of the world that runs.
 */
import { loadMachinery, openMachinery, type Machinery } from '#embedded/machinery.ts';
import type { Stored } from '#embedded/objects.ts';
import type { Clock, Random } from '#model/ports.ts';
import { SeededRandom } from './random.ts';

export interface SharedMachinery {
  readonly machinery: Machinery;
  /** From now on it lives in this world. */
  use(clock: Clock, random: Random): void;
}

let shared: Promise<SharedMachinery> | undefined;

export function sharedMachinery(): Promise<SharedMachinery> {
  shared ??= open();
  return shared;
}

async function open(): Promise<SharedMachinery> {
  let clock: Clock = { now: () => 1, monotonic: () => 0 };
  let random: Random = new SeededRandom('the module');
  const machinery = openMachinery(
    await loadMachinery(),
    { now: () => clock.now(), // Go's runtime refuses to start at zero.
      monotonic: () => clock.monotonic() + 1,
    },
    { next: () => random.next(), bytes: (count) => random.bytes(count) },
  );
  return {
    machinery: withKnownDefinitions(machinery),
    use: (newClock, newRandom) => {
      clock = newClock;
      random = newRandom;
    },
  };
}

/** A definition that stands as it is wanted is not made again: each world begins with the same ones. */
function withKnownDefinitions(machinery: Machinery): Machinery {
  const known = new Map<string, { readonly text: string; readonly schemas: ReturnType<Machinery['define']> }>();
  const keyOf = (group: string, kind: string): string => `${group}/${kind}`;
  return {
    ...machinery,
    define: (definition) => {
      const { group, names } = definition['spec'] as { group: string; names: { kind: string } };
      const key = keyOf(group, names.kind);
      const text = JSON.stringify((definition as Stored)['spec']);
      const before = known.get(key);
      if (before?.text === text) return before.schemas;
      const schemas = machinery.define(definition);
      known.set(key, { text, schemas });
      return schemas;
    },
    undefine: (group, kind) => {
      known.delete(keyOf(group, kind));
      machinery.undefine(group, kind);
    },
  };
}
