/**
 * Sends calls to one Kubernetes API. Calls share a limiter; watches are never capped, because each holds a connection
 * for minutes. Deadlines run on the injected timers.
 */
import type { Failure } from '#model/failure.ts';
import { parseTimestamp } from '#model/time.ts';
import type { Clock, Meter, Random, Timers } from '#model/ports.ts';
import type { Access, ReadFile } from './access.ts';
import type { Answer, Call, NoAnswer, Reply, Refusal } from './call.ts';
import { askedOf } from './call.ts';
import { Certificates, type TlsTexts } from './certificates.ts';
import { Credentials } from './credentials.ts';
import { Limiter } from './limiter.ts';
import { PutOff } from './put-off.ts';
import { failureOfRefusal, isFinal, refusalOf } from './status.ts';
import { Backoff, pause } from './waiting.ts';
import { connectionFailure, neverSent } from './unreachable.ts';
import { openWire, type Wire, type WireHeaders } from './wire.ts';

export interface TransportPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly meter: Meter;
  readonly readFile: ReadFile;
  /** Sockets, unless something else is to carry the requests. */
  readonly wire?: Wire;
}
export interface TransportOptions {
  readonly inFlightMax: number;
  readonly deadlineMs: number;
  readonly attemptsMax: number;
  readonly userAgent: string;
}
export const TRANSPORT_DEFAULTS: TransportOptions = {
  inFlightMax: 32,
  deadlineMs: 30_000,
  attemptsMax: 4,
  userAgent: 'trueup',
};

/** An open watch. Iterating ends when the server ends it, and throws when the connection breaks or is aborted. */
export interface OpenStream {
  readonly answered: true;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** What a request was made with. */
interface Identity {
  readonly headers: readonly string[];
  readonly tls: TlsTexts;
}

type Attempt =
  | {
      readonly got: 'answer';
      readonly status: number;
      readonly headers: WireHeaders;
      readonly text: string;
    }
  | { readonly got: 'nothing'; readonly error: unknown; readonly timedOut: boolean };

const RETRY_AFTER_MS_MAX = 60_000;

export class Transport {
  readonly #access: Access;
  readonly #ports: TransportPorts;
  readonly #options: TransportOptions;
  readonly #credentials: Credentials;
  readonly #certificates: Certificates;
  readonly #limiter: Limiter;
  readonly #putOff: PutOff;
  readonly #wire: Wire;
  readonly #prefix: string;
  readonly #sent = new Set<AbortController>();
  readonly #closing = new AbortController();

