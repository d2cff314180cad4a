/**
 * What Argo CD leaves behind: objects with its tracking and its managed fields, and a status that it wrote. Everything
 * is made by plain requests: kubectl would tidy managed fields up on the way.
 */
import type { Manifest } from './manifests.ts';
import { applicationKind, type Place } from './world.ts';

export const argoController = 'argocd-controller';
export const argoStatusWriter = 'argocd-application-controller';

/** How it applied: its fields stand under another operation, or, from before its version 2.5, under another name. */
export type Way = 'client-side apply' | 'server-side apply' | 'client-side apply of old';
export type TrackingMethod = 'annotation' | 'label' | 'annotation+label';

export interface LeftObject {
  readonly manifest: Manifest;
  readonly way?: Way;
  /** In another namespace than the place's; empty: in none. */
  readonly namespace?: string;
  readonly isHook?: true;
  /** Git does not have it any more. */
  readonly requiresPruning?: true;
}
export interface Leaving {
  readonly objects: readonly LeftObject[];
  readonly tracking?: TrackingMethod;
  readonly installation?: string;
}

interface Body {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

function parts({ apiVersion }: Body): { readonly group: string; readonly version: string } {
  const [first = '', second] = apiVersion.split('/');
  return second === undefined ? { group: '', version: first } : { group: first, version: second };
}

/** An object with its marks, as it would apply it. */
export function tracked(
  place: Place,
  object: LeftObject,
  { tracking, installation }: Omit<Leaving, 'objects'> = {},
): Body {
  const body = object.manifest as unknown as Body;
  const { kind, metadata } = body;
  const namespace = object.namespace ?? place.namespace;
  const method = tracking ?? 'annotation';
  const id = `${place.name}:${parts(body).group}/${kind}:${namespace}/${metadata.name}`;
  const annotations = {
    ...metadata.annotations,
    ...(method === 'label' ? {} : { 'argocd.argoproj.io/tracking-id': id }),
    ...(installation === undefined ? {} : { 'argocd.argoproj.io/installation-id': installation }),
  };
  const labels = {
    ...metadata.labels,
    ...(method === 'annotation' ? {} : { 'app.kubernetes.io/instance': place.name }),
  };
  return {
    ...body,
    metadata: {
      ...metadata,
      ...(namespace === '' ? {} : { namespace }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
    },
  };
}

async function leaveObject(place: Place, object: LeftObject, leaving: Leaving): Promise<void> {
  const body = tracked(place, object, leaving);
  const { api } = place.world;
  if (object.way === 'server-side apply') {
    const kind = `${body.apiVersion}/${body.kind}`;
    const how = { type: 'apply', manager: argoController, force: true } as const;
    await api.patch(kind, object.namespace ?? place.namespace, body.metadata.name, body, how);
    return;
  }
  const annotations = {
    ...body.metadata.annotations,
    'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify(body)}\n`,
  };
  const manager = object.way === 'client-side apply of old' ? argoStatusWriter : argoController;
  await api.create({ ...body, metadata: { ...body.metadata, annotations } }, manager);
}

export async function leaveObjects(place: Place, leaving: Leaving): Promise<void> {
  for (const object of leaving.objects) await leaveObject(place, object, leaving);
}

/** What it wrote into an Application whose last sync ended well an hour ago, with members that nobody here knows. */
export async function leaveStatus(
  place: Place,
  { objects }: Leaving,
  revisions: readonly string[],
  further: object = {},
): Promise<void> {
  const at = new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z');
  const { world } = place;
  const { source, sources, destination } = (await place.read())['spec'];
  const from = sources === undefined ? { source } : { sources };
  const looked = sources === undefined ? { revision: revisions[0] } : { revisions };
  const status = {
    sync: { status: 'Synced', ...looked, comparedTo: { ...from, destination } },
    health: { status: 'Healthy', lastTransitionTime: at },
    history: [
      {
        id: 6,
        ...looked,
        ...from,
        deployStartedAt: at,
        deployedAt: at,
        initiatedBy: { automated: true },
      },
    ],
    operationState: {
      phase: 'Succeeded',
      message: 'successfully synced (all tasks run)',
      startedAt: at,
      finishedAt: at,
      operation: { sync: looked, initiatedBy: { automated: true } },
      syncResult: { ...looked, ...from },
    },
    reconciledAt: at,
    sourceType: 'Directory',
    summary: { images: ['registry.example/web:1'] },
    controllerNamespace: world.controlNamespace,
    resources: objects.map((object) => {
      const { kind, metadata, ...body } = object.manifest as unknown as Body;
      const { group, version } = parts({ kind, metadata, ...body });
      const namespace = object.namespace ?? place.namespace;
      return {
        ...(group === '' ? {} : { group }),
        version,
        kind,
        ...(namespace === '' ? {} : { namespace }),
        name: metadata.name,
        ...(object.isHook === true
          ? { hook: true }
          : { status: object.requiresPruning === true ? 'OutOfSync' : 'Synced' }),
        ...(object.requiresPruning === true ? { requiresPruning: true } : {}),
      };
    }),
    ofTheFuture: { unknown: ['to', 'us'] },
    ...further,
  };
  const how = { manager: argoStatusWriter };
  await world.api.patch(applicationKind, world.controlNamespace, place.name, { status }, how);
}

export const clientSide = (manifest: Manifest): LeftObject => ({ manifest });
