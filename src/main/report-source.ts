/** Where `trueup report` reads: the running server, else the file of one that does not run. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import type { ReportSource } from '#cli/report.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { openLog } from '#host/log.ts';
import { RecordStore } from '#host/record-store.ts';
import { askServer } from '#host/server-client.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { RecordQuery } from '#model/record.ts';
import { makeReport } from '#pipeline/record/report.ts';
import { textIn } from './local-identity.ts';

export interface ReportPlace {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly dataDir: string;
}

export const recordsFile = (dataDir: string): string => path.join(dataDir, 'records.db');

const serverDefault = 'http://127.0.0.1:8080';
/** What lives in a large cluster takes a while to list. */
const timeoutMs = 120_000;

export async function openReportSource(
  place: ReportPlace,
  say: (text: string) => void,
): Promise<Result<ReportSource>> {
  const dataDir = path.resolve(place.dataDir);
  const named = place.server ?? process.env['TRUEUP_SERVER'];
  const server = serverSource(named ?? serverDefault, place, dataDir);
  if (!server.ok) return server;
  if (named !== undefined) return ok(server.value);
  const reached = await server.value.ask('/api/version');
  if (reached.ok) return ok(server.value);
  const file = recordsFile(dataDir);
  if (!existsSync(file)) return reached;
  say(`no server at ${serverDefault}; reading ${file}, without what lives in the cluster\n`);
  return ok(fileSource(file));
}

type ServerSource = ReportSource & { ask(path: string): Promise<Result<unknown>> };

function serverSource(text: string, { tokenFile }: ReportPlace, dataDir: string): Result<ServerSource> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    return fail(unreachable(text, 'that is no address', 'write it as https://HOST:PORT'));
  if (url.protocol === 'http:' && !['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname))
    return fail(unreachable(text, 'a token is not sent unencrypted to another machine', 'use https'));
  const token = process.env['TRUEUP_TOKEN'] ?? textIn(tokenFile ?? path.join(dataDir, 'token'));
  const authority = textIn(path.join(dataDir, 'ca.crt'));
  const ask = async (wanted: string): Promise<Result<unknown>> => {
    const answer = await askServer({
      url: new URL(wanted, url),
      token: token?.trim() ?? '',
      timeoutMs,
      ...(authority === undefined || url.protocol === 'http:' ? {} : { authority }),
    });
    if (!answer.answered)
      return fail(
        unreachable(
          url.origin,
          answer.why,
          'start Trueup, name it with --server, or name its data directory with --data-dir',
        ),
      );
    if (answer.status !== 200) return fail(refused(url.origin, answer.status, answer.text));
    return ok(JSON.parse(answer.text) as unknown);
  };
  // The other end is of the same version: it has the types.
  const get = async <T>(wanted: string): Promise<Result<T>> => (await ask(wanted)) as Result<T>;
  return ok({
    ask,
    report: (query, withObjects) => get(`/api/v1/report?${queryText(query)}&objects=${withObjects}`),
    deployments: (query) => get(`/api/v1/report/deployments?${queryText(query)}`),
    drift: (query) => get(`/api/v1/report/drift?${queryText(query)}`),
  });
}

function queryText({ fromMs, untilMs, next, kind, namespace, name }: RecordQuery): string {
  const [since, until] = [String(fromMs), String(untilMs)];
  const parts = { since, until, continue: next, kind, namespace, name };
  const given = Object.entries(parts).filter((part): part is [string, string] => part[1] !== undefined);
  return new URLSearchParams(given).toString();
}

function fileSource(file: string): ReportSource {
  const records = new RecordStore({ file, clock: systemClock, log: openLog('warn'), readOnly: true });
  const pause = (): Promise<void> => new Promise((resolve) => void systemTimers.after(0, resolve));
  return {
    report: (query) => makeReport(records, query, pause),
    deployments: (query) => records.deployments(query),
    drift: (query) => records.drift(query),
  };
}

function unreachable(server: string, why: string, hint: string): Failure {
  return {
    kind: 'transient',
    code: 'ServerUnreachable',
    stage: 'observe',
    message: `Trueup at ${server} cannot be asked: ${why}`,
    hint,
  };
}

function refused(server: string, status: number, text: string): Failure {
  let message = `status ${status}`;
  try {
    const body: unknown = JSON.parse(text);
    if (isObject(body) && typeof body['message'] === 'string') message = body['message'];
  } catch {
    // It is not Trueup that answered.
  }
  return {
    kind: status === 401 || status === 403 ? 'denied' : 'terminal',
    code: 'ServerRefused',
    stage: 'observe',
    message: `Trueup at ${server} refused: ${message}`,
    hint:
      status === 401
        ? 'give its token: TRUEUP_TOKEN, --token-file, or --data-dir with the file token'
        : 'see its log; it may be of another version',
  };
}
