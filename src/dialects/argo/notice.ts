/** What is worth an event, read from the status of an Application, under the reasons that its users know. */
import type { Notice } from '#model/dialect.ts';
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import { parseTimestamp } from '#model/time.ts';

/** Conditions that somebody should know of, or decide on. */
const isTrouble = (type: unknown): boolean =>
  typeof type === 'string' &&
  (type.endsWith('Error') || ['Held', 'Unsupported', 'Suspended', 'HealingSuspended'].includes(type));

/** The operation that ended, else what keeps one from being begun. */
export function applicationNotice({ status }: Manifest): Notice | undefined {
  if (!isObject(status)) return undefined;
  const conditions = Array.isArray(status['conditions']) ? status['conditions'].filter(isObject) : [];
  const trouble = conditions.find(({ type }) => isTrouble(type));
  const operation = isObject(status['operationState']) ? status['operationState'] : {};
  const isFailed = operation['phase'] === 'Failed';
  if (trouble !== undefined && !(isFailed && trouble['type'] === 'SyncError')) {
    const atMs = parseTimestamp(trouble['lastTransitionTime']) ?? 0;
    const [reason, message] = [String(trouble['type']), String(trouble['message'])];
    return { type: 'Warning', reason, message, atMs, ofRun: false };
  }
  const atMs = parseTimestamp(operation['finishedAt']);
  if (atMs === undefined) return undefined;
  const message = `Sync operation ${isFailed ? 'failed' : 'succeeded'}: ${String(operation['message'])}`;
  return { type: isFailed ? 'Warning' : 'Normal', reason: 'OperationCompleted', message, atMs, ofRun: true };
}
