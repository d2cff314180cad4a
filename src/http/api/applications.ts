/** `/api/v1/applications`: what Argo CD's API says of them, and what it lets people ask for. */
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { Known } from '#engine/engine.ts';
import { applicationKind } from '#dialects/argo/application.ts';
import { approvalInVain } from '#dialects/approval.ts';
import { operationNow, planInfo, syncRequest } from '#dialects/argo/operation-request.ts';
import { requestRetry } from '#dialects/argo/retry.ts';
import { terminateRequest } from '#dialects/termination.ts';
import { failureLine, type Failure, type Result } from '#model/failure.ts';
import { jsonText, type JsonObject } from '#model/json.ts';
import type { GroupKind, Manifest, ObjectKey, ObjectRef } from '#model/object.ts';
import type { Clock, Cluster, Timers } from '#model/ports.ts';
import type { Unit } from '#model/unit.ts';
import { selectFields } from './fields.ts';
import { listPage, projectOf } from './listing.ts';
import { presented } from './presented.ts';
import { errorAnswer, failureAnswer, type ProblemKind } from './problems.ts';
import { refresh } from './refreshing.ts';
import { resourceTree } from './resource-tree.ts';

export interface RenderedManifests {
  readonly revision: string;
  readonly objects: readonly Manifest[];
}
export interface ApplicationPorts {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly timers: Timers;
  /** The control-plane namespace. */
  readonly namespace: string;
  readonly declared: (kind: GroupKind) => readonly Manifest[];
  readonly known: (key: ObjectKey) => Known | undefined;
  /** What Git says, as it would be applied; of another revision if one is named. */
  readonly manifests: (unit: Unit, revision: string | undefined) => Promise<Result<RenderedManifests>>;
}
/** Who asks, as the guard found out. */
export interface Caller {
  readonly Variables: { readonly user: string };
}

const bodyBytesMax = 256 * 1024;
const writeAttempts = 3;

/** As Argo CD's clients send it: what may stand in it, and no more. */
const retryStrategy = z.strictObject({
  limit: z.number().int().optional(),
  refresh: z.boolean().optional(),
  backoff: z
    .strictObject({
      duration: z.string().optional(),
      factor: z.number().int().positive().optional(),
      maxDuration: z.string().optional(),
    })
    .optional(),
});

const syncBody = z.strictObject({
  name: z.string().optional(),
  appNamespace: z.string().optional(),
  project: z.string().optional(),
  revision: z.string().nullish(),
  revisions: z.array(z.string()).nullish(),
  prune: z.boolean().nullish(),
  dryRun: z.boolean().nullish(),
  strategy: z.record(z.string(), z.unknown()).nullish(),
  resources: z.array(z.record(z.string(), z.unknown())).nullish(),
  syncOptions: z.strictObject({ items: z.array(z.string()).nullish() }).nullish(),
  infos: z.array(z.strictObject({ name: z.string(), value: z.string() })).nullish(),
  retryStrategy: retryStrategy.nullish(),
});

