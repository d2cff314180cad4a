/** What somebody who asks for a sync writes into an Application: the same, whichever way they ask. */
import { isObject, type JsonObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import { parseTimestamp, timestamp } from '#model/time.ts';
import type { Unit } from '#model/unit.ts';
import { approvalRequest } from '../approval.ts';
import { mergePatch, patched } from '../merge-patch.ts';
import { terminationOf } from '../termination.ts';
import { isItsOperation, isItsStatus } from './predecessor.ts';

/** Under this name `operation.info` has the digest of the one plan that the wish is for. */
export const planInfo = 'trueup.dev/plan';

/** Under this name `operation.info` tells a wish from the same one that another controller left. */
const replacesInfo = 'trueup.dev/replaces';

export interface SyncWish {
  readonly by: string;
  readonly revision?: string | undefined;
  readonly prune?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  /** The one plan that it is for, though that be held. */
  readonly approves?: { readonly plan: string; readonly atMs: number } | undefined;
  readonly info?: readonly { readonly name: string; readonly value: string }[];
  /** As `operation.retry` has it. */
  readonly retry?: JsonObject | undefined;
  /** Further members of `operation.sync` as they were asked for; what is not honoured is refused when it is read. */
  readonly further?: JsonObject;
}

/**
 * What the Application says of retries and options holds for an operation that says nothing of them, as where Argo CD's
 * server writes it. A merge patch of the Application as it stood then, for that version where an operation stands in it:
 * nothing of that stays.
 */
export function syncRequest(
  before: Manifest,
  { by, revision, prune, dryRun, approves, info = [], retry, further = {} }: SyncWish,
): JsonObject {
  const usual = policyOf(before);
  const retrying = retry ?? usual['retry'];
  const options = further['syncOptions'] ?? usual['syncOptions'];
  const sync: JsonObject = {
    ...further,
    ...(options == null ? {} : { syncOptions: options }),
    ...(prune === true ? { prune } : {}),
    ...(dryRun === true ? { dryRun } : {}),
    ...(revision === undefined || revision === '' ? {} : { revision }),
  };
  const infos = [...info, ...(approves === undefined ? [] : [{ name: planInfo, value: approves.plan }])];
  const approval = approves === undefined ? {} : approvalRequest(approves.plan, by, approves.atMs);
  const operation: JsonObject = {
    initiatedBy: { username: by },
    ...(infos.length === 0 ? {} : { info: infos }),
    ...(retrying == null ? {} : { retry: retrying }),
    sync,
  };
  const patch = mergePatch(before['operation'], operation);
  if (patch !== undefined) return { ...approval, operation: patch };
  // One that equals what another controller left would be taken for that.
  return {
    ...approval,
    operation: {
      info: [...infos, { name: replacesInfo, value: 'the same operation, left by another controller' }],
    },
  };
}

function policyOf({ spec }: Manifest): JsonObject {
  const policy = isObject(spec) ? spec['syncPolicy'] : undefined;
  return isObject(policy) ? (policy as JsonObject) : {};
}

export interface OperationNow {
  /** Somebody's wish stands in it that is not answered yet. */
  readonly isAsked: boolean;
  /** When that began which is in progress, as a wish to end it has to name it; absent where nothing is. */
  readonly startedAt?: string;
}

/**
 * What another controller left in an Application is nobody's wish, and in progress nowhere. A Run stands in the record
 * of the Unit before the status tells of it; between two attempts it stands in the status, beside what was cut off.
 */
export function operationNow(resource: Manifest, state?: Pick<UnitState, 'intent'>): OperationNow {
  const isAsked = isObject(resource['operation']) && !isItsOperation(resource);
  const told = operationTold(resource);
  const begun = told['phase'] === 'Running' ? parseTimestamp(told['startedAt']) : undefined;
  const intent = state?.intent?.startedAtMs;
  // One that was cut off stands in the record until the next Run.
  const isCutOff = intent === undefined || intent < (parseTimestamp(told['finishedAt']) ?? -Infinity);
  const starts = [...(begun === undefined ? [] : [begun]), ...(isCutOff ? [] : [intent])];
  return { isAsked, ...(starts.length === 0 ? {} : { startedAt: timestamp(Math.max(...starts)) }) };
}

/** The wish to end an operation, with what the status says of that one. */
export function operationTermination(resource: Manifest): Pick<Unit, 'terminate'> {
  const { terminate } = terminationOf(resource);
  if (terminate === undefined) return {};
  const { startedAt, phase, operation: told } = operationTold(resource);
  const { operation: asked } = resource;
  if (startedAt !== terminate.startedAt) return { terminate };
  if (phase !== 'Running') return { terminate: { ...terminate, told: 'over' } };
  if (!isObject(told) || !isObject(asked)) return { terminate };
  // What is told of it names the commits that its sync came to.
  const { sync: _, ...members } = asked;
  const isSame = mergePatch(told, patched(told, members) as JsonObject) === undefined;
  return { terminate: { ...terminate, ...(isSame ? { told: 'running' } : {}) } };
}

/** What our own status says of the operation that runs or ran last. */
function operationTold(resource: Manifest): Readonly<Record<string, unknown>> {
  const { status } = resource;
  const told = isObject(status) && !isItsStatus(resource) ? status['operationState'] : undefined;
  return isObject(told) ? told : {};
}
