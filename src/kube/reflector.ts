/**
 * Keeps a sink equal to one collection of the API: lists it, then follows its watch from the list's version. No
 * final state is missed (F5): a watch that ends or breaks is resumed from the last version seen; one that falls
 * silent is found by a watchdog and resumed; one whose version is gone (410) makes the whole collection be listed
 * again, and the sink gets the difference in one piece. A collection that cannot be read is 'failing' with the
 * reason, never empty (F19).
 */
import type { Failure, Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import type { JsonObject } from '#model/json.ts';
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { Clock, Log, Meter, Random, Timers } from '#model/ports.ts';
import type { Call } from './call.ts';
import { query } from './call.ts';
import type { Collection, ReflectorState, Sink } from './collection.ts';
import { LineTooLong, Lines } from './lines.ts';
import type { Transport } from './transport.ts';
import { Backoff, pause } from './waiting.ts';
import { asManifest, decodeEvents } from './watch-events.ts';

export interface ReflectorPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
}
/** Asks for objects without their bodies. */
export const METADATA_ONLY =
  'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

export interface ReflectorOptions {
  /** A watch from which nothing came for so long is taken for dead. Servers send a bookmark about once a minute. */
  readonly idleMs: number;
  readonly pageSize: number;
  readonly lineBytesMax: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** At most so long until a kind that is not served is asked for again, if nobody says earlier that it came. */
  readonly missingMs: number;
}
export const REFLECTOR_DEFAULTS: ReflectorOptions = {
  idleMs: 90_000,
  pageSize: 500,
  lineBytesMax: 32 * 1024 * 1024,
  backoffFirstMs: 500,
  backoffMaxMs: 30_000,
  missingMs: 300_000,
};

type WatchEnd =
  | { readonly end: 'closed'; readonly early: boolean }
  | { readonly end: 'expired' }
  | { readonly end: 'silent' }
  | { readonly end: 'failed'; readonly failure: Failure; readonly status: number };

export class Reflector {
  readonly #transport: Transport;
  readonly #ports: ReflectorPorts;
  readonly #options: ReflectorOptions;
  readonly #locate: () => Promise<Result<Collection>>;
  readonly #sink: Sink;
  readonly #backoff: Backoff;
  readonly #missing: Backoff;
  readonly #stopping = new AbortController();
  #waiting: AbortController | undefined;
  #state: ReflectorState = { phase: 'starting' };
  #resourceVersion = '';
  #poked = false;
  #watching: AbortController | undefined;
  #isOutdated = false;

  /** `locate` is asked before every list: where the collection is may change, and it may not be served yet. */
  constructor(
    transport: Transport,
    ports: ReflectorPorts,
    options: Partial<ReflectorOptions>,
    locate: () => Promise<Result<Collection>>,
    sink: Sink,
  ) {
    this.#transport = transport;
    this.#ports = ports;
    this.#options = { ...REFLECTOR_DEFAULTS, ...options };
    this.#locate = locate;
    this.#sink = sink;
    this.#backoff = new Backoff(ports.random, this.#options.backoffFirstMs, this.#options.backoffMaxMs);
    this.#missing = new Backoff(ports.random, this.#options.backoffFirstMs, this.#options.missingMs);
  }

  /** `afterMs`: how long a server that was asked before wants to be left alone (F4). */
  start(afterMs = 0): void {
    void this.#run(afterMs);
  }

