/** How the API says no: in the form, and with the codes (gRPC's), that Argo CD's clients read. */
import type { Context } from 'hono';
import { failureLine, type Failure } from '#model/failure.ts';

const kinds = {
  invalid: { status: 400, code: 3 },
  notFound: { status: 404, code: 5 },
  denied: { status: 403, code: 7 },
  stale: { status: 409, code: 10 },
  tooMany: { status: 429, code: 8 },
  notNow: { status: 400, code: 9 },
  notYet: { status: 501, code: 12 },
  internal: { status: 500, code: 13 },
  unavailable: { status: 503, code: 14 },
  unknownCaller: { status: 401, code: 16 },
} as const;
export type ProblemKind = keyof typeof kinds;

export function errorAnswer(
  context: Context,
  kind: ProblemKind,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const { status, code } = kinds[kind];
  return context.json({ error: message, code, message }, status, { 'cache-control': 'no-store', ...headers });
}

export function failureAnswer(context: Context, failure: Failure): Response {
  const kind = failure.kind === 'transient' ? 'unavailable' : failure.kind === 'denied' ? 'denied' : 'notNow';
  return errorAnswer(context, kind, failureLine(failure));
}
