/** The Run that runs or ran last → `status.operationState`. */
import type { Progress, RunView } from '#model/dialect.ts';
import { isObject, type Json, type JsonObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { StepResult } from '#model/outcome.ts';
import { timestamp } from '#model/time.ts';
import type { Approval, Phase } from '#model/unit.ts';
import { approvedAtAnnotation, approvedByAnnotation } from '#model/wishes.ts';
import { planInfo } from './operation-request.ts';
import { revisionMembers, sourceMembers } from './revisions.ts';

const resourcesMax = 500;
const messageLengthMax = 500;

export function operationStateOf(
  resource: Manifest,
  { run, phase, unit }: Progress,
  before: unknown,
  nowMs: number,
): Json | undefined {
  if (run === undefined) return phase === 'settled' ? ended(before, nowMs) : (before as Json | undefined);
  const revisions = revisionMembers(resource, run.revisions);
  return {
    phase: phaseOf(run, phase),
    message: run.message,
    startedAt: timestamp(run.startedAtMs),
    ...(run.finishedAtMs === undefined ? {} : { finishedAt: timestamp(run.finishedAtMs) }),
    ...(run.attempt === 0 ? {} : { retryCount: run.attempt }),
    operation: {
      initiatedBy: run.automated ? { automated: true } : { username: run.by },
      ...(run.approved === undefined ? {} : { info: infoOf(run.approved) }),
      ...run.asked,
      sync: {
        ...(isObject(run.asked?.['sync']) ? run.asked['sync'] : {}),
        ...revisions,
        ...(unit.sync.prune || unit.request?.prune === true ? { prune: true } : {}),
      },
    },
    ...(run.revisions.length === 0
      ? {}
      : {
          syncResult: {
            ...revisions,
            ...sourceMembers(resource),
            ...(run.outcome === undefined
              ? {}
              : { resources: resourcesOf(run.outcome.steps, isDryRun(run)) }),
          },
        }),
  };
}

function infoOf({ plan, by, atMs }: Approval): Json {
  return [
    { name: planInfo, value: plan },
    { name: approvedByAnnotation, value: by },
    ...(atMs === undefined ? [] : [{ name: approvedAtAnnotation, value: timestamp(atMs) }]),
  ];
}

/** F1: what a process that is no more was doing is over; who waits for it must not wait for ever. */
function ended(before: unknown, nowMs: number): Json | undefined {
  if (!isObject(before) || before['phase'] !== 'Running') return before as Json | undefined;
  const message = 'interrupted by a restart; what it left undone is planned anew';
  return { ...(before as JsonObject), phase: 'Failed', message, finishedAt: timestamp(nowMs) };
}

function phaseOf(run: RunView, phase: Progress['phase']): string {
  if (phase === 'running' || run.finishedAtMs === undefined) return 'Running';
  return run.outcome?.result === 'succeeded' ? 'Succeeded' : 'Failed';
}

const phaseNames: Readonly<Record<Phase, string>> = {
  pre: 'PreSync',
  sync: 'Sync',
  post: 'PostSync',
  fail: 'SyncFail',
  'pre-delete': 'PreDelete',
  'post-delete': 'PostDelete',
};

/** One entry an object; of a hook, that of its end. */
function isShown({ step, result, isHook, failure }: StepResult): boolean {
  if (result === 'skipped' || result === 'superseded' || /^(patch-metadata|replace|delete-first):/.test(step))
    return false;
  if (isHook === true) return step.startsWith('wait-completed:') || failure !== undefined;
  return !step.startsWith('wait') || result === 'failed';
}

function isDryRun({ asked }: RunView): boolean {
  const sync = asked?.['sync'];
  return isObject(sync) && sync['dryRun'] === true;
}

function resourcesOf(steps: readonly StepResult[], dryRun: boolean): Json {
  const suffix = dryRun ? ' (dry run)' : '';
  return steps
    .filter(isShown)
    .slice(0, resourcesMax)
    .map(({ object, step, result, failure, untried, warnings, phase = 'sync', isHook }) => {
      const isDelete = step.startsWith('delete:');
      const done = isDelete ? 'Pruned' : 'Synced';
      return {
        group: object.group,
        version: object.version,
        kind: object.kind,
        namespace: object.namespace,
        name: object.name,
        status: result === 'done' ? done : 'SyncFailed',
        syncPhase: phaseNames[phase],
        ...(isHook === true ? { hookType: phaseNames[phase] } : {}),
        hookPhase: result === 'done' ? 'Succeeded' : result === 'failed' ? 'Failed' : 'Running',
        message: (
          failure?.message ??
          (untried === undefined ? undefined : `not checked: ${untried}`) ??
          warnings?.join('; ') ??
          (result === 'done'
            ? isDelete
              ? `pruned${suffix}`
              : isHook === true
                ? 'completed'
                : `applied${suffix}`
            : 'not reached')
        ).slice(0, messageLengthMax),
      };
    });
}