  /** Until when the server wants to be left alone, on the monotonic clock. */
  get notBeforeMs(): number {
    if (this.#state.phase !== 'failing') return -Infinity;
    return this.#state.triedMs + (this.#state.failure.retryAfterMs ?? 0);
  }

  stop(): void {
    this.#stopping.abort();
    this.#waiting?.abort();
  }

  /** Lists anew: what the watch has told may not be all that has happened by now (F6), or is judged otherwise. */
  relist(): void {
    this.#isOutdated = true;
    this.#watching?.abort();
  }

  /** Ends the wait between two attempts, also one that begins just now: the next is worth trying at once. */
  poke(): void {
    // Where the server has said when, that holds (F4).
    if (this.#state.phase !== 'failing' || this.#state.failure.retryAfterMs !== undefined) return;
    this.#poked = true;
    this.#waiting?.abort();
  }

  /** The kind has come. It may still answer 404 for a moment, so that it is asked for often again. */
  came(): void {
    this.#missing.reset();
    this.poke();
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(afterMs: number): Promise<void> {
    if (afterMs > 0) await this.#sleep(afterMs);
    while (!this.#stopped) {
      const collection = await this.#locate();
      this.#isOutdated = false;
      const listed = collection.ok ? await this.#list(collection.value) : collection;
      if (this.#stopped) return;
      if (!listed.ok || !collection.ok) {
        if (!listed.ok) await this.#retryLater(listed.failure, 'list');
        continue;
      }
      this.#resourceVersion = listed.value;
      this.#live();
      await this.#follow(collection.value);
    }
  }

  /** Watches, and resumes, until the collection has to be listed again. */
  async #follow(collection: Collection): Promise<void> {
    let silences = 0;
    while (!this.#stopped) {
      if (this.#isOutdated) return this.#relists('outdated');
      const startedMs = this.#ports.clock.monotonic();
      const before = this.#resourceVersion;
      const end = await this.#watch(collection);
      if (this.#stopped) return;
      if (this.#isOutdated) continue;
      const progressed = this.#resourceVersion !== before;
      if (progressed) {
        silences = 0;
        this.#backoff.reset();
      }
      if (end.end === 'expired') {
        // A list whose version is gone at once would otherwise be repeated as fast as the server answers.
        if (!progressed) await this.#sleep(this.#backoff.next());
        return this.#relists('expired');
      }
      if (end.end === 'silent') {
        silences += 1;
        // Twice with not even a bookmark: the version may lie in the future (a restored etcd), where none will come.
        if (silences >= 2) return this.#relists('silent');
        continue;
      }
      if (end.end === 'closed') {
        // A server ends watches after some minutes; one that does so at once has trouble.
        const lastedMs = this.#ports.clock.monotonic() - startedMs;
        if (!progressed && lastedMs < 1_000) await this.#sleep(this.#backoff.next());
        if (end.early) this.#sink.interrupted?.();
        continue;
      }
      await this.#retryLater(end.failure, 'watch');
      // The list finds out what the refusal means.
      if (end.status >= 400 && end.status < 500) return this.#relists('refused');
    }
  }

  #relists(reason: string): void {
    this.#ports.meter.count('trueup_kube_relists_total', { reason });
  }

  async #list(collection: Collection): Promise<Result<string>> {
    const listing = this.#sink.begin();
    let resourceVersion = '';
    let next: string | undefined;
    let limit: number | undefined = this.#options.pageSize;
    for (let pages = 0; ; pages += 1) {
      const reply = await this.#transport.send(this.#listCall(collection, limit, next));
      if (this.#stopped) return ok('');
      if (!reply.answered) {
        if (reply.refusal?.status !== 410 || pages === 0) return fail(reply.failure);
        // The snapshot that the pages came from was compacted away meanwhile: everything at once, then.
        this.#ports.log.debug({ resource: collection.resource }, 'the list expired between two pages');
        return this.#listWhole(collection);
      }
      const read = listPage(reply.body);
      if (read === undefined) return fail(notAList(collection));
      listing.page(this.#wellFormed(read.items, collection));
      resourceVersion = read.resourceVersion;
      next = read.next;
      if (next === undefined) break;
      limit = this.#options.pageSize;
    }
    listing.commit(resourceVersion);
    return ok(resourceVersion);
  }

  async #listWhole(collection: Collection): Promise<Result<string>> {
    const reply = await this.#transport.send(this.#listCall(collection, undefined, undefined));
    if (!reply.answered) return fail(reply.failure);
    const read = listPage(reply.body);
    if (read === undefined) return fail(notAList(collection));
    const listing = this.#sink.begin();
    listing.page(this.#wellFormed(read.items, collection));
    listing.commit(read.resourceVersion);
    return ok(read.resourceVersion);
  }

  /** Without a resourceVersion: the most recent state, not what a lagging replica happens to have (F6). */
  #listCall(collection: Collection, limit: number | undefined, next: string | undefined): Call {
    const parameters = query({
      labelSelector: collection.labelSelector,
      fieldSelector: collection.fieldSelector,
      limit: limit === undefined ? undefined : String(limit),
      continue: next,
    });
    return this.#call('list', collection, parameters);
  }

  #call(verb: 'list' | 'watch', collection: Collection, parameters: string): Call {
    return {
      verb,
      method: 'GET',
      path: `${collection.path}${parameters}`,
      resource: collection.resource,
      stage: 'observe',
      repeatable: true,
      ...(collection.namespace === undefined ? {} : { namespace: collection.namespace }),
      ...(collection.metadataOnly === true ? { accept: METADATA_ONLY } : {}),
    };
  }

  /** F28: an object without the members that every object has is left out by itself, and said so. */
  #wellFormed(items: readonly unknown[], collection: Collection): readonly Manifest[] {
    return items.flatMap((item) => {
      const manifest = asManifest(item, collection);
      if (manifest !== undefined) return [manifest];
      this.#malformed(collection);
      return [];
    });
  }

  #malformed(collection: Collection): void {
    this.#ports.meter.count('trueup_kube_watch_events_total', { type: 'malformed' });
    this.#ports.log.warn(
      { resource: collection.resource },
      'left out an object without name, uid or version',
    );
  }

  async #watch(collection: Collection): Promise<WatchEnd> {
    const { timers, clock, random } = this.#ports;
    const abort = new AbortController();
    this.#watching = abort;
    let silent = false;
    let lastMs = clock.monotonic();
    const check = (): void => {
      const idleMs = clock.monotonic() - lastMs;
      if (idleMs >= this.#options.idleMs) {
        silent = true;
        abort.abort();
      } else cancel = timers.after(this.#options.idleMs - idleMs, check);
    };
    let cancel = timers.after(this.#options.idleMs, check);
    // Ended by the server at different times, so that not all watches are resumed together.
    const timeoutSeconds = Math.floor(300 + random.next() * 300);
    const endsMs = lastMs + (timeoutSeconds - 1) * 1000;
    const closed = (): WatchEnd => ({ end: 'closed', early: clock.monotonic() < endsMs });
    try {
      const parameters = query({
        watch: '1',
        labelSelector: collection.labelSelector,
        fieldSelector: collection.fieldSelector,
        resourceVersion: this.#resourceVersion,
        allowWatchBookmarks: 'true',
        timeoutSeconds: String(timeoutSeconds),
      });
      const signal = AbortSignal.any([abort.signal, this.#stopping.signal]);
      const stream = await this.#transport.stream(this.#call('watch', collection, parameters), signal);
      if (!stream.answered) {
        if (silent) return { end: 'silent' };
        const status = stream.refusal?.status ?? 0;
        return status === 410 ? { end: 'expired' } : { end: 'failed', failure: stream.failure, status };
      }
      this.#live();
      const lines = new Lines(this.#options.lineBytesMax);
      for await (const chunk of stream.chunks) {
        lastMs = clock.monotonic();
        const end = this.#take(lines.push(chunk), collection);
        if (end !== undefined) return end;
      }
      return closed();
    } catch (error) {
      if (silent) return { end: 'silent' };
      // A broken connection is resumed like one that was closed: nothing is lost by it.
      return error instanceof LineTooLong
        ? { end: 'failed', failure: tooLong(collection, error), status: 0 }
        : closed();
    } finally {
      cancel();
      abort.abort();
    }
  }

  #take(lines: readonly string[], collection: Collection): WatchEnd | undefined {
    const decoded = decodeEvents(lines, collection);
    for (let count = 0; count < decoded.malformed; count += 1) this.#malformed(collection);
    if (decoded.resourceVersion !== undefined) {
      this.#resourceVersion = decoded.resourceVersion;
      this.#sink.events(decoded.events, decoded.resourceVersion);
      for (const { type } of decoded.events)
        this.#ports.meter.count('trueup_kube_watch_events_total', { type });
    }
    return decoded.end;
  }

  #live(): void {
    if (this.#state.phase === 'live') return;
    if (this.#state.phase === 'starting') this.#backoff.reset();
    this.#missing.reset();
    this.#setState({ phase: 'live' });
  }

  async #retryLater(failure: Failure, doing: string): Promise<void> {
    // What is not served comes with an event (new-kinds.ts), not by asking for it again and again.
    const backoff = failure.code === 'KindNotServed' ? this.#missing : this.#backoff;
    const delayMs = Math.max(backoff.next(), failure.retryAfterMs ?? 0);
    const refused = failure.code === 'KindNotServed' || failure.kind !== 'transient';
    const triedMs = this.#ports.clock.monotonic();
    const sinceMs = this.#state.phase === 'failing' ? this.#state.sinceMs : triedMs;
    const fields: JsonObject = { code: failure.code, retryMs: Math.round(delayMs) };
    if (this.#state.phase !== 'failing') this.#ports.log.warn(fields, `cannot ${doing}: ${failure.message}`);
    this.#setState({ phase: 'failing', failure, refused, sinceMs, triedMs });
    // What was worth trying before that is not any more.
    if (failure.retryAfterMs !== undefined) this.#poked = false;
    await this.#sleep(delayMs);
  }

  #setState(state: ReflectorState): void {
    this.#state = state;
    this.#sink.state(state);
  }

  async #sleep(delayMs: number): Promise<void> {
    if (!this.#stopped && !this.#poked) {
      this.#waiting = new AbortController();
      await pause(this.#ports.timers, delayMs, this.#waiting.signal);
      this.#waiting = undefined;
    }
    this.#poked = false;
  }
}

function listPage(
  body: unknown,
): { items: readonly unknown[]; resourceVersion: string; next: string | undefined } | undefined {
  if (!isObject(body) || !isObject(body['metadata'])) return undefined;
  const { resourceVersion, continue: next } = body['metadata'];
  // Go writes an empty list as null.
  const items = body['items'] ?? [];
  if (typeof resourceVersion !== 'string' || !Array.isArray(items)) return undefined;
  return { items, resourceVersion, next: typeof next === 'string' && next !== '' ? next : undefined };
}

function notAList(collection: Collection): Failure {
  return {
    kind: 'transient',
    code: 'UnexpectedAnswer',
    stage: 'observe',
    message: `the cluster answered the list of ${collection.resource} with something that is not a list`,
    hint: 'check the API service behind it',
  };
}

function tooLong(collection: Collection, error: LineTooLong): Failure {
  return {
    kind: 'transient',
    code: 'UnexpectedAnswer',
    stage: 'observe',
    message: `the watch of ${collection.resource} sent ${error.message}`,
    hint: 'check the API service behind it',
  };
}