export function applications(ports: ApplicationPorts): Hono<Caller> {
  const app = new Hono<Caller>();
  app.get('/', (context) => {
    const query = new URL(context.req.url).searchParams;
    const page = listPage(ports.declared(applicationKind), query);
    if (!page.ok) return errorAnswer(context, 'invalid', failureLine(page.failure));
    const { items, next, remaining } = page.value;
    const list = {
      metadata: next === undefined ? {} : { continue: next, remainingItemCount: remaining },
      items: items.map((item) => presented(item)),
    };
    return json(context, selectFields(list, query.get('fields') ?? undefined));
  });
  app.get('/:name', async (context) => {
    const found = find(context, ports);
    if (found === undefined) return absent(context);
    const kind = context.req.query('refresh');
    const fields = context.req.query('fields');
    if (kind !== undefined && kind !== '') {
      const done = await refresh(found.ref, kind === 'hard' ? 'hard' : 'normal', ports);
      if (!done.ok) return failureAnswer(context, done.failure);
      // What the engine has read may be older.
      if (done.value !== undefined) return json(context, selectFields(presented(done.value), fields));
    }
    const now = find(context, ports);
    if (now === undefined) return absent(context);
    return json(context, selectFields(presented(now.known.resource), fields));
  });
  app.get('/:name/resource-tree', async (context) => {
    const found = find(context, ports);
    if (found === undefined) return absent(context);
    return json(context, { nodes: await resourceTree(found.known, ports.cluster) });
  });
  app.get('/:name/manifests', async (context) => {
    const found = find(context, ports);
    if (found === undefined) return absent(context);
    const revision = context.req.query('revision');
    const rendered = await ports.manifests(found.known.unit, revision === '' ? undefined : revision);
    if (!rendered.ok) return failureAnswer(context, rendered.failure);
    return json(context, {
      manifests: rendered.value.objects.map((manifest) =>
        jsonText(presented(manifest, found.known.unit.sensitiveAnnotations)),
      ),
      revision: rendered.value.revision,
      namespace: found.known.unit.target.namespace,
    });
  });
  app.post(
    '/:name/sync',
    bodyLimit({
      maxSize: bodyBytesMax,
      onError: (context) => errorAnswer(context, 'invalid', 'the body is too large'),
    }),
    (context) => sync(context, ports),
  );
  app.delete('/:name/operation', (context) => terminate(context, ports));
  return app;
}

interface Found {
  readonly ref: ObjectRef;
  readonly known: Known;
}

/** An Application that is not there and one that is not the caller's to see are the same (S13). */
function find(context: Context<Caller>, { namespace, known }: ApplicationPorts): Found | undefined {
  const ref: ObjectRef = {
    ...applicationKind,
    namespace: context.req.query('appNamespace') || namespace,
    name: context.req.param('name') ?? '',
  };
  const found = known(ref);
  if (found === undefined) return undefined;
  const projects = [...(context.req.queries('project') ?? []), ...(context.req.queries('projects') ?? [])];
  const isMeant = projects.every((name) => name === '') || projects.includes(projectOf(found.resource));
  return isMeant ? { ref, known: found } : undefined;
}

function absent(context: Context<Caller>): Response {
  return errorAnswer(
    context,
    'notFound',
    `applications.argoproj.io ${jsonText(context.req.param('name'))} not found`,
  );
}

