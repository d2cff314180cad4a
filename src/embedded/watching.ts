/** Watches: an event for every change of what a client selects, in order, from the version on that it names. */
import { jsonText } from '#model/json.ts';
import type { Timers } from '#model/ports.ts';
import type { Stored } from './objects.ts';
import type { Resource } from './resources.ts';
import type { Matches } from './selectors.ts';
import { expired } from './status.ts';
import { resourceKey, type Change, type Store } from './store.ts';

export interface WatchRequest {
  readonly resource: Resource;
  readonly namespace: string;
  readonly matches: Matches;
  /** Empty or `0`: what there is first, as added. */
  readonly version: string;
  readonly sendInitialEvents: boolean;
  readonly bookmarks: boolean;
  readonly timeoutMs: number;
  /** The form of each object. */
  readonly present: (object: Stored) => object;
}

const bookmarkEveryMs = 60_000;
/** A client that does not read loses its watch, not us our memory. */
const bytesWaitingMax = 16 * 1024 * 1024;

export class Watching {
  readonly #store: Store;
  readonly #timers: Timers;
  readonly #open = new Set<() => void>();

  constructor(store: Store, timers: Timers) {
    this.#store = store;
    this.#timers = timers;
  }

  get count(): number {
    return this.#open.size;
  }

  close(): void {
    for (const end of this.#open) end();
  }

  /** One JSON object a line, as long as the client reads and the time-out allows. */
  stream(request: WatchRequest): ReadableStream<Uint8Array> {
    let end = (): void => undefined;
    return new ReadableStream<Uint8Array>(
      {
        start: (sink) => {
          end = this.#begin(request, sink);
        },
        cancel: () => end(),
      },
      { highWaterMark: bytesWaitingMax, size: (chunk) => chunk?.byteLength ?? 0 },
    );
  }

  #begin(request: WatchRequest, sink: ReadableStreamDefaultController<Uint8Array>): () => void {
    let isOver = false;
    let isBeginning = true;
    let bytesAllowed = 0;
    let stopListening = (): void => undefined;
    let stopTimer = (): void => undefined;
    let stopBookmarks = (): void => undefined;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      stopListening();
      stopTimer();
      stopBookmarks();
      this.#open.delete(end);
      try {
        sink.close();
      } catch {
        // The client has gone already.
      }
    };
    const send = (type: string, object: object): void => {
      if (isOver) return;
      if (!isBeginning && (sink.desiredSize ?? 0) + bytesAllowed <= 0) {
        end();
        return;
      }
      const line = Buffer.from(`${jsonText({ type, object })}\n`);
      // Nobody can have read yet what a watch begins with.
      if (isBeginning) bytesAllowed += line.byteLength;
      sink.enqueue(line);
    };
    this.#open.add(end);
    if (!this.#sendPast(request, send)) {
      end();
      return end;
    }
    isBeginning = false;
    const after = Number(request.version);
    stopListening = this.#store.onChange((change) => {
      // A client may name a version that is still to come.
      if (change.version > after) sendChange(change, request, send);
    });
    stopTimer = this.#timers.after(request.timeoutMs, end);
    const bookmark = (): void => {
      send('BOOKMARK', bookmarkOf(request.resource, this.#store.version));
      if (!isOver) stopBookmarks = this.#timers.after(bookmarkEveryMs, bookmark);
    };
    if (request.bookmarks) stopBookmarks = this.#timers.after(bookmarkEveryMs, bookmark);
    return end;
  }

  /** What happened before the watch began; false when that is not known any more. */
  #sendPast(request: WatchRequest, send: (type: string, object: object) => void): boolean {
    const { resource, namespace, matches, version, present } = request;
    const key = resourceKey(resource);
    const isFromNow = version === '' || version === '0';
    if (isFromNow || request.sendInitialEvents) {
      for (const object of this.#store.list(key, namespace === '' ? undefined : namespace))
        if (matches(object)) send('ADDED', present(object));
      if (request.sendInitialEvents && request.bookmarks)
        send('BOOKMARK', bookmarkOf(resource, this.#store.version, { 'k8s.io/initial-events-end': 'true' }));
      return true;
    }
    const past = this.#store.since(key, Number(version));
    if (past === undefined) {
      send('ERROR', expired(`too old resource version: ${version} (${this.#store.version})`).status);
      return false;
    }
    for (const change of past) sendChange(change, request, send);
    return true;
  }
}

function bookmarkOf(
  { group, version, kind }: Resource,
  at: number,
  annotations?: Readonly<Record<string, string>>,
): object {
  return {
    kind,
    apiVersion: group === '' ? version : `${group}/${version}`,
    metadata: {
      resourceVersion: String(at),
      creationTimestamp: null,
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}

/** What comes into a selection is added to it, what leaves it is deleted from it. */
function sendChange(
  change: Change,
  { resource, namespace, matches, present }: WatchRequest,
  send: (type: string, object: object) => void,
): void {
  if (change.resource !== resourceKey(resource)) return;
  if (namespace !== '' && change.object.metadata.namespace !== namespace) return;
  const matched = change.before !== undefined && matches(change.before);
  const isMatch = change.type !== 'DELETED' && matches(change.object);
  if (isMatch) send(matched ? 'MODIFIED' : 'ADDED', present(change.object));
  else if (matched) {
    // As it was last, with the version of this change.
    const { resourceVersion } = change.object.metadata;
    const last = change.before!;
    send('DELETED', present({ ...last, metadata: { ...last.metadata, resourceVersion } }));
  }
}
