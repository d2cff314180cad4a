/** What somebody who asks for a sync writes into an Application: the same, whichever way they ask. */
import type { JsonObject } from '#model/json.ts';

/** Under this name `operation.info` has the digest of the one plan that the wish is for. */
export const planInfo = 'trueup.dev/plan';

export interface SyncWish {
  readonly by: string;
  readonly revision?: string | undefined;
  readonly prune?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly plan?: string | undefined;
  /** Further members of `operation.sync` as they were asked for; what is not honoured is refused when it is read. */
  readonly further?: JsonObject;
}

/** A merge patch. */
export function syncRequest({ by, revision, prune, dryRun, plan, further = {} }: SyncWish): JsonObject {
  const sync: JsonObject = {
    ...further,
    ...(prune === true ? { prune } : {}),
    ...(dryRun === true ? { dryRun } : {}),
    ...(revision === undefined || revision === '' ? {} : { revision }),
  };
  const info = plan === undefined ? {} : { info: [{ name: planInfo, value: plan }] };
  return { operation: { initiatedBy: { username: by }, ...info, sync } };
}
