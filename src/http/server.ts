/** What listens on PORT, on loopback: health, readiness, metrics, the API, webhooks, and Git where it is served. */
import { createServer } from 'node:https';
import { serve, type ServerType } from '@hono/node-server';
import { Hono } from 'hono';
import { matchedRoutes } from 'hono/route';
import { fail, failureLine, ok, type Result } from '#model/failure.ts';
import type { Manifest } from '#model/object.ts';
import type { Meter } from '#model/ports.ts';
import { api, type ApiPorts } from './api/api.ts';
import { errorAnswer } from './api/problems.ts';
import { gitServer, type GitServerParts } from './git/git-server.ts';
import { localOnly } from './local-only.ts';
import { contentSecurityPolicy, page } from './page.ts';
import { webhook, type WebhookPorts } from './webhook.ts';

export interface ServerParts extends WebhookPorts {
  readonly port: number;
  /** Undefined when ready; else what it waits for. */
  readonly notReady: () => string | undefined;
  /** What is said besides that it is ready. */
  readonly standing?: () => string;
  /** What the page shows. */
  readonly applications: () => Promise<Result<readonly Manifest[]>>;
  /** Absent: it is not served. */
  readonly api?: Omit<ApiPorts, 'clock' | 'log' | 'notReady'>;
  readonly meter: Meter;
  /** PEM; absent: plain HTTP. */
  readonly tls?: { readonly key: string; readonly certificate: string };
  /** Absent: no repositories are served. */
  readonly git?: Omit<GitServerParts, 'log'>;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}
export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

const loopback = '127.0.0.1';
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

export function routes(parts: ServerParts): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    const { method } = context.req;
    parts.meter.count('trueup_http_requests_total', {
      // Only what is known makes a series: whoever asks for nonsense makes no new ones.
      method: methods.has(method) ? method : 'other',
      route: matchedRoutes(context).findLast(({ path }) => !path.endsWith('*'))?.path ?? 'other',
      code: String(context.res.status),
    });
  });
  app.get('/healthz', (context) => context.text('ok\n'));
  app.get('/readyz', (context) => {
    const why = parts.notReady();
    if (why !== undefined) return context.text(`not ready: ${why}\n`, 503);
    return context.text(`ok${parts.standing?.() ?? ''}\n`);
  });
  app.get('/metrics', async (context) => {
    const { contentType, text } = await parts.metrics();
    return context.text(text, 200, { 'content-type': contentType });
  });
  app.use('/', localOnly);
  app.get('/', async (context) => {
    const found = await parts.applications();
    if (!found.ok) return context.text(`${failureLine(found.failure)}\n`, 503);
    return context.html(page(found.value), 200, { 'content-security-policy': contentSecurityPolicy });
  });
  app.route('/api/webhook', webhook(parts));
  if (parts.api !== undefined) app.route('/api', api({ ...parts, ...parts.api }));
  if (parts.git !== undefined) app.route('/git', gitServer({ ...parts.git, log: parts.log }));
  const git = parts.git === undefined ? '' : ', /git/NAME.git';
  app.notFound((context) =>
    context.text(
      `Nothing here. There is /, /healthz, /readyz, /metrics${git}, /api/v1/applications and POST /api/webhook.\n`,
      404,
    ),
  );
  app.onError((error, context) => {
    parts.log.error({ path: context.req.path, stack: error.stack ?? '' }, `request failed: ${error.message}`);
    if (context.req.path.startsWith('/api/v1/'))
      return errorAnswer(context, 'internal', 'internal error; the log says more');
    return context.text('internal error; the log says more\n', 500);
  });
  return app;
}

export async function listen(parts: ServerParts): Promise<Result<Listening>> {
  return new Promise((resolve) => {
    const server: ServerType = serve(
      {
        fetch: routes(parts).fetch,
        hostname: loopback,
        port: parts.port,
        ...(parts.tls === undefined
          ? {}
          : { createServer, serverOptions: { key: parts.tls.key, cert: parts.tls.certificate } }),
      },
      ({ port }) =>
        resolve(
          ok({
            port,
            close: () =>
              new Promise<void>((closed) => {
                server.close(() => closed());
                if ('closeAllConnections' in server) server.closeAllConnections();
              }),
          }),
        ),
    );
    server.once('error', (error: NodeJS.ErrnoException) => resolve(fail(cannotListen(parts.port, error))));
  });
}

function cannotListen(port: number, error: NodeJS.ErrnoException): Parameters<typeof fail>[0] {
  const isUsed = error.code === 'EADDRINUSE';
  return {
    kind: 'terminal',
    code: isUsed ? 'PortInUse' : 'CannotListen',
    stage: 'observe',
    message: isUsed
      ? `port ${port} on ${loopback} is in use`
      : `cannot listen on ${loopback}:${port}: ${error.message}`,
    hint: 'choose another with --port',
  };
}