async function sync(context: Context<Caller>, ports: ApplicationPorts): Promise<Response> {
  const text = await context.req.text();
  const parsed = syncBody.safeParse(jsonOf(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return errorAnswer(
      context,
      'invalid',
      `${(issue?.path ?? []).join('.') || 'the body'}: ${issue?.message ?? ''}`,
    );
  }
  const { name, revision, revisions, prune, dryRun, strategy, resources, syncOptions } = parsed.data;
  const retry = parsed.data.retryStrategy ?? undefined;
  const refused: Failure[] = [];
  if (retry !== undefined) requestRetry(retry, 'retryStrategy', refused);
  if (refused[0] !== undefined) return errorAnswer(context, 'invalid', failureLine(refused[0]));
  const found = find(context, ports);
  if (found === undefined) return absent(context);
  if (name !== undefined && name !== found.ref.name)
    return errorAnswer(context, 'invalid', `the body names ${name}, the path ${found.ref.name}`);
  const inTheWay = otherController(found);
  if (inTheWay !== undefined) return errorAnswer(context, 'notNow', inTheWay);
  const infos = parsed.data.infos ?? [];
  const plan = infos.find((info) => info.name === planInfo)?.value;
  const wrong = plan === undefined ? undefined : noApproval(plan, parsed.data);
  if (wrong !== undefined) return errorAnswer(context, 'invalid', wrong);
  const further = {
    ...(revisions === undefined || revisions === null ? {} : { revisions }),
    ...(strategy === undefined || strategy === null ? {} : { syncStrategy: strategy as JsonObject }),
    ...(resources === undefined || resources === null ? {} : { resources: resources as JsonObject[] }),
    ...(syncOptions == null ? {} : { syncOptions: syncOptions.items ?? [] }),
  };
  const wish = {
    by: context.get('user'),
    revision: revision ?? undefined,
    prune: prune ?? undefined,
    dryRun: dryRun ?? undefined,
    info: infos.filter((info) => info.name !== planInfo),
    approves: plan === undefined ? undefined : { plan, atMs: ports.clock.now() },
    retry: retry as JsonObject | undefined,
    further,
  };
  return write(context, found.ref, ports.cluster, (now) => {
    if (now.metadata['deletionTimestamp'] !== undefined) return notNow('application is deleting');
    if (operationNow(now).isAsked) return notNow('another operation is already in progress');
    const stale = plan === undefined ? undefined : approvalInVain(now, plan);
    return stale === undefined ? { patch: syncRequest(now, wish) } : { kind: 'stale', why: stale };
  });
}

/** Why what was sent cannot be an approval of this plan. */
function noApproval(plan: string, { dryRun, infos }: z.infer<typeof syncBody>): string | undefined {
  if (!/^sha256:[0-9a-f]{64}$/.test(plan)) return `infos: ${planInfo} is no digest of a plan: ${plan}`;
  if (infos!.filter(({ name }) => name === planInfo).length > 1)
    return `infos: ${planInfo} stands there twice`;
  return dryRun === true
    ? `infos: with ${planInfo} a plan is approved, and dryRun carries nothing out`
    : undefined;
}

/** F29: what it works on is its own. */
function otherController({ known }: Found): string | undefined {
  const running = known.unit.predecessor?.running;
  return running === undefined ? undefined : `another controller runs: ${running}; stop it first`;
}

function jsonOf(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What has begun ends after the steps that are under way; what has not is taken back. */
function terminate(context: Context<Caller>, ports: ApplicationPorts): Promise<Response> | Response {
  const found = find(context, ports);
  if (found === undefined) return absent(context);
  const inTheWay = otherController(found);
  if (inTheWay !== undefined) return errorAnswer(context, 'notNow', inTheWay);
  return write(
    context,
    found.ref,
    ports.cluster,
    (now) => {
      const { isAsked, startedAt } = operationNow(now, found.known.state);
      if (startedAt !== undefined) return { patch: terminateRequest(startedAt, context.get('user')) };
      return isAsked
        ? { patch: { operation: null } }
        : notNow('Unable to terminate operation. No operation is in progress');
    },
    () => ({}),
  );
}

type Decision = { readonly patch: JsonObject } | { readonly kind: ProblemKind; readonly why: string };
const notNow = (why: string): Decision => ({ kind: 'notNow', why });

/** Decides on the Application as it stands, and writes only to that one. */
async function write(
  context: Context<Caller>,
  ref: ObjectRef,
  cluster: Cluster,
  decide: (now: Manifest) => Decision,
  answer: (written: Manifest) => unknown = presented,
): Promise<Response> {
  for (let attempt = 0; attempt < writeAttempts; attempt += 1) {
    const now = await cluster.read(ref);
    if (!now.ok) return failureAnswer(context, now.failure);
    if (now.value === undefined) return absent(context);
    const decision = decide(now.value);
    if ('kind' in decision) return errorAnswer(context, decision.kind, decision.why);
    const { patch } = decision;
    const resourceVersion = String(now.value.metadata['resourceVersion']);
    const metadata = { ...(patch['metadata'] as JsonObject | undefined), resourceVersion };
    const written = await cluster.mergePatch(ref, { ...patch, metadata });
    if (!written.ok) return failureAnswer(context, written.failure);
    if (written.value.result === 'done') return json(context, answer(written.value.value));
  }
  return errorAnswer(context, 'unavailable', 'the Application changes all the time; try again');
}

/** Integers beyond 2^53 keep their digits. */
function json(context: Context<Caller>, value: unknown): Response {
  return context.body(jsonText(value), 200, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
  });
}
