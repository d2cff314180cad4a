/** Plain requests: for our own resources, the status of foreign ones, and the command line. */
import type { Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import { jsonText, type JsonObject } from '#model/json.ts';
import { isObject } from '#model/json.ts';
import type { GroupVersionKind, Manifest, ObjectRef } from '#model/object.ts';
import { apiVersionOf, describe, refOf } from '#model/object.ts';
import type { MetadataPage, Written } from '#model/ports.ts';
import type { Call } from './call.ts';
import { query } from './call.ts';
import { collectionPath, objectPath, resourceName } from './discovery.ts';
import { METADATA_ONLY } from './reflector.ts';
import { isFinal } from './status.ts';
import { asManifest } from './watch-events.ts';
import type { WriteContext } from './writes.ts';
import { appliedBody, callOf, endingAt, liveManifest, locateObject, notAnObject, stale } from './writes.ts';

export interface PlainContext extends WriteContext {
  /** The field manager of what we write as ourselves, and not as a Unit. */
  readonly manager: string;
}

export async function readObject(
  context: PlainContext,
  ref: ObjectRef,
): Promise<Result<Manifest | undefined>> {
  const served = await locateObject(context, ref);
  if (!served.ok) return served;
  const reply = await context.transport.send(callOf('get', 'GET', served.value, ref));
  if (reply.answered) return ok(liveManifest(reply.body));
  return reply.failure.code === 'NotFound' ? ok(undefined) : fail(reply.failure);
}

/** All of them, page by page; one state of the cluster. */
export async function listObjects(
  context: PlainContext,
  kind: GroupVersionKind,
  namespace?: string,
): Promise<Result<readonly Manifest[]>> {
  const found: Manifest[] = [];
  let next: string | undefined;
  do {
    const page = await listPage(context, kind, { ...maybe('namespace', namespace), ...maybe('next', next) });
    if (!page.ok) return page;
    found.push(...page.value.items);
    next = page.value.next;
  } while (next !== undefined);
  return ok(found);
}

/** One page of a collection, of which only the metadata is sent. */
export async function listMetadata(
  context: PlainContext,
  kind: GroupVersionKind,
  page: PageOrder,
): Promise<Result<MetadataPage>> {
  const found = await listPage(context, kind, page, METADATA_ONLY);
  if (!found.ok) return found;
  const items = found.value.items.map(({ metadata }) => metadata);
  return ok({ items, ...maybe('next', found.value.next) });
}

interface PageOrder {
  readonly namespace?: string;
  readonly next?: string;
}

async function listPage(
  context: PlainContext,
  kind: GroupVersionKind,
  { namespace, next }: PageOrder,
  accept?: string,
): Promise<Result<{ readonly items: readonly Manifest[]; readonly next?: string }>> {
  const served = await context.discovery.locate(kind);
  if (!served.ok) return served;
  const path = collectionPath(served.value, served.value.namespaced ? namespace : undefined);
  const reply = await context.transport.send({
    verb: 'list',
    method: 'GET',
    path: `${path}${query({ limit: '500', continue: next })}`,
    resource: resourceName(served.value),
    stage: 'observe',
    repeatable: true,
    ...maybe('namespace', namespace),
    ...maybe('accept', accept),
  });
  if (!reply.answered) return fail(reply.failure);
  const shape = { apiVersion: apiVersionOf(kind), kind: kind.kind, resource: '', path: '' };
  const body = isObject(reply.body) ? reply.body : {};
  const items = Array.isArray(body['items']) ? body['items'] : [];
  const more = isObject(body['metadata']) ? body['metadata']['continue'] : undefined;
  return ok({
    items: items.flatMap((item) => asManifest(item, shape) ?? []),
    ...(typeof more === 'string' && more !== '' ? { next: more } : {}),
  });
}

/** The member, if it has a value. */
function maybe<K extends string>(name: K, value: string | undefined): { readonly [name in K]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { [name in K]: string });
}

/** 'stale' when it exists already. */
export async function createObject(
  context: PlainContext,
  manifest: Manifest,
): Promise<Result<Written<Manifest>>> {
  const ref = refOf(manifest);
  const served = await locateObject(context, ref);
  if (!served.ok) return served;
  const path = collectionPath(served.value, served.value.namespaced ? ref.namespace : undefined);
  return written(context, ref, {
    ...callOf('create', 'POST', served.value, ref),
    path: `${path}${query({ fieldManager: context.manager })}`,
    body: jsonText(manifest),
  });
}

/**
 * The API server validates before it looks whether the name is taken (measured on 1.36). An apply is held to the schema
 * more strictly than a creation; what else refuses it here is about the object that is there.
 */
