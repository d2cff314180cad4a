/**
 * The wire between one replica and the API server: only the socket is simulated. Each request meets a fault or none;
 * both ways take time, and a request that is on its way arrives whether or not its sender is still there.
 */
import type { Wire, WireAnswer, WireHeaders, WireRequest } from '#kube/wire.ts';
import type { JsonObject } from '#model/json.ts';
import type { FaultGate, FaultKind } from './faults.ts';
import { broken, Pipe } from './pipe.ts';
import type { SeededRandom } from './random.ts';
import { never, type Process, type Scheduler } from './scheduler.ts';
import { requestOf, sortOf, type Asked, type Phase, type Sort } from './steps.ts';
import { coalesced } from './watch-lines.ts';

export interface WireParts {
  readonly process: Process;
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  readonly faults: FaultGate;
  /** The API server; what it does until this resolves is this replica's doing. */
  readonly handle: (request: Request, sentMs: number) => Promise<Response>;
  readonly phase: () => Phase;
  /** How much further away the API server is than usual. */
  readonly lagFactor: () => number;
  readonly trace: (what: string) => void;
  /** The process ends, now. */
  readonly crash: () => void;
  /** Of every request that leaves, with when the server allows the next one. */
  readonly sent: (asked: Asked, notBeforeMs: number) => void;
  /** Of every resource that declares something, as this process hears of it. */
  readonly told: (resource: JsonObject, isWatched: boolean) => void;
  /** Whether this does not get to the server now, whatever becomes of others. */
  readonly isCutOff: (asked: Asked) => boolean;
}

/** As long as a fault may delay what it does not lose. */
const slowMsMax = 45_000;
const hangAfterMsMax = 600_000;
const breakAfterMsMax = 900_000;

export class SimulatedWire implements Wire {
  readonly #parts: WireParts;
  /** How each is ended, how it falls silent, and what is watched. */
  readonly #watches = new Map<() => void, { readonly hang: () => void; readonly path: string }>();
  /** What listens to the signals of requests: Node keeps a joined signal, and all that its listeners hold, while it has any. */
  readonly #listening = new Set<() => void>();
  #notBeforeMs = 0;
  /** Of what was told to come later when others need not. */
  readonly #notBefore = new Map<string, number>();

  constructor(parts: WireParts) {
    this.#parts = parts;
  }

  /** Watches that the server still feeds. */
  get watches(): number {
    return this.#watches.size;
  }

