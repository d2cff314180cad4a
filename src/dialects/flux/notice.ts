/** What is worth an event, read from the conditions of a resource of Flux, under the reasons that its users know. */
import type { Notice } from '#model/dialect.ts';
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import { parseTimestamp } from '#model/time.ts';
import { conditionOf } from './conditions.ts';

/** What is under way is no news; what waits for others is none that anybody has to act on. */
export function kustomizationNotice(resource: Manifest): Notice | undefined {
  const ready = conditionOf(resource, 'Ready');
  if (ready === undefined || ready['status'] === 'Unknown') return undefined;
  const [reason, message] = [String(ready['reason']), String(ready['message'])];
  const atMs = parseTimestamp(ready['lastTransitionTime']) ?? 0;
  const suspended = conditionOf(resource, 'HealingSuspended');
  if (ready['status'] === 'True' && suspended !== undefined)
    return {
      type: 'Warning',
      reason: 'HealingSuspended',
      message: String(suspended['message']),
      atMs: parseTimestamp(suspended['lastTransitionTime']) ?? 0,
      ofRun: false,
    };
  if (ready['status'] === 'True') return { type: 'Normal', reason, message, atMs, ofRun: true };
  if (reason !== 'DependencyNotReady') return { type: 'Warning', reason, message, atMs, ofRun: false };
  // How far the other one is would be an event at every step.
  const [first = message] = message.split(': ', 1);
  return { type: 'Normal', reason, message: first, atMs, ofRun: false };
}

export function gitRepositoryNotice(resource: Manifest): Notice | undefined {
  const ready = conditionOf(resource, 'Ready');
  if (ready === undefined || ready['status'] === 'Unknown') return undefined;
  const message = String(ready['message']);
  const { status } = resource;
  const artifact = isObject(status) && isObject(status['artifact']) ? status['artifact'] : {};
  if (ready['status'] === 'True') {
    const atMs = parseTimestamp(artifact['lastUpdateTime']) ?? 0;
    return { type: 'Normal', reason: 'NewArtifact', message, atMs, ofRun: false };
  }
  const atMs = parseTimestamp(ready['lastTransitionTime']) ?? 0;
  return { type: 'Warning', reason: String(ready['reason']), message, atMs, ofRun: false };
}