export async function tryCreation(context: PlainContext, manifest: Manifest): Promise<Result<'accepted'>> {
  const ref = refOf(manifest);
  const served = await locateObject(context, ref);
  if (!served.ok) return served;
  const body = jsonText(appliedBody(manifest));
  const options = { fieldManager: context.manager, dryRun: 'All' };
  const path = collectionPath(served.value, served.value.namespaced ? ref.namespace : undefined);
  const created = await context.transport.send({
    ...callOf('create', 'POST', served.value, ref),
    path: `${path}${query(options)}`,
    body,
    repeatable: true,
  });
  if (!created.answered && created.refusal?.reason !== 'AlreadyExists') return fail(created.failure);
  const applied = await context.transport.send({
    ...callOf('apply', 'PATCH', served.value, ref),
    path: `${objectPath(served.value, ref)}${query({ ...options, force: 'true' })}`,
    contentType: 'application/apply-patch+yaml',
    body,
    repeatable: true,
  });
  const isToBlame = !applied.answered && (applied.refusal === undefined || isFinal(applied.refusal));
  return isToBlame ? fail(applied.failure) : ok('accepted');
}

/** 'stale' when it is gone, or has another version than the manifest. */
export async function replaceObject(
  context: PlainContext,
  manifest: Manifest,
): Promise<Result<Written<Manifest>>> {
  const ref = refOf(manifest);
  const served = await locateObject(context, ref);
  if (!served.ok) return served;
  return written(context, ref, {
    ...callOf('update', 'PUT', served.value, ref),
    path: `${objectPath(served.value, ref)}${query({ fieldManager: context.manager })}`,
    body: jsonText(manifest),
    // Without a version a second PUT could undo what somebody wrote between the two.
    repeatable: manifest.metadata['resourceVersion'] !== undefined,
  });
}

/**
 * A merge patch. Where a kind has a status subresource, its `status` goes there, in a request of its own after the
 * rest: sent to the object itself it would be dropped silently.
 */
export async function mergePatchObject(
  context: PlainContext,
  ref: ObjectRef,
  patch: JsonObject,
): Promise<Result<Written<Manifest>>> {
  const served = await locateObject(context, ref);
  if (!served.ok) return served;
  const send = (body: JsonObject, subresource?: string): Promise<Result<Written<Manifest>>> =>
    written(context, ref, {
      ...callOf('patch', 'PATCH', served.value, ref),
      path: `${objectPath(served.value, ref, subresource)}${query({ fieldManager: context.manager })}`,
      contentType: 'application/merge-patch+json',
      body: jsonText(body),
      repeatable: true,
    });
  const { status, ...rest } = patch;
  if (!served.value.statusSubresource || status === undefined) return send(patch);
  if (!touchesMore(rest)) return send(patch, 'status');
  const first = await send(rest);
  if (!first.ok || first.value.result === 'stale') return first;
  // Chained by the version that the first one made, if the caller asked for a version at all.
  const guarded = isObject(rest['metadata']) && rest['metadata']['resourceVersion'] !== undefined;
  const resourceVersion = String(first.value.value.metadata['resourceVersion']);
  return send(guarded ? { metadata: { resourceVersion }, status } : { status }, 'status');
}

/** True when it was there. */
export async function deleteObject(
  context: PlainContext,
  ref: ObjectRef,
  untilMs?: number,
): Promise<Result<boolean>> {
  const served = await locateObject(context, ref);
  if (!served.ok) return served;
  const reply = await context.transport.send({
    ...callOf('delete', 'DELETE', served.value, ref),
    body: JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' }),
    repeatable: true,
    ...endingAt(untilMs),
  });
  if (reply.answered) return ok(true);
  return reply.failure.code === 'NotFound' ? ok(false) : fail(reply.failure);
}

async function written(
  context: PlainContext,
  ref: ObjectRef,
  call: Call,
): Promise<Result<Written<Manifest>>> {
  const reply = await context.transport.send(call);
  if (reply.answered) {
    const manifest = liveManifest(reply.body);
    if (manifest === undefined) return notAnObject({ subject: ref });
    context.observations.merge(ref, manifest);
    return ok({ result: 'done', value: manifest });
  }
  const { code } = reply.failure;
  if (code === 'AlreadyExists') return stale(`${describe(ref)} exists already`);
  if (code === 'Conflict') return stale(`${describe(ref)} was changed meanwhile`);
  if (code === 'NotFound' && call.verb === 'update') return stale(`${describe(ref)} is gone`);
  return fail(reply.failure);
}

/** Whether a patch says anything beyond preconditions. */
function touchesMore(patch: JsonObject): boolean {
  return Object.entries(patch).some(
    ([name, value]) =>
      name !== 'metadata' ||
      (isObject(value) && Object.keys(value).some((key) => key !== 'resourceVersion' && key !== 'uid')),
  );
}
