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
import type { DeletionPhase, HookDeletion, ObjectOptions, Phase, Unit } from '#model/unit.ts';
import { repeatedObject } from '../render/objects.ts';
import { directivesOf, type Directives } from './directives.ts';
import { hookKey, runMark, runName } from './hook-run.ts';
import { tracked } from './tracking.ts';

export interface DesiredObject {
  readonly ref: ObjectRef;
  readonly manifest: Manifest;
  /** Under the installation's key where the object is a Secret. */
  readonly digest: Digest;
  readonly wave: number;
  readonly options: ObjectOptions;
  readonly at: Position;
}
/** What is run at one point of a sync, and is not a part of what is wanted. */
export interface DesiredHook extends DesiredObject {
  /** Its phase and object: the same in every sync, also where its name is made up. */
  readonly key: string;
  /** Of what it runs, without the marks of the Run. */
  readonly stable: Digest;
  readonly phase: Phase;
  readonly deletions: ReadonlySet<HookDeletion>;
}
export interface Desired {
  readonly objects: readonly DesiredObject[];
  readonly hooks: readonly DesiredHook[];
  /** In Git, and not to be applied now: hooks of other occasions among them. */
  readonly skipped: readonly DesiredObject[];
  readonly deletionHooks: readonly DeletionPhase[];
  readonly failures: readonly Failure[];
  readonly warnings: readonly Failure[];
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
  /** What the hooks of the next Run are marked with. */
  hookRun: string,
): Desired {
  const objects = new Map<string, DesiredObject>();
  const hooks = new Map<string, DesiredHook>();
  const skipped: DesiredObject[] = [];
  const deletionHooks = new Set<DeletionPhase>();
  const failures: Failure[] = [];
  const warnings: Failure[] = [];
  for (const object of rendered) {
    const directives = directivesOf(object.manifest, unit);
    const { role, problem } = directives;
    if (problem !== undefined) failures.push(invalid(object, problem, 'write a whole number, in quotes'));
    const made = desiredObject(unit, object, directives, kinds, sealer);
    if ('code' in made) {
      failures.push(made);
      continue;
    }
    if (role.is === 'skipped') skipped.push(made);
    else if (role.is === 'hook') {
      const phases = role.phases.filter((phase) => isMeant(unit, phase));
      if (phases.length === 0) skipped.push(made);
      for (const phase of role.phases.filter(isDeletionPhase)) deletionHooks.add(phase);
      for (const phase of phases) {
        const hook = desiredHook(unit, made, phase, role.deletions, hookRun, sealer);
        const earlier = hooks.get(hook.key);
        if (earlier !== undefined) warnings.push(repeatedObject(earlier.at, hook));
        hooks.set(hook.key, hook);
      }
    } else if (made.ref.name === '') {
      failures.push(invalid(object, 'it has generateName and no name, and is not a hook', 'give it a name'));
    } else {
      const key = keyText(made.ref);
      const earlier = objects.get(key);
      if (earlier !== undefined) warnings.push(repeatedObject(earlier.at, made));
      objects.set(key, made);
    }
  }
  return {
    objects: [...objects.values()],
    hooks: [...hooks.values()],
    skipped,
    deletionHooks: [...deletionHooks].toSorted(),
    failures,
    warnings,
  };
}

export function isDeletionPhase(phase: Phase): phase is DeletionPhase {
  return phase === 'pre-delete' || phase === 'post-delete';
}

/** Hooks of a sync while there is one, those of the end at its stage. */
function isMeant({ teardown }: Unit, phase: Phase): boolean {
  return teardown?.hooks === undefined ? !isDeletionPhase(phase) : teardown.hooks.phase === phase;
}

/** Marked with the Run: one that stands there already is continued, not made a second time (F1). */
function desiredHook(
  { tracking }: Unit,
  object: DesiredObject,
  phase: Phase,
  deletions: ReadonlySet<HookDeletion>,
  hookRun: string,
  sealer: Sealer,
): DesiredHook {
  const { metadata } = object.manifest;
  const name = object.ref.name === '' ? runName(metadata, phase, hookRun) : object.ref.name;
  const ref = { ...object.ref, name };
  const { generateName: _, ...named } = metadata;
  const marked: Manifest = {
    ...object.manifest,
    metadata: { ...named, name, annotations: { ...metadata.annotations, [runMark]: hookRun } },
  };
  // By the name that it has now: a mark that names another object says nothing (F26).
  const manifest = tracked(marked, ref, tracking);
  return {
    ...object,
    ref,
    key: hookKey(phase, object.ref, metadata),
    manifest,
    digest: digestFor(manifest, sealer),
    stable: object.digest,
    phase,
    deletions,
  };
}

function desiredObject(
  unit: Unit,
  object: RenderedObject,
  { wave, options }: Directives,
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
  // Where it has to be waited for, it is taken for namespaced; the plan that finds it served knows.
  const isNamespaced = resource?.namespaced ?? true;
  if (resource === undefined && !options.awaitsKind) {
    const apiVersion = apiVersionOf(object.ref);
    return problem(
      'UnknownKind',
      `the cluster does not serve ${object.ref.kind} in ${apiVersion}`,
      'check apiVersion and kind, install the CustomResourceDefinition first, or let the object wait for its kind',
    );
  }
  const namespace = isNamespaced ? object.ref.namespace || unit.target.namespace : '';
  if (isNamespaced && namespace === '') {
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
  return { ref, manifest, digest: digestFor(manifest, sealer), wave, options, at: object.at };
}

/** Keyed where the object is a Secret. */
export function digestFor(manifest: Manifest, sealer: Sealer): Digest {
  const text = canonicalJson(manifest);
  return manifest.kind === 'Secret' ? sealer.seal(text) : digestOf(text);
}

function invalid({ ref, at }: RenderedObject, message: string, hint: string): Failure {
  return { kind: 'terminal', code: 'InvalidObject', stage: 'plan', message, hint, subject: ref, at };
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
