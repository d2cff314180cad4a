/**
 * Push webhooks in GitHub's form. A webhook is only a hint (F24): it makes us ask the repository ourselves, and never
 * supplies a revision. Where a secret is set, only signed ones count (S11).
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { sameRepository } from '#git/url.ts';
import { signatureHolds } from '#host/hmac.ts';
import { isObject } from '#model/json.ts';
import type { Result } from '#model/failure.ts';
import type { Clock, Log } from '#model/ports.ts';

export interface WebhookPorts {
  /** Begins to ask the repositories that are meant for new commits; says how many are used. */
  readonly hint: (isMeant: (url: string) => boolean) => number;
  /** The secret that senders sign with; undefined where none is set. A failure: nobody knows, so nothing is believed. */
  readonly webhookSecret: () => Promise<Result<string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
}

const bodyBytesMax = 1024 * 1024;
const perMinuteMax = 600;
const urlLengthMax = 2048;

export function webhook(ports: WebhookPorts): Hono {
  const app = new Hono();
  const limit = rateLimit(ports.clock);
  app.post(
    '/',
    bodyLimit({
      maxSize: bodyBytesMax,
      onError: (context) => context.text('the payload is over 1 MiB\n', 413),
    }),
    async (context) => {
      if (!limit())
        return context.text('too many webhooks; try again in a minute\n', 429, { 'retry-after': '60' });
      const body = new Uint8Array(await context.req.arrayBuffer());
      const known = await ports.webhookSecret();
      if (!known.ok) {
        ports.log.warn({ code: known.failure.code }, `webhook refused: its secret: ${known.failure.message}`);
        return context.text('the webhook secret cannot be read at present; try again\n', 503);
      }
      const secret = known.value;
      if (
        secret !== undefined &&
        !signatureHolds(secret, body, context.req.header('x-hub-signature-256') ?? '')
      ) {
        ports.log.warn(
          { event: context.req.header('x-github-event') ?? '' },
          'webhook refused: its signature is missing or wrong',
        );
        return context.text(
          'the signature is missing or wrong; check the webhook secret on both sides\n',
          401,
        );
      }
      const event = context.req.header('x-github-event') ?? 'push';
      if (event !== 'push') return context.text(`nothing to do for ${event}\n`);
      const urls = repositoryUrls(body);
      if (urls.length === 0) return context.text('the payload names no repository\n', 400);
      const count = ports.hint((url) => urls.some((named) => sameRepository(url, named)));
      return context.text(count === 0 ? 'no application uses this repository\n' : 'ok\n');
    },
  );
  return app;
}

function repositoryUrls(body: Uint8Array): readonly string[] {
  let payload: unknown;
  try {
    payload = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return [];
  }
  const repository = isObject(payload) ? payload['repository'] : undefined;
  if (!isObject(repository)) return [];
  return ['clone_url', 'html_url', 'ssh_url', 'git_url', 'git_http_url', 'url']
    .map((member) => repository[member])
    .filter((url): url is string => typeof url === 'string' && url !== '' && url.length <= urlLengthMax);
}

function rateLimit(clock: Clock): () => boolean {
  let windowMs = clock.monotonic();
  let count = 0;
  return () => {
    const nowMs = clock.monotonic();
    if (nowMs - windowMs > 60_000) [windowMs, count] = [nowMs, 0];
    count += 1;
    return count <= perMinuteMax;
  };
}
