/** Decodes the lines of a watch. Pure. */
import type { Failure } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { Collection, WatchEvent } from './collection.ts';

export interface DecodedEvents {
  readonly events: readonly WatchEvent[];
  /** Where the watch is after these lines; undefined when they said nothing of it. */
  readonly resourceVersion: string | undefined;
  readonly malformed: number;
  /** Set when the stream said that it cannot go on; what stood before it counts. */
  readonly end:
    | { readonly end: 'expired' }
    | { readonly end: 'failed'; readonly failure: Failure; readonly status: number }
    | undefined;
}

export function decodeEvents(lines: readonly string[], collection: Collection): DecodedEvents {
  const events: WatchEvent[] = [];
  let resourceVersion: string | undefined;
  let malformed = 0;
  for (const line of lines) {
    const event = parse(line);
    if (event === undefined) {
      // What it was is lost: resumed from before it, it comes again, or the list shows its effect.
      const failure = broken(collection, 'sent a line that is not an event');
      return { events, resourceVersion, malformed, end: { end: 'failed', failure, status: 0 } };
    }
    if (event.type === 'ERROR')
      return { events, resourceVersion, malformed, end: errorEnd(event.object, collection) };
    const version = versionOf(event.object);
    if (version !== undefined) resourceVersion = version;
    if (event.type === 'BOOKMARK') continue;
    const manifest = asManifest(event.object, collection);
    if (manifest === undefined) malformed += 1;
    else if (event.type === 'ADDED' || event.type === 'MODIFIED') events.push({ type: 'set', manifest });
    else if (event.type === 'DELETED') events.push({ type: 'gone', manifest });
  }
  return { events, resourceVersion, malformed, end: undefined };
}

/** Adds apiVersion and kind, which the items of a list leave out; undefined when it is not an object at all. */
export function asManifest(value: unknown, collection: Collection): Manifest | undefined {
  if (!isObject(value) || !isObject(value['metadata'])) return undefined;
  const { name, uid, resourceVersion } = value['metadata'];
  if (typeof name !== 'string' || typeof uid !== 'string' || typeof resourceVersion !== 'string')
    return undefined;
  const manifest = value as unknown as Manifest;
  return typeof value['kind'] === 'string' && typeof value['apiVersion'] === 'string'
    ? manifest
    : { ...manifest, apiVersion: collection.apiVersion, kind: collection.kind };
}

function parse(line: string): { readonly type: string; readonly object: unknown } | undefined {
  try {
    const event: unknown = JSON.parse(line);
    return isObject(event) && typeof event['type'] === 'string'
      ? { type: event['type'], object: event['object'] }
      : undefined;
  } catch {
    return undefined;
  }
}

function versionOf(object: unknown): string | undefined {
  if (!isObject(object) || !isObject(object['metadata'])) return undefined;
  const version = object['metadata']['resourceVersion'];
  return typeof version === 'string' && version !== '' ? version : undefined;
}

function errorEnd(object: unknown, collection: Collection): NonNullable<DecodedEvents['end']> {
  const status = isObject(object) ? object : {};
  const code = typeof status['code'] === 'number' ? status['code'] : 0;
  const reason = String(status['reason'] ?? '');
  if (code === 410 || reason === 'Expired' || reason === 'Gone') return { end: 'expired' };
  const said = typeof status['message'] === 'string' ? `: ${status['message'].slice(0, 300)}` : '';
  return { end: 'failed', failure: broken(collection, `failed${said}`), status: 0 };
}

function broken(collection: Collection, what: string): Failure {
  return {
    kind: 'transient',
    code: 'WatchBroken',
    stage: 'observe',
    message: `the watch of ${collection.resource} ${what}`,
    hint: 'it is resumed',
  };
}
