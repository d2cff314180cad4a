/**
 * What listens on loopback is for programs of this machine. A web page can reach it too, by a name of its own that it
 * lets resolve to loopback, or by plain cross-site requests: both are refused (S13).
 */
import type { Context, MiddlewareHandler } from 'hono';

const localNames = new Set(['localhost', '127.0.0.1', '[::1]']);

export const localOnly: MiddlewareHandler = async (context, next) => {
  const host = context.req.header('host') ?? '';
  if (!localNames.has(host.replace(/:\d+$/, '').toLowerCase()))
    return context.text(
      'This is for programs of this machine only: use http://127.0.0.1 or http://localhost, with the same port and path.\n',
      403,
    );
  if (isOfOtherSite(context))
    return context.text(
      'A web page of another site asked for this, and may not. Use git, or open the address itself.\n',
      403,
    );
  return next();
};

/** A browser says so of what a page of another site asks for; programs say nothing of the kind. */
export function isOfOtherSite(context: Context): boolean {
  const host = (context.req.header('host') ?? '').toLowerCase();
  const origin = context.req.header('origin');
  const site = context.req.header('sec-fetch-site') ?? 'none';
  const isOwn = origin === undefined || origin.toLowerCase().replace(/^https?:\/\//, '') === host;
  return !isOwn || !['none', 'same-origin'].includes(site);
}
