/** What a replica may do while its Lease is its own, and why not else. */
import type { Failure } from '#model/failure.ts';

/** A time in which we may write. */
export interface Tenure {
  /** On the monotonic clock: a request that begins now must be over by then; undefined: none may begin. */
  untilMs(): number | undefined;
}

export const leaseLost: Failure = {
  kind: 'transient',
  code: 'LeaseLost',
  stage: 'apply',
  message: 'this replica could not renew its Lease in time, and writes nothing until it can',
  hint: 'it goes on by itself, here or in another replica; if it repeats, look at the API server and at the load here',
};
