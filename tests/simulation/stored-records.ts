/** The records of a replica as its process gets at them: each call is a step, which can meet a fault (F17). */
import { fail, type Failure, type Result } from '#model/failure.ts';
import type { Records } from '#model/ports.ts';
import { never } from './scheduler.ts';
import type { StoreParts } from './store.ts';

export const recordsFull: Failure = {
  kind: 'transient',
  code: 'RecordsUnwritable',
  stage: 'record',
  message: 'the records cannot be written: no space left on device',
  hint: 'make room',
};

/** `lose` is called where their disk is lost. */
export function stepwise(
  records: Records,
  { process, faults, phase, trace, crash }: StoreParts,
  lose: () => void,
): Records {
  const step = <T>(verb: 'read' | 'write', call: () => Promise<Result<T>>): Promise<Result<T>> => {
    if (process.isGone) return never();
    const what = `records ${verb}`;
    const fault = faults.next({ io: 'store', verb, sort: 'record', phase: phase(), what });
    if (fault === undefined) return call();
    trace(`${what} ⚡ ${fault}`);
    if (fault === 'store-full') return Promise.resolve(fail(recordsFull));
    if (fault === 'store-lost') lose();
    const done = fault === 'crash-before' ? never() : call();
    if (fault === 'store-lost') return done;
    crash();
    return never();
  };
  return {
    standing: () => step('read', () => records.standing()),
    write: (changes) => step('write', () => records.write(changes)),
    deployments: (query) => records.deployments(query),
    drift: (query) => records.drift(query),
    beganAtMs: () => records.beganAtMs(),
  };
}