  /** The server ends what is watched: all of it where connections are closed, or one kind. */
  cut(resource = ''): void {
    for (const [end, { path }] of this.#watches) if (path.includes(`/${resource}`)) end();
  }
  /** Nothing comes any more of what is watched, and nothing says so. */
  hang(): void {
    for (const { hang } of this.#watches.values()) hang();
  }
  close(): Promise<void> {
    this.cut();
    for (const forget of this.#listening) forget();
    return Promise.resolve();
  }

  #onAbort(signal: AbortSignal, call: () => void): () => void {
    const forget = (): void => {
      signal.removeEventListener('abort', heard);
      this.#listening.delete(forget);
    };
    const heard = (): void => {
      forget();
      call();
    };
    if (this.#parts.process.isGone) return forget;
    signal.addEventListener('abort', heard);
    this.#listening.add(forget);
    return forget;
  }

  request(sent: WireRequest): Promise<WireAnswer> {
    const { process, faults, phase, trace } = this.#parts;
    if (process.isGone) return never();
    const headers = headersOf(sent.headers);
    const asked = requestOf(sent.method, sent.path, headers.get('content-type') ?? '');
    const what = `${asked.verb} ${asked.resource}${asked.subresource === '' ? '' : `/${asked.subresource}`} ${asked.namespace}/${asked.name}`;
    const io = sent.isWatch ? 'watch' : 'request';
    const sort = sortOf(asked.resource);
    const isCutOff = this.#parts.isCutOff(asked);
    const met = faults.next({ io, verb: asked.verb, sort, phase: phase(), what });
    const fault = isCutOff ? 'swallowed' : met;
    const ownMs = this.#notBefore.get(retryKey(sent)) ?? 0;
    this.#parts.sent(asked, sent.isWatch ? ownMs : Math.max(ownMs, this.#notBeforeMs));
    if (fault !== undefined) trace(`${what} ⚡ ${fault}`);
    if (fault === 'crash-before') {
      this.#parts.crash();
      return never();
    }
    const answered = new Promise<WireAnswer>((resolve, reject) => {
      const abort = (): void => reject(broken('ABORT_ERR'));
      if (sent.signal.aborted) return abort();
      const forget = this.#onAbort(sent.signal, abort);
      this.#send(
        sent,
        { what, headers, fault, sort, verb: asked.verb },
        (answer) => {
          forget();
          resolve(answer);
        },
        (error) => {
          forget();
          reject(error);
        },
      );
    });
    return answered;
  }

  #send(
    sent: WireRequest,
    { what, headers, fault, sort, verb }: Sending,
    resolve: (answer: WireAnswer) => void,
    reject: (error: Error) => void,
  ): void {
    const { process, scheduler, random, trace } = this.#parts;
    const later = (delayMs: number, call: () => void): void => scheduler.at(delayMs, () => process.run(call));
    if (fault === 'swallowed') return;
    if (fault === 'refused') return later(this.#lag(), () => reject(broken('ECONNREFUSED')));
    if (fault === 'reset-before') return later(this.#lag(), () => reject(broken('ECONNRESET')));
    const sentMs = scheduler.nowMs;
    const there = fault === 'slow' ? random.between(1000, slowMsMax) : this.#lag();
    const arrive = async (): Promise<void> => {
      const canned = fault === undefined ? undefined : this.#refusal(fault);
      // A gateway that gave up says nothing about the server behind it.
      const response =
        canned === undefined || (fault === '504' && random.chance(0.5))
          ? await this.#parts.handle(this.#built(sent, headers), sentMs)
          : canned;
      const answer = canned ?? response;
      trace(`${what} → ${answer.status}`);
      if (fault === 'crash-after') return this.#parts.crash();
      if (sent.isWatch && answer.status === 200) return this.#stream(sent, answer, { fault, sort }, resolve);
      const text = await answer.text();
      if (fault === 'reply-swallowed') return;
      const back = fault === 'slow' && random.chance(0.5) ? random.between(1000, slowMsMax) : this.#lag();
      later(back, () => {
        if (fault === 'reply-lost') return reject(broken('ECONNRESET'));
        const isCut = fault === 'reply-cut';
        const body = new Pipe();
        body.push(isCut ? halfOf(Buffer.from(text)) : Buffer.from(text));
        body.end(isCut ? broken('ECONNRESET') : undefined);
        // Who gave up does not hear it.
        if (!sent.signal.aborted && !isCut) this.#slowDown(sent, answer);
        if (sort === 'resource' && answer.ok && !isCut) this.#tell(text, verb === 'list' || verb === 'page');
        resolve({ statusCode: answer.status, headers: headersFrom(answer.headers), body });
      });
    };
    scheduler.at(there, () => void arrive());
  }

  /**
   * F4: from when this replica has heard a 429, its requests wait; a watch, and a write that was told a 503, for itself. A
   * read may be another caller's, whom nobody told.
   */
  #slowDown(sent: WireRequest, { status: code, headers }: Response): void {
    const asked = headers.get('retry-after');
    if (asked === null) return;
    const untilMs = this.#parts.scheduler.nowMs + Number(asked) * 1000;
    if (sent.isWatch || (code !== 429 && sent.method !== 'GET')) this.#notBefore.set(retryKey(sent), untilMs);
    else if (code === 429) this.#notBeforeMs = Math.max(this.#notBeforeMs, untilMs);
  }

  #tell(text: string, isWatched: boolean): void {
    for (const line of text.split('\n').filter((each) => each !== '')) {
      const { items, object, ...rest } = JSON.parse(line) as Heard;
      for (const each of items ?? [object ?? rest]) this.#parts.told(each, isWatched);
    }
  }

  #lag(): number {
    const { random, lagFactor } = this.#parts;
    return lagFactor() * (random.chance(0.05) ? random.between(20, 800) : random.between(0, 12));
  }

