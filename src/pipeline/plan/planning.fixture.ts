/** A plan from what is wanted, what is there and what is recorded, without a world around it. */
import { applied, updated } from '../../../tests/fakes/field-managers.ts';
import { argoDialect } from '#dialects/argo/application.ts';
import { createSealer } from '#fields/digest.ts';
import { createLens } from '#fields/lens.ts';
import { observedOf } from '#kube/store.ts';
import { keyText, refOf, type Manifest, type ObjectRef } from '#model/object.ts';
import type { ApiResource, InventoryEntry, ObservedObject, Sighting } from '#model/observed.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Tracking, Unit } from '#model/unit.ts';
import { healthOf } from '../health/health.ts';
import { judge } from '../policy/limits.ts';
import { bodiesNeeded, compare } from './compare.ts';
import { desiredObjects, kindsOf } from './desired.ts';
import { runIdFor, runMark } from './hook-run.ts';
import { plan, type Planned } from './plan.ts';

export const manager = 'argocd-controller';
export const mark = 'argocd.argoproj.io/tracking-id';
export const sealer = createSealer(new Uint8Array(32).fill(3));
/** As another dialect marks its objects. */
export const otherMarks = ['other.example/namespace', 'other.example/name'] as const;
const trackingKeys = [mark, runMark, ...otherMarks];
const lens = createLens({ managers: [manager], sealer, trackingKeys, health: healthOf });

const kind = (group: string, name: string, plural: string, namespaced = true): ApiResource => ({
  group,
  version: 'v1',
  kind: name,
  plural,
  namespaced,
  verbs: [],
});
export const served: readonly ApiResource[] = [
  kind('', 'ConfigMap', 'configmaps'),
  kind('', 'Secret', 'secrets'),
  kind('', 'Namespace', 'namespaces', false),
  kind('apps', 'Deployment', 'deployments'),
  kind('rbac.authorization.k8s.io', 'ClusterRole', 'clusterroles', false),
  kind('apiextensions.k8s.io', 'CustomResourceDefinition', 'customresourcedefinitions', false),
  kind(
    'admissionregistration.k8s.io',
    'ValidatingWebhookConfiguration',
    'validatingwebhookconfigurations',
    false,
  ),
];

const [compiled] = argoDialect('argocd').compile(
  {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'web', namespace: 'argocd', uid: 'u' },
    spec: {
      source: { repoURL: 'https://git.example/web', path: 'app' },
      destination: { namespace: 'web' },
      syncPolicy: { automated: { prune: true, selfHeal: true } },
    },
  },
  { get: () => undefined, list: () => [] },
);
export const unit: Unit = compiled!;
export const withPolicy = (sync: Partial<Unit['sync']>, of: Unit = unit): Unit => ({
  ...of,
  sync: { ...of.sync, ...sync },
});

export function object(
  name: string,
  data: Record<string, string> = { a: '1' },
  more: Partial<Manifest> = {},
): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'web' }, data, ...more };
}
export const refTo = (name: string): ObjectRef => refOf(object(name));

/** As it stands after our apply, with what others did to it since. */
export function live(manifest: Manifest, of: Unit = unit, uid = `uid-${manifest.metadata.name}`): Manifest {
  const { objects, hooks } = desiredObjects(
    of,
    [{ ref: refOf(manifest), manifest, at: { path: 'x.yaml' } }],
    kindsOf(served, []),
    sealer,
    '',
  );
  const wanted = [...objects, ...hooks][0]!.manifest;
  const { name, namespace } = wanted.metadata;
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion: '1' };
  return applied({ apiVersion: wanted.apiVersion, kind: wanted.kind, metadata }, wanted, manager, 1_000_000)
    .manifest;
}
export function edited(of: Manifest, change: (draft: any) => void, by = 'kubectl'): Manifest {
  const draft = structuredClone(of);
  change(draft);
  return updated(of, draft, by, 2_000_000);
}
export const strange = (
  manifest: Manifest,
  by = 'kubectl',
  uid = `uid-${manifest.metadata.name}`,
): Manifest =>
  updated(
    undefined,
    { ...manifest, metadata: { ...manifest.metadata, uid, resourceVersion: '1' } },
    by,
    1_000_000,
  );

