/** What a Unit's limits say of its objects: permitted kinds and namespaces, annotations not honoured yet (F30). */
import type { Failure } from '#model/failure.ts';
import { matchesPattern } from '#model/glob.ts';
import type { GroupKind, ObjectRef } from '#model/object.ts';
import type { KindLists, KindPatterns, Limits, RefusedAnnotation } from '#model/unit.ts';
import type { DesiredObject } from '../plan/desired.ts';
import { partsOf } from '../plan/directives.ts';
import { questionText } from '../render/lookups.ts';

/** What is judged of an object. */
type Subject = Pick<DesiredObject, 'ref' | 'manifest' | 'at'>;

export function judge(limits: Limits, objects: readonly Subject[]): readonly Failure[] {
  return objects.flatMap((object) => [
    ...refusedAnnotations(limits.refusedAnnotations, object),
    ...outsideLimits(limits, object),
    ...(isExcluded(limits, object.ref) ? [excluded(object)] : []),
  ]);
}

function failure(object: Pick<Subject, 'ref' | 'at'>, code: string, message: string, hint: string): Failure {
  return { kind: 'blocked', code, stage: 'policy', message, hint, subject: object.ref, at: object.at };
}

function refusedAnnotations(refused: readonly RefusedAnnotation[], object: Subject): readonly Failure[] {
  const { annotations = {}, labels = {} } = object.manifest.metadata;
  return refused.flatMap(({ key, harmless, idle = {}, alsoLabel }) => {
    const values = { annotation: annotations[key], label: alsoLabel === true ? labels[key] : undefined };
    return Object.entries(values).flatMap(([what, value]) => {
      if (partsOf(value).every((part) => harmless.includes(part) || Object.hasOwn(idle, part))) return [];
      return failure(
        object,
        'Unsupported',
        `its ${what} ${key}: "${value}" is not honoured yet, so nothing is applied`,
        `remove the ${what}, or leave this Unit to its old controller until it is`,
      );
    });
  });
}

/** What annotations of objects ask for and is passed over: the sync goes on. */
export function idleOptions({ refusedAnnotations: known }: Limits, objects: readonly Subject[]): Failure[] {
  return objects.flatMap((object) =>
    known.flatMap(({ key, idle = {} }) =>
      partsOf(object.manifest.metadata.annotations?.[key])
        .filter((part) => Object.hasOwn(idle, part))
        .map((part) =>
          failure(
            object,
            'OptionWithoutEffect',
            `its annotation ${key}: "${part}" has no effect: ${idle[part]}`,
            'remove it, if nothing relies on it',
          ),
        ),
    ),
  );
}

function outsideLimits(limits: Limits, object: Subject): readonly Failure[] {
  const { ref } = object;
  const denied =
    deniedKind(limits, ref, ref.namespace === '') ??
    (ref.namespace === '' ? undefined : deniedNamespace(limits, ref.namespace));
  return denied === undefined ? [] : [failure(object, 'ProjectDenies', ...denied)];
}

/** What a chart may not apply it must not read either: it could copy it to where its authors read it (S5, S6). */
export function judgeLookup(limits: Limits, question: ObjectRef, namespaced: boolean): Failure | undefined {
  const denied =
    deniedKind(limits, question, !namespaced) ??
    (namespaced ? deniedNamespace(limits, question.namespace) : undefined);
  if (denied === undefined) return undefined;
  const [message, hint] = denied;
  return {
    kind: 'blocked',
    code: 'ProjectDenies',
    stage: 'policy',
    message: `The chart looks up ${questionText(question)}: ${message}.`,
    hint,
  };
}

type Denied = readonly [message: string, hint: string] | undefined;

function deniedKind(limits: Limits, { group, kind }: GroupKind, isClusterScoped: boolean): Denied {
  if (permits(isClusterScoped ? limits.clusterKinds : limits.namespacedKinds, { group, kind }))
    return undefined;
  const scope = isClusterScoped ? 'cluster-scoped' : 'namespaced';
  const name = `${group === '' ? '' : `${group}/`}${kind}`;
  return [`the project does not permit the ${scope} kind ${name}`, 'add it to the project'];
}

/** An empty one stands for all of them. */
function deniedNamespace({ namespaces }: Limits, namespace: string): Denied {
  if (namespaces === undefined) return undefined;
  const isPermitted =
    namespace === ''
      ? namespaces.includes('*') && !namespaces.some((pattern) => pattern.startsWith('!'))
      : permitsNamespace(namespaces, namespace);
  const which = namespace === '' ? 'all namespaces' : `namespace ${namespace}`;
  return isPermitted
    ? undefined
    : [`the project does not permit ${which}`, "add it to the project's destinations"];
}

/** Whether the control plane leaves the kind alone: its objects are neither applied nor deleted. */
export function isExcluded({ excluded, included }: Limits, { group, kind }: GroupKind): boolean {
  const matches = ({ apiGroups, kinds }: KindPatterns): boolean =>
    apiGroups.some((pattern) => matchesPattern(pattern, group)) &&
    kinds.some((pattern) => matchesPattern(pattern, kind));
  return excluded?.some(matches) === true || included?.some(matches) === false;
}

/** Of an object that is left out for that. */
export function excluded(object: Pick<Subject, 'ref' | 'at'>): Failure {
  const { group, kind } = object.ref;
  return failure(
    object,
    'KindExcluded',
    `the control plane excludes the kind ${group === '' ? '' : `${group}/`}${kind}`,
    'take it out of the source, or change resource.exclusions and resource.inclusions in argocd-cm',
  );
}

function permitsNamespace(patterns: readonly string[], namespace: string): boolean {
  const denied = patterns.some(
    (pattern) => pattern.startsWith('!') && matchesPattern(pattern.slice(1), namespace),
  );
  return (
    !denied && patterns.some((pattern) => !pattern.startsWith('!') && matchesPattern(pattern, namespace))
  );
}

function permits(lists: KindLists | undefined, kind: GroupKind): boolean {
  if (lists === undefined) return true;
  const matches = (pattern: GroupKind): boolean =>
    matchesPattern(pattern.group, kind.group) && matchesPattern(pattern.kind, kind.kind);
  if (lists.deny?.some(matches) === true) return false;
  return lists.allow === undefined || lists.allow.some(matches);
}
