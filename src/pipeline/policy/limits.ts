/** What a Unit's limits say of its objects: permitted kinds and namespaces, annotations not honoured yet (F30). */
import type { Failure } from '#model/failure.ts';
import { matchesGlob } from '#model/glob.ts';
import type { GroupKind } from '#model/object.ts';
import type { KindLists, Limits, RefusedAnnotation } from '#model/unit.ts';
import type { DesiredObject } from '../plan/desired.ts';

export function judge(limits: Limits, objects: readonly DesiredObject[]): readonly Failure[] {
  return objects.flatMap((object) => [
    ...refusedAnnotations(limits.refusedAnnotations, object),
    ...outsideLimits(limits, object),
    ...excluded(limits, object),
  ]);
}

function failure(object: DesiredObject, code: string, message: string, hint: string): Failure {
  return { kind: 'blocked', code, stage: 'policy', message, hint, subject: object.ref, at: object.at };
}

function refusedAnnotations(
  refused: readonly RefusedAnnotation[],
  object: DesiredObject,
): readonly Failure[] {
  const annotations = object.manifest.metadata.annotations ?? {};
  return refused
    .filter(({ key, harmless }) => {
      const value = annotations[key];
      return value !== undefined && !value.split(',').every((part) => harmless.includes(part.trim()));
    })
    .map(({ key }) =>
      failure(
        object,
        'Unsupported',
        `its annotation ${key}: "${annotations[key]}" is not honoured yet, so nothing is applied`,
        'remove the annotation, or leave this Unit to its old controller until it is',
      ),
    );
}

function outsideLimits(limits: Limits, object: DesiredObject): readonly Failure[] {
  const { ref } = object;
  const isClusterScoped = ref.namespace === '';
  const lists = isClusterScoped ? limits.clusterKinds : limits.namespacedKinds;
  if (!permits(lists, ref)) {
    const scope = isClusterScoped ? 'cluster-scoped' : 'namespaced';
    const kind = `${ref.group === '' ? '' : `${ref.group}/`}${ref.kind}`;
    return [
      failure(
        object,
        'ProjectDenies',
        `the project does not permit the ${scope} kind ${kind}`,
        'add it to the project',
      ),
    ];
  }
  const namespaces = limits.namespaces;
  if (!isClusterScoped && namespaces !== undefined && !permitsNamespace(namespaces, ref.namespace)) {
    return [
      failure(
        object,
        'ProjectDenies',
        `the project does not permit namespace ${ref.namespace}`,
        "add it to the project's destinations",
      ),
    ];
  }
  return [];
}

function excluded({ excluded: entries = [] }: Limits, object: DesiredObject): readonly Failure[] {
  const { group, kind } = object.ref;
  const isExcluded = entries.some(
    ({ apiGroups, kinds }) =>
      apiGroups.some((pattern) => matchesGlob(pattern, group)) &&
      kinds.some((pattern) => matchesGlob(pattern, kind)),
  );
  if (!isExcluded) return [];
  return [
    failure(
      object,
      'KindExcluded',
      `the control plane excludes the kind ${group === '' ? '' : `${group}/`}${kind}`,
      'take it out of the source, or out of resource.exclusions in argocd-cm',
    ),
  ];
}

function permitsNamespace(patterns: readonly string[], namespace: string): boolean {
  const denied = patterns.some(
    (pattern) => pattern.startsWith('!') && matchesGlob(pattern.slice(1), namespace),
  );
  return !denied && patterns.some((pattern) => !pattern.startsWith('!') && matchesGlob(pattern, namespace));
}

function permits(lists: KindLists | undefined, kind: GroupKind): boolean {
  if (lists === undefined) return true;
  const matches = (pattern: GroupKind): boolean =>
    matchesGlob(pattern.group, kind.group) && matchesGlob(pattern.kind, kind.kind);
  if (lists.deny?.some(matches) === true) return false;
  return lists.allow === undefined || lists.allow.some(matches);
}
