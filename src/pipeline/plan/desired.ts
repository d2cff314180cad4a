/**
 * Rendered objects made ready to be compared and applied: in their namespace, with the Unit's marks, in the form
 * in which the API server keeps them.
 */
import { digestOf } from '#fields/digest.ts';
import type { Failure } from '#model/failure.ts';
import { canonicalJson, isObject, type Digest } from '#model/json.ts';
import {
  apiVersionOf,
  keyText,
  kindText,
  type Manifest,
  type ObjectRef,
  type Position,
} from '#model/object.ts';
import type { ApiResource } from '#model/observed.ts';
import type { Sealer } from '#model/ports.ts';
import type { RenderedObject } from '#model/rendered.ts';
import type { Unit } from '#model/unit.ts';
import { tracked } from './tracking.ts';

export interface DesiredObject {
  readonly ref: ObjectRef;
  readonly manifest: Manifest;
  /** Under the installation's key where the object is a Secret. */
  readonly digest: Digest;
  readonly at: Position;
}
export interface Desired {
  readonly objects: readonly DesiredObject[];
  readonly failures: readonly Failure[];
}

/** Kinds by group, version and kind: those that are served, and those that CustomResourceDefinitions among the objects will add. */
export function kindsOf(
  served: readonly ApiResource[],
  rendered: readonly RenderedObject[],
): ReadonlyMap<string, ApiResource> {
  const defined = rendered.flatMap(({ manifest }) => definedKinds(manifest));
  const known = servedByText(served);
  if (defined.length === 0) return known;
  return new Map([...defined.map((resource) => [kindText(resource), resource] as const), ...known]);
}

/** The same list is asked for with every plan; it is indexed once. */
const indexed = new WeakMap<readonly ApiResource[], ReadonlyMap<string, ApiResource>>();

function servedByText(served: readonly ApiResource[]): ReadonlyMap<string, ApiResource> {
  const known = indexed.get(served) ?? new Map(served.map((resource) => [kindText(resource), resource]));
  indexed.set(served, known);
  return known;
}

function definedKinds(manifest: Manifest): readonly ApiResource[] {
  const spec = manifest['spec'];
  if (manifest.kind !== 'CustomResourceDefinition' || !isObject(spec) || !isObject(spec['names'])) return [];
  const names = spec['names'];
  const versions = Array.isArray(spec['versions'])
    ? (spec['versions'] as readonly Record<string, unknown>[])
    : [];
  return versions
    .filter((version) => version['served'] !== false)
    .map((version) => ({
      group: String(spec['group'] ?? ''),
      version: String(version['name']),
      kind: String(names['kind']),
      plural: String(names['plural']),
      namespaced: spec['scope'] !== 'Cluster',
      verbs: [],
    }));
}

export function desiredObjects(
  unit: Unit,
  rendered: readonly RenderedObject[],
  kinds: ReadonlyMap<string, ApiResource>,
  sealer: Sealer,
): Desired {
  const objects = new Map<string, DesiredObject>();
  const failures: Failure[] = [];
  for (const object of rendered) {
    const made = desiredObject(unit, object, kinds, sealer);
    if ('code' in made) {
      failures.push(made);
      continue;
    }
    const key = keyText(made.ref);
    const earlier = objects.get(key);
    if (earlier === undefined) objects.set(key, made);
    else failures.push(duplicate(made, earlier));
  }
  return { objects: [...objects.values()], failures };
}

function desiredObject(
  unit: Unit,
  object: RenderedObject,
  kinds: ReadonlyMap<string, ApiResource>,
  sealer: Sealer,
): DesiredObject | Failure {
  const resource = kinds.get(kindText(object.ref));
  const problem = (code: string, message: string, hint: string): Failure => ({
    kind: 'terminal',
    code,
    stage: 'plan',
    message,
    hint,
    subject: object.ref,
    at: object.at,
  });
  if (resource === undefined) {
    const apiVersion = apiVersionOf(object.ref);
    return problem(
      'UnknownKind',
      `the cluster does not serve ${object.ref.kind} in ${apiVersion}`,
      'check apiVersion and kind, or install the CustomResourceDefinition first',
    );
  }
  const namespace = resource.namespaced ? object.ref.namespace || unit.target.namespace : '';
  if (resource.namespaced && namespace === '') {
    return problem(
      'NamespaceMissing',
      'it names no namespace',
      'set metadata.namespace, or the destination namespace',
    );
  }
  const ref = { ...object.ref, namespace };
  const { namespace: _, ...metadata } = object.manifest.metadata;
  const placed: Manifest = {
    ...object.manifest,
    metadata: { ...metadata, ...(namespace === '' ? {} : { namespace }) },
  };
  const manifest = tracked(asStored(placed), ref, unit.tracking);
  const text = canonicalJson(manifest);
  return {
    ref,
    manifest,
    digest: manifest.kind === 'Secret' ? sealer.seal(text) : digestOf(text),
    at: object.at,
  };
}

/** A Secret's `stringData` is write-only: as `data` it can be owned, compared and removed. */
function asStored(manifest: Manifest): Manifest {
  const stringData = manifest['stringData'];
  if (manifest.kind !== 'Secret' || manifest.apiVersion !== 'v1' || !isObject(stringData)) return manifest;
  const { stringData: _, ...rest } = manifest;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(String(value), 'utf8').toString('base64'),
  ]);
  return {
    ...rest,
    data: { ...(manifest['data'] as object | undefined), ...Object.fromEntries(encoded) },
  } as Manifest;
}

function duplicate(object: DesiredObject, earlier: DesiredObject): Failure {
  return {
    kind: 'terminal',
    code: 'DuplicateObject',
    stage: 'plan',
    message: `it is also in ${earlier.at.path}${earlier.at.line === undefined ? '' : `:${earlier.at.line}`}`,
    hint: 'keep one of them',
    subject: object.ref,
    at: object.at,
  };
}
