/** `/api/v1/report`: the figures of a time, and the events that each counts. */
import { Hono, type Context } from 'hono';
import { liveShare } from '#engine/live-objects.ts';
import { failureLine, fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { ObjectRef } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Clock, Cluster, Records, Timers } from '#model/ports.ts';
import type { RecordQuery } from '#model/record.ts';
import { parseTimestamp } from '#model/time.ts';
import { makeReport } from '#pipeline/record/report.ts';
import type { Caller } from './applications.ts';
import { errorAnswer, failureAnswer } from './problems.ts';

export interface ReportPorts {
  readonly records: Records;
  readonly states: () => readonly UnitState[];
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly timers: Timers;
}

const sinceDefaultMs = 30 * 86_400_000;

export function report(ports: ReportPorts): Hono<Caller> {
  const app = new Hono<Caller>();
  const pause = (): Promise<void> => new Promise((resolve) => void ports.timers.after(0, resolve));
  app.get('/', async (context) => {
    const query = queryOf(context, ports);
    if (!query.ok) return errorAnswer(context, 'invalid', failureLine(query.failure));
    const made = await makeReport(ports.records, query.value, pause);
    if (!made.ok) return failureAnswer(context, made.failure);
    if (context.req.query('objects') === 'false') return answer(context, made.value);
    const { cluster, states } = ports;
    const share = await liveShare(states(), (owner) => isMeant(owner, query.value), cluster);
    if (!share.ok) return failureAnswer(context, share.failure);
    return answer(context, { ...made.value, objects: share.value });
  });
  for (const what of ['deployments', 'drift'] as const)
    app.get(`/${what}`, async (context) => {
      const query = queryOf(context, ports);
      if (!query.ok) return errorAnswer(context, 'invalid', failureLine(query.failure));
      const page = await ports.records[what](query.value);
      return page.ok ? answer(context, page.value) : failureAnswer(context, page.failure);
    });
  return app;
}

function answer(context: Context, value: object): Response {
  return context.json(value, 200, { 'cache-control': 'no-store' });
}

function queryOf({ req }: Context, { clock }: ReportPorts): Result<RecordQuery> {
  const nowMs = clock.now();
  const until = req.query('until');
  const since = req.query('since');
  const untilMs = until === undefined ? nowMs : momentOf(until);
  if (untilMs === undefined) return fail(badTime('until'));
  const fromMs = since === undefined ? untilMs - sinceDefaultMs : momentOf(since);
  if (fromMs === undefined) return fail(badTime('since'));
  const next = req.query('continue');
  const filters = (['kind', 'namespace', 'name'] as const).flatMap((key) => {
    const value = req.query(key);
    return value === undefined || value === '' ? [] : [[key, value] as const];
  });
  return ok({ fromMs, untilMs, ...Object.fromEntries(filters), ...(next === undefined ? {} : { next }) });
}

/** A time, or milliseconds since 1970. */
function momentOf(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : parseTimestamp(text);
}

function badTime(parameter: string): Failure {
  return {
    kind: 'terminal',
    code: 'BadQuery',
    stage: 'observe',
    message: `the parameter ${parameter} cannot be understood`,
    hint: 'write a time as 2026-01-31T12:00:00Z',
  };
}

function isMeant(owner: ObjectRef, { kind, namespace, name }: RecordQuery): boolean {
  return (
    (kind === undefined || owner.kind.toLowerCase() === kind.toLowerCase()) &&
    (namespace === undefined || owner.namespace === namespace) &&
    (name === undefined || owner.name === name)
  );
}