export function seen(manifest: Manifest): ObservedObject {
  return observedOf(manifest, refOf(manifest), lens).object;
}
/** What is recorded of an object that stood like this after our apply of `manifest`. */
export function entryOf(manifest: Manifest, of: Unit = unit): InventoryEntry {
  const after = live(manifest, of);
  const { objects } = desiredObjects(
    of,
    [{ ref: refOf(manifest), manifest, at: { path: 'x.yaml' } }],
    kindsOf(served, []),
    sealer,
    '',
  );
  const { uid, projection } = seen(after);
  return {
    ref: objects[0]!.ref,
    uid,
    desired: objects[0]!.digest,
    state: 'applied',
    ...(projection === undefined ? {} : { projection }),
  };
}

export interface Situation {
  readonly unit?: Unit;
  readonly git: readonly Manifest[];
  readonly cluster?: readonly Manifest[];
  readonly inventory?: readonly InventoryEntry[];
  readonly unknown?: readonly string[];
  readonly otherOwner?: (ref: ObjectRef, uid: string | undefined) => string | undefined;
  readonly isUnit?: (name: string) => boolean;
  readonly trackings?: readonly Tracking[];
  readonly state?: Partial<UnitState>;
  readonly namespaceExists?: boolean;
  readonly attempt?: number;
  readonly madeUp?: boolean;
}

export function planned(situation: Situation): Planned {
  const of = situation.unit ?? unit;
  const inventory = situation.inventory ?? [];
  const rendered = situation.git.map((manifest, index) => ({
    ref: { ...refOf(manifest), name: String(manifest.metadata['name'] ?? '') },
    manifest,
    at: { path: 'app/all.yaml', line: index + 1 },
  }));
  const state: UnitState = {
    unit: of.id,
    owner: of.owner,
    epoch: 1,
    revisions: [],
    inventory,
    values: {},
    history: [],
    sinceMs: 0,
    takenOver: false,
    ...situation.state,
  };
  const hookRun = runIdFor(state, 'sha256:inputs');
  const desired = desiredObjects(of, rendered, kindsOf(served, rendered), sealer, hookRun);
  const bodies = new Map((situation.cluster ?? []).map((manifest) => [keyText(refOf(manifest)), manifest]));
  const sightings = new Map<string, Sighting>();
  for (const ref of [...desired.objects, ...desired.hooks, ...inventory].map((item) => item.ref)) {
    const body = bodies.get(keyText(ref));
    const isUnknown = situation.unknown?.includes(ref.name) === true;
    sightings.set(
      keyText(ref),
      isUnknown
        ? { state: 'unknown', why: 'it cannot be listed' }
        : body === undefined
          ? { state: 'absent' }
          : { state: 'present', object: seen(body) },
    );
  }
  const compared = compare({
    unit: of,
    desired: desired.objects,
    others: [...desired.skipped, ...desired.hooks].map(({ ref }) => ref),
    inventory,
    sightings,
    otherOwner: situation.otherOwner ?? (() => undefined),
    isUnit: situation.isUnit ?? (() => false),
    trackings: () => situation.trackings ?? [],
  });
  return plan({
    unit: of,
    revisions: [],
    inputs: 'sha256:inputs',
    desired: desired.objects,
    hooks: desired.hooks.map((hook) => ({ hook, sighting: sightings.get(keyText(hook.ref))! })),
    hookRun,
    compared,
    bodies: new Map(
      bodiesNeeded(compared).flatMap((ref) =>
        bodies.has(keyText(ref)) ? [[keyText(ref), bodies.get(keyText(ref))!]] : [],
      ),
    ),
    state,
    namespaceExists: situation.namespaceExists,
    blocked: [
      ...desired.failures,
      ...judge(of.limits, [...desired.objects, ...desired.hooks, ...desired.skipped]),
    ],
    madeUp: situation.madeUp ?? false,
    sealer,
    attempt: situation.attempt ?? 0,
  });
}