  #built(sent: WireRequest, headers: Headers): Request {
    return new Request(`https://simulated${sent.path}`, {
      method: sent.method,
      headers,
      ...(sent.body === undefined ? {} : { body: sent.body }),
    });
  }

  #refusal(fault: FaultKind): Response | undefined {
    const { random } = this.#parts;
    const seconds = String(1 + random.below(20));
    switch (fault) {
      case '429':
        return status(429, 'TooManyRequests', 'too many requests', { 'retry-after': seconds });
      case '500':
        return status(500, 'InternalError', 'etcdserver: leader changed');
      case '503':
        return status(
          503,
          'ServiceUnavailable',
          'the server is starting',
          random.chance(0.5) ? { 'retry-after': seconds } : {},
        );
      case '504':
        return status(504, 'Timeout', 'request did not complete within the allotted timeout');
      case '401':
        return status(401, 'Unauthorized', 'Unauthorized');
      case '410':
        return status(410, 'Expired', 'too old resource version');
      case '409':
        return status(
          409,
          'Conflict',
          'the object has been modified; please apply your changes to the latest version',
        );
      default:
        return undefined;
    }
  }

  #stream(
    sent: WireRequest,
    response: Response,
    { fault, sort }: Pick<Sending, 'fault' | 'sort'>,
    resolve: (answer: WireAnswer) => void,
  ): void {
    const { process, scheduler, random, faults } = this.#parts;
    const pipe = new Pipe();
    const reader = response.body!.getReader();
    let isHung = false;
    const stop = (): void => {
      if (!this.#watches.delete(stop)) return;
      void reader.cancel();
    };
    const hang = (): void => {
      isHung = true;
    };
    this.#watches.set(stop, { hang, path: sent.path });
    const forget = this.#onAbort(sent.signal, () => {
      stop();
      pipe.end(broken('ABORT_ERR'));
    });
    if (sent.signal.aborted) stop();
    const ends = (error?: Error): void => {
      forget();
      pipe.end(error);
    };
    const breaks = (error?: Error): void => {
      stop();
      process.run(() => ends(error));
    };
    const breaksLater = (error?: Error): void =>
      scheduler.at(random.between(0, breakAfterMsMax), () => {
        if (faults.isOn) breaks(error);
      });
    if (fault === 'watch-broken') breaksLater(broken('ECONNRESET'));
    if (fault === 'watch-ended') breaksLater();
    if (fault === 'watch-hung') scheduler.at(random.between(0, hangAfterMsMax), hang);
    const holdsMs = fault === 'watch-coalesced' ? random.between(500, 20_000) : 0;
    let lastMs = scheduler.nowMs;
    let held: Uint8Array[] | undefined;
    const deliver = (chunk: () => Uint8Array, lagMs: number): void => {
      // One after the other: of two events at one moment chance says which is first.
      lastMs = Math.max(lastMs + 1, Math.ceil(scheduler.nowMs + lagMs));
      scheduler.at(lastMs - scheduler.nowMs, () => {
        const bytes = chunk();
        const arrive = (): void => {
          if (sort === 'resource') this.#tell(Buffer.from(bytes).toString('utf8'), true);
          pipe.push(bytes);
        };
        if (!isHung) process.run(arrive);
      });
    };
    /** In the middle of an event. */
    const breakHalfWay = (chunk: Uint8Array): void => {
      stop();
      process.run(() => {
        pipe.push(halfOf(chunk));
        ends(broken('ECONNRESET'));
      });
    };
    const take = (chunk: Uint8Array): void => {
      if (fault === 'reply-cut' && faults.isOn) return breakHalfWay(chunk);
      if (held !== undefined) return void held.push(chunk);
      const isSlow = fault === 'watch-slow' && faults.isOn;
      const lagMs = isSlow ? random.between(0, slowMsMax) : this.#lag();
      if (holdsMs === 0 || !faults.isOn) return deliver(() => chunk, lagMs);
      const holding = (held = [chunk]);
      deliver(() => {
        held = undefined;
        return coalesced(holding);
      }, holdsMs);
    };
    const read = async (): Promise<void> => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        take(value);
      }
      scheduler.at(Math.max(0, lastMs - scheduler.nowMs) + 1, () => {
        if (!isHung) breaks();
      });
    };
    // A reader that was cancelled has nothing more to say.
    read().catch(() => undefined);
    scheduler.at(this.#lag(), () =>
      process.run(() => resolve({ statusCode: 200, headers: headersFrom(response.headers), body: pipe })),
    );
  }
}

const halfOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.length >> 1);

/** The same for another attempt at it: a watch is resumed from elsewhere. */
function retryKey({ method, path, body, isWatch }: WireRequest): string {
  return isWatch
    ? `watch ${path.replaceAll(/[?&](?:resourceVersion|timeoutSeconds)=[^&]*/g, '')}`
    : `${method} ${path} ${String(body)}`;
}

/** A list, an event, or a resource itself. */
interface Heard extends JsonObject {
  readonly items?: readonly JsonObject[];
  readonly object?: JsonObject;
}
interface Sending {
  readonly verb: string;
  readonly sort: Sort;
  readonly what: string;
  readonly headers: Headers;
  readonly fault: FaultKind | undefined;
}

function headersOf(list: readonly string[]): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < list.length; index += 2) headers.append(list[index]!, list[index + 1]!);
  return headers;
}

function headersFrom(headers: Headers): WireHeaders {
  return Object.fromEntries(headers);
}

function status(
  code: number,
  reason: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
  return new Response(JSON.stringify(body), {
    status: code,
    headers: { 'content-type': 'application/json', ...headers },
  });
}
