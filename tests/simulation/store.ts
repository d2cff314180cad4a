/** The disk of a replica as the `RenderStore` port shows it: what was torn or lost is not there (F17). */
import type { Digest } from '#model/json.ts';
import type { RenderStore } from '#model/ports.ts';
import type { FaultGate, FaultKind } from './faults.ts';
import type { Process } from './scheduler.ts';
import type { Phase } from './steps.ts';

export interface StoreParts {
  readonly process: Process;
  readonly faults: FaultGate;
  readonly phase: () => Phase;
  readonly trace: (what: string) => void;
  readonly crash: () => void;
}

/** What is on the disk outlives the process. */
export class Disk {
  readonly #values = new Map<Digest, Uint8Array>();

  store({ process, faults, phase, trace, crash }: StoreParts): RenderStore {
    const step = <T>(verb: string, call: (fault: FaultKind | undefined) => T): Promise<T> =>
      new Promise((resolve) => {
        if (process.isGone) return;
        const fault = faults.next({ io: 'store', verb, sort: 'none', phase: phase(), what: `store ${verb}` });
        if (fault !== undefined) trace(`store ${verb} ⚡ ${fault}`);
        if (fault === 'crash-before') return crash();
        const value = call(fault);
        if (fault === 'crash-after') return crash();
        // Microtasks of a process that is gone do nothing that lasts.
        process.after(0, () => resolve(value));
      });
    return {
      get: (key) =>
        step('get', (fault) => {
          if (fault === 'store-lost') this.#values.clear();
          return this.#values.get(key);
        }),
      put: (key, value) =>
        step('put', (fault) => {
          // An older value goes with the torn one: it is written beside it, and then put in its place.
          if (fault === 'store-torn' || fault === 'store-lost') this.#values.delete(key);
          else if (fault !== 'store-full') this.#values.set(key, value);
        }),
      remove: (key) => step('remove', (fault) => void (fault === undefined && this.#values.delete(key))),
    };
  }
}