  constructor(access: Access, ports: TransportPorts, options: Partial<TransportOptions> = {}) {
    this.#access = access;
    this.#ports = ports;
    this.#options = { ...TRANSPORT_DEFAULTS, ...options };
    this.#credentials = new Credentials(access, ports.clock, ports.readFile);
    this.#certificates = new Certificates(access, ports.clock, ports.readFile);
    this.#limiter = new Limiter(this.#options.inFlightMax, ports.clock, ports.timers);
    this.#putOff = new PutOff(ports.clock);
    this.#prefix = new URL(access.server).pathname.replace(/\/+$/, '');
    this.#wire =
      ports.wire ?? openWire(access, this.#options.inFlightMax, () => this.#certificates.current());
  }

  /** The reply to a call; retries what may be retried, within the call's deadline. Never throws. */
  async send(call: Call): Promise<Reply> {
    const startedMs = this.#ports.clock.monotonic();
    const usualMs = call.deadlineMs ?? this.#options.deadlineMs;
    const deadlineMs = Math.min(usualMs, (call.untilMs ?? Infinity) - startedMs);
    if (!(await this.#limiter.acquire(deadlineMs))) return this.#unreached(call, undefined, true);
    try {
      return await this.#attempts(call, startedMs + deadlineMs);
    } finally {
      this.#limiter.release();
      const seconds = (this.#ports.clock.monotonic() - startedMs) / 1000;
      this.#ports.meter.observe('trueup_kube_request_seconds', seconds, {
        verb: call.verb,
        resource: call.resource,
      });
    }
  }

  /** Opens a watch. Fails as `send` does, but tries once: whoever watches has a backoff of its own. */
  async stream(call: Call, signal: AbortSignal): Promise<OpenStream | NoAnswer> {
    const joined = AbortSignal.any([signal, this.#closing.signal]);
    for (let renewed = false; ; renewed = true) {
      const identity = this.#identity();
      const answer = await this.#open(call, identity.headers, joined, true);
      if (answer.got === 'nothing') {
        const reply = this.#unreached(call, answer.error, answer.timedOut);
        if (!renewed && this.#isRenewed(identity, reply)) continue;
        return reply;
      }
      const { statusCode, headers, body } = answer.response;
      this.#count(call, String(statusCode));
      if (statusCode === 200) return { answered: true, chunks: body };
      const text = await body.text().catch(() => '');
      const reply = this.#refused(call, statusCode, headers, text);
      if (!renewed && this.#isRenewed(identity, reply)) continue;
      return reply;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const abort of this.#sent) abort.abort();
    this.#limiter.close();
    await this.#wire.close();
  }

  async #attempts(call: Call, deadlineMs: number): Promise<Reply> {
    const backoff = new Backoff(this.#ports.random, 200, 5_000);
    let renewed = false;
    let mayBeDone = false;
    const told = (reply: NoAnswer): NoAnswer =>
      mayBeDone ? { ...reply, failure: { ...reply.failure, isUnanswered: true } } : reply;
    const held = this.#putOff.of(call);
    if (held !== undefined && !(await this.#waited(held.leftMs, deadlineMs))) {
      const { refusal } = held;
      const failure = { ...this.#failureOf(call, refusal), retryAfterMs: Math.ceil(held.leftMs) };
      return { answered: false, refusal, failure };
    }
    for (let attempt = 1; ; attempt += 1) {
      const leftMs = deadlineMs - this.#ports.clock.monotonic();
      // The process may have stood still since.
      if (leftMs <= 0) return told(this.#unreached(call, undefined, true));
      const identity = this.#identity();
      const outcome = await this.#once(call, identity.headers, leftMs);
      const reply =
        outcome.got === 'answer'
          ? this.#understood(call, outcome)
          : this.#unreached(call, outcome.error, outcome.timedOut);
      if (reply.answered) return reply;
      mayBeDone ||= isUnanswered(outcome, reply);
      const hasOthers: boolean = !renewed && this.#isRenewed(identity, reply);
      renewed ||= hasOthers;
      const delayMs = hasOthers ? this.#limiter.pausedMs : this.#retryDelay(call, outcome, reply, backoff);
      const askedMs = reply.refusal?.retryAfterMs;
      if (askedMs !== undefined && reply.refusal?.status !== 429)
        this.#putOff.note(call, Math.min(askedMs, RETRY_AFTER_MS_MAX), reply.refusal!);
      if (delayMs === undefined) return told(reply);
      // All others wait too, also when this call gives up.
      if (reply.refusal?.status === 429) this.#limiter.pauseFor(delayMs);
      const late = { retryAfterMs: Math.round(delayMs), ...reply.failure };
      const giveUp = told({ ...reply, failure: late });
      if (attempt >= this.#options.attemptsMax && !hasOthers) return giveUp;
      if (!(await this.#waited(delayMs, deadlineMs))) return giveUp;
    }
  }

  /** False where it would take too long. What another call was told meanwhile holds for this one too. */
  async #waited(delayMs: number, deadlineMs: number): Promise<boolean> {
    for (let waitMs = delayMs; waitMs > 0; waitMs = this.#limiter.pausedMs) {
      const pastDeadline = this.#ports.clock.monotonic() + waitMs >= deadlineMs;
      if (pastDeadline || this.#closing.signal.aborted) return false;
      await pause(this.#ports.timers, waitMs, this.#closing.signal);
    }
    return true;
  }

  #identity(): Identity {
    return { headers: this.#credentials.headers(), tls: this.#certificates.current() };
  }

  /** F25: who was not let in, or did not trust the server, has other credentials or certificates by now. */
  #isRenewed(used: Identity, { refusal, failure }: NoAnswer): boolean {
    if (refusal?.status !== 401 && failure.code !== 'CertificateRejected') return false;
    const [token, tls] = [this.#credentials.renew(used.headers), this.#certificates.renew(used.tls)];
    return token || tls;
  }

  /** Undefined: another attempt is no use, or might do it twice. */
  #retryDelay(call: Call, outcome: Attempt, reply: NoAnswer, backoff: Backoff): number | undefined {
    if (outcome.got === 'nothing') {
      if (outcome.timedOut || this.#closing.signal.aborted) return undefined;
      return call.repeatable || neverSent(outcome.error) ? backoff.next() : undefined;
    }
    const refusal = reply.refusal;
    if (refusal === undefined) return undefined;
    const askedMs = refusal.retryAfterMs;
    const mayRepeat =
      refusal.status === 429 ||
      ((refusal.status === 503 || refusal.status === 500 || refusal.status === 504) &&
        // With Retry-After the server says that it did nothing.
        (call.repeatable || askedMs !== undefined) &&
        !isFinal(refusal));
    if (!mayRepeat) return undefined;
    if (askedMs === undefined) return backoff.next();
    // Never before it asked; some time after it, so that all who were told the same do not come back at once.
    return Math.min(askedMs, RETRY_AFTER_MS_MAX) * (1 + this.#ports.random.next() / 4);
  }

  async #once(call: Call, credentials: readonly string[], leftMs: number): Promise<Attempt> {
    const abort = new AbortController();
    // Not AbortSignal.any with the closing signal: that would remember each of millions of calls a little.
    this.#sent.add(abort);
    let timedOut = false;
    const cancel = this.#ports.timers.after(leftMs, () => {
      timedOut = true;
      abort.abort();
    });
    try {
      const answer = await this.#open(call, credentials, abort.signal, false);
      if (answer.got === 'nothing') return { got: 'nothing', error: answer.error, timedOut };
      const { statusCode, headers, body } = answer.response;
      const text = await body.text();
      this.#count(call, String(statusCode));
      return { got: 'answer', status: statusCode, headers, text };
    } catch (error) {
      this.#count(call, timedOut ? 'Timeout' : 'Broken');
      return { got: 'nothing', error, timedOut };
    } finally {
      cancel();
      this.#sent.delete(abort);
    }
  }

  async #open(call: Call, credentials: readonly string[], signal: AbortSignal, isWatch: boolean) {
    const headers = [
      'accept',
      call.accept ?? 'application/json',
      'user-agent',
      this.#options.userAgent,
      ...credentials,
      ...(call.body === undefined ? [] : ['content-type', call.contentType ?? 'application/json']),
    ];
    try {
      const { method, path, body } = call;
      const asked = { method, path: `${this.#prefix}${path}`, headers, body, isWatch, signal };
      const response = await this.#wire.request(asked);
      return { got: 'response' as const, response };
    } catch (error) {
      this.#count(call, signal.aborted ? 'Aborted' : 'Unreachable');
      return { got: 'nothing' as const, error, timedOut: false };
    }
  }

  #understood(call: Call, answer: Extract<Attempt, { got: 'answer' }>): Reply {
    if (answer.status < 200 || answer.status >= 300)
      return this.#refused(call, answer.status, answer.headers, answer.text);
    try {
      const body: unknown = answer.text === '' ? undefined : JSON.parse(answer.text);
      const reply: Answer = {
        answered: true,
        status: answer.status,
        body,
        warnings: warningsOf(answer.headers['warning']),
      };
      return reply;
    } catch {
      const failure: Failure = {
        kind: 'terminal',
        code: 'UnexpectedAnswer',
        stage: call.stage,
        message: `the server ${this.#access.server} answered with something other than JSON (${askedOf(call)})`,
        hint: 'check that the server address is that of a Kubernetes API',
        ...(call.subject === undefined ? {} : { subject: call.subject }),
      };
      return { answered: false, failure };
    }
  }

  #refused(call: Call, status: number, headers: WireHeaders, text: string): NoAnswer {
    const retryAfterMs = retryAfterOf(headers['retry-after'], this.#ports.clock.now());
    const refusal: Refusal = refusalOf(status, text, retryAfterMs);
    return { answered: false, refusal, failure: this.#failureOf(call, refusal) };
  }

  #failureOf(call: Call, refusal: Refusal): Failure {
    return failureOfRefusal(call, refusal, `${this.#access.user} (${this.#access.origin})`);
  }

  #unreached(call: Call, error: unknown, timedOut: boolean): NoAnswer {
    const closed = this.#closing.signal.aborted;
    return { answered: false, failure: connectionFailure(call, this.#access, error, timedOut, closed) };
  }

  #count(call: Call, code: string): void {
    this.#ports.meter.count('trueup_kube_requests_total', { verb: call.verb, resource: call.resource, code });
  }
}

/** Whether what was asked for may have been done, or may still be. */
function isUnanswered(outcome: Attempt, { refusal, failure }: NoAnswer): boolean {
  if (outcome.got === 'nothing') return !neverSent(outcome.error);
  if (refusal === undefined) return true;
  const isServers = refusal.status >= 500 && refusal.retryAfterMs === undefined;
  return isServers && failure.kind === 'transient' && failure.code !== 'WebhookFailed';
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterOf(value: string | string[] | undefined, nowMs: number): number | undefined {
  const text = Array.isArray(value) ? value[0] : value;
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text.trim())) return Number(text) * 1000;
  const atMs = parseTimestamp(text);
  return atMs === undefined ? undefined : Math.max(0, atMs - nowMs);
}

/** `299 - "text"`, several to a header. */
function warningsOf(value: string | string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  const texts = (Array.isArray(value) ? value : [value]).flatMap((line) =>
    [...line.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
      (match[1] ?? '').replace(/\\(.)/g, '$1'),
    ),
  );
  return [...new Set(texts)];
}
