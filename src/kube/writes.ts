/**
 * The writes of the executor, each with its precondition. When a precondition does not hold the answer is 'stale' and
 * says why: nobody down here adapts. What the server returns goes into the store before the caller gets it, so that
 * no later look is older than the write (F6).
 */
import type { Failure, Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import { jsonText, type Json, type JsonObject } from '#model/json.ts';
import { isObject } from '#model/json.ts';
import type { Manifest, ObjectRef } from '#model/object.ts';
import { describe } from '#model/object.ts';
import type { Applied, ApplyRequest, Lens, Written } from '#model/ports.ts';
import type { Propagation } from '#model/unit.ts';
import type { Answer, Call, NoAnswer } from './call.ts';
import { query } from './call.ts';
import type { Discovery, ServedKind } from './discovery.ts';
import { objectPath, resourceName } from './discovery.ts';
import type { Observations } from './observations.ts';
import { ownedFields } from './status.ts';
import { observedOf } from './store.ts';
import type { Transport } from './transport.ts';

export interface WriteContext {
  readonly transport: Transport;
  readonly discovery: Discovery;
  readonly observations: Observations;
  readonly lens: Lens;
}
type Expected = { readonly uid: string; readonly resourceVersion?: string };

export async function applyObject(
  context: WriteContext,
  request: ApplyRequest,
): Promise<Result<Written<Applied>>> {
  const { ref, expect } = request;
  const served = await locateObject(context, ref);
  if (!served.ok) return served;
  // Server-side apply has no "must not exist". What we know is asked; what was created since shows in `created`.
  if (expect === 'absent' && context.observations.present(ref) === true)
    return stale(`${describe(ref)} exists meanwhile`);
  const parameters = query({
    fieldManager: request.manager,
    force: request.force ? 'true' : undefined,
    fieldValidation: 'Warn',
    dryRun: request.dryRun === true ? 'All' : undefined,
  });
  const reply = await context.transport.send({
    ...callOf('apply', 'PATCH', served.value, ref),
    path: `${objectPath(served.value, ref)}${parameters}`,
    contentType: 'application/apply-patch+yaml',
    body: jsonText(appliedBody(request.manifest, request.expect)),
    repeatable: true,
    ...endingAt(request.untilMs),
  });
  if (!reply.answered) return staleOrFailure(reply, ref, expect === 'absent' ? undefined : expect);
  return applied(context, ref, reply, request.manager, request.dryRun === true);
}

export async function patchObject(
  context: WriteContext,
  ref: ObjectRef,
  patch: readonly Json[],
  manager: string,
  expect: Expected,
  untilMs?: number,
): Promise<Result<Written<Applied>>> {
  const served = await locateObject(context, ref);
  if (!served.ok) return served;
  const tests: Json[] = [{ op: 'test', path: '/metadata/uid', value: expect.uid }];
  if (expect.resourceVersion !== undefined)
    tests.push({ op: 'test', path: '/metadata/resourceVersion', value: expect.resourceVersion });
  const reply = await context.transport.send({
    ...callOf('patch', 'PATCH', served.value, ref),
    path: `${objectPath(served.value, ref)}${query({ fieldManager: manager, fieldValidation: 'Warn' })}`,
    contentType: 'application/json-patch+json',
    body: jsonText([...tests, ...patch]),
    // Removing by index twice would remove two, unless the version guards it.
    repeatable: expect.resourceVersion !== undefined,
    ...endingAt(untilMs),
  });
  if (reply.answered) return applied(context, ref, reply, manager, false);
  if (reply.refusal?.status === 422) {
    // The server does not say whether a test or an operation failed; the object does.
    const why = await mismatch(context, served.value, ref, expect);
    if (why !== undefined) return stale(why);
  }
  return staleOrFailure(reply, ref, expect);
}

export async function removeObject(
  context: WriteContext,
  ref: ObjectRef,
  expect: Expected,
  propagation: Propagation,
  untilMs?: number,
): Promise<Result<Written<'gone' | 'deleting'>>> {
  const served = await locateObject(context, ref);
  if (!served.ok) return served;
  const preconditions: JsonObject =
    expect.resourceVersion === undefined
      ? { uid: expect.uid }
      : { uid: expect.uid, resourceVersion: expect.resourceVersion };
  const reply = await context.transport.send({
    ...callOf('delete', 'DELETE', served.value, ref),
    body: JSON.stringify({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions,
      propagationPolicy: propagation,
    }),
    // The UID makes it: a second one finds nothing, or another object, which it leaves alone.
    repeatable: true,
    ...endingAt(untilMs),
  });
  const gone = (): Result<Written<'gone' | 'deleting'>> => {
    context.observations.deleted(ref, expect.uid);
    return ok({ result: 'done', value: 'gone' });
  };
  if (!reply.answered) {
    // The object, that is, and not its kind: a kind that is not served proves nothing (F19).
    if (reply.failure.code === 'NotFound') return gone();
    return staleOrFailure(reply, ref, expect);
  }
  const left = liveManifest(reply.body);
  // A Status says that it was deleted at once; so does an object without a deletion timestamp.
  if (left === undefined || left.metadata['deletionTimestamp'] === undefined) return gone();
  if (propagation === 'Foreground') {
    // Its dependents go first, which the watch will tell of.
    context.observations.merge(ref, left);
    return ok({ result: 'done', value: 'deleting' });
  }
  // Marked only, it may yet have ended by itself by now: a look tells 'deleting' from 'gone'.
  const now = await context.transport.send(callOf('get', 'GET', served.value, ref));
  if (!now.answered) {
    if (now.failure.code === 'NotFound') return gone();
    context.observations.merge(ref, left);
    return ok({ result: 'done', value: 'deleting' });
  }
  const current = liveManifest(now.body);
  if (current !== undefined && current.metadata['uid'] !== expect.uid) return gone();
  context.observations.merge(ref, current ?? left);
  return ok({ result: 'done', value: 'deleting' });
}

export function endingAt(untilMs: number | undefined): { readonly untilMs?: number } {
  return untilMs === undefined ? {} : { untilMs };
}

/** The kind as it is served, or why the object cannot be addressed. */
export async function locateObject(
  context: { readonly discovery: Discovery },
  ref: ObjectRef,
): Promise<Result<ServedKind>> {
  const served = await context.discovery.locate(ref);
  if (!served.ok) return fail({ ...served.failure, stage: 'apply', subject: ref });
  if (served.value.namespaced && ref.namespace === '') {
    return fail({
      kind: 'terminal',
      code: 'NamespaceMissing',
      stage: 'apply',
      subject: ref,
      message: `${ref.kind} is namespaced, but the object names no namespace`,
      hint: 'set metadata.namespace, or a destination namespace',
    });
  }
  return served;
}

export function callOf(verb: Call['verb'], method: Call['method'], served: ServedKind, ref: ObjectRef): Call {
  return {
    verb,
    method,
    path: objectPath(served, ref),
    resource: resourceName(served),
    stage: verb === 'get' ? 'observe' : 'apply',
    repeatable: verb === 'get',
    subject: {
      group: ref.group,
      version: ref.version,
      kind: ref.kind,
      namespace: ref.namespace,
      name: ref.name,
    },
    namespace: served.namespaced ? ref.namespace : '',
  };
}

/** A body with what every object of a cluster has; undefined for a Status and anything else. */
export function liveManifest(body: unknown): Manifest | undefined {
  if (!isObject(body) || body['kind'] === 'Status' || !isObject(body['metadata'])) return undefined;
  const { name, uid } = body['metadata'];
  return typeof name === 'string' && typeof uid === 'string' ? (body as unknown as Manifest) : undefined;
}

export function stale(why: string): {
  readonly ok: true;
  readonly value: { readonly result: 'stale'; readonly why: string };
} {
  return { ok: true, value: { result: 'stale', why } };
}

export function notAnObject(call: { readonly subject?: ObjectRef }): {
  readonly ok: false;
  readonly failure: Failure;
} {
  return fail({
    kind: 'transient',
    code: 'UnexpectedAnswer',
    stage: 'apply',
    message: 'the cluster answered with something that is not an object',
    hint: 'check the API service behind this kind',
    ...(call.subject === undefined ? {} : { subject: call.subject }),
  });
}

/** managedFields may not be sent; uid and version only as the preconditions that they are in an apply. */
export function appliedBody(manifest: Manifest, expect: ApplyRequest['expect'] = 'absent'): Manifest {
  const {
    managedFields: _managedFields,
    uid: _uid,
    resourceVersion: _version,
    ...metadata
  } = manifest.metadata;
  return {
    ...manifest,
    metadata: {
      ...metadata,
      name: manifest.metadata.name,
      ...(expect === 'absent' ? {} : { uid: expect.uid }),
      ...(expect === 'absent' || expect.resourceVersion === undefined
        ? {}
        : { resourceVersion: expect.resourceVersion }),
    },
  };
}

function applied(
  context: WriteContext,
  ref: ObjectRef,
  reply: Answer,
  manager: string,
  dryRun: boolean,
): Result<Written<Applied>> {
  const manifest = liveManifest(reply.body);
  if (manifest === undefined) return notAnObject({ subject: ref });
  if (!dryRun) context.observations.merge(ref, manifest);
  return ok({
    result: 'done',
    value: {
      object: observedOf(manifest, ref, context.lens).object,
      values: context.lens.project(manifest, manager)?.values ?? {},
      created: reply.status === 201,
      warnings: reply.warnings,
    },
  });
}

/** A refusal that means "not the object, or not the version, that you planned for" is an answer, not a failure. */
function staleOrFailure(
  reply: NoAnswer,
  ref: ObjectRef,
  expect: Expected | undefined,
): Result<{ readonly result: 'stale'; readonly why: string }> {
  const refusal = reply.refusal;
  if (refusal === undefined) return fail(reply.failure);
  if (refusal.status === 409) {
    const owned = ownedFields(refusal);
    if (owned !== '') return stale(owned);
    if (/no existing object was found/.test(refusal.message)) return stale(`${describe(ref)} is gone`);
    if (/uid/i.test(refusal.message)) return stale(`${describe(ref)} was deleted and created anew`);
    return stale(`${describe(ref)} was changed meanwhile`);
  }
  // An apply with the UID of another object (measured on 1.36): "metadata.uid: field is immutable".
  if (refusal.status === 422 && refusal.causes.some((cause) => cause.field === 'metadata.uid'))
    return stale(`${describe(ref)} was deleted and created anew`);
  if (reply.failure.code === 'NotFound' && expect !== undefined) return stale(`${describe(ref)} is gone`);
  return fail(reply.failure);
}

async function mismatch(
  context: WriteContext,
  served: ServedKind,
  ref: ObjectRef,
  expect: Expected,
): Promise<string | undefined> {
  const reply = await context.transport.send(callOf('get', 'GET', served, ref));
  if (!reply.answered) return reply.failure.code === 'NotFound' ? `${describe(ref)} is gone` : undefined;
  const live = liveManifest(reply.body);
  if (live === undefined) return undefined;
  if (live.metadata['uid'] !== expect.uid) return `${describe(ref)} was deleted and created anew`;
  if (expect.resourceVersion !== undefined && live.metadata['resourceVersion'] !== expect.resourceVersion)
    return `${describe(ref)} was changed meanwhile`;
  return undefined;
}
