/** `POST /api/v1/session`: a password for a token that expires. Attempts are limited (S16). */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Result } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { Clock, Log } from '#model/ports.ts';
import { isOfOtherSite } from '../local-only.ts';
import { errorAnswer, failureAnswer } from './problems.ts';

export interface SessionPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** A token; undefined: wrong name or password. */
  readonly login: (username: string, password: string) => Promise<Result<string | undefined>>;
}

const bodyBytesMax = 8 * 1024;
export const failuresMax = 5;
export const windowMs = 5 * 60_000;

export function session({ clock, log, login }: SessionPorts): Hono {
  const app = new Hono();
  const limit = new LoginLimit(clock);
  app.post(
    '/',
    bodyLimit({
      maxSize: bodyBytesMax,
      onError: (context) => errorAnswer(context, 'invalid', 'the body is too large'),
    }),
    async (context) => {
      // Else any page in a browser on this machine could use up the attempts.
      if (isOfOtherSite(context))
        return errorAnswer(context, 'denied', 'a page of another site may not log in');
      const body: unknown = await context.req.json().catch(() => undefined);
      const { username, password } = isObject(body) ? body : {};
      if (typeof username !== 'string' || typeof password !== 'string')
        return errorAnswer(context, 'invalid', 'the body is not {"username": …, "password": …}');
      const attempt = limit.begin();
      if (attempt === undefined) {
        const seconds = String(limit.waitSeconds);
        return errorAnswer(context, 'tooMany', `too many failed logins; try again in ${seconds} s`, {
          'retry-after': seconds,
        });
      }
      const token = await login(username, password);
      if (!token.ok) {
        attempt.withdraw();
        return failureAnswer(context, token.failure);
      }
      if (token.value === undefined) {
        log.warn({}, 'a login failed: wrong name or password');
        return errorAnswer(context, 'unknownCaller', 'Invalid username or password');
      }
      attempt.withdraw();
      return context.json({ token: token.value }, 200, { 'cache-control': 'no-store' });
    },
  );
  return app;
}

/**
 * There is one account, so failures are counted over all names and callers. An attempt counts from its beginning, or
 * many at once would all be let through. Tokens are not concerned: whoever guesses locks nobody's scripts out.
 */
class LoginLimit {
  readonly #clock: Clock;
  #attempts: { readonly atMs: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(): { withdraw(): void } | undefined {
    const nowMs = this.#clock.monotonic();
    this.#attempts = this.#attempts.filter(({ atMs }) => nowMs - atMs < windowMs);
    if (this.#attempts.length >= failuresMax) return undefined;
    const attempt = { atMs: nowMs };
    this.#attempts.push(attempt);
    return {
      withdraw: () => {
        this.#attempts = this.#attempts.filter((other) => other !== attempt);
      },
    };
  }

  get waitSeconds(): number {
    const oldestMs = this.#attempts[0]?.atMs ?? 0;
    return Math.max(1, Math.ceil((oldestMs + windowMs - this.#clock.monotonic()) / 1000));
  }
}
