/**
 * A Kubernetes API as the engine uses it: the `Cluster` port over one set of credentials. Opening it makes no request;
 * a cluster that cannot be reached answers every method with a Failure that says so.
 */
import type { Result } from '#model/failure.ts';
import { ok } from '#model/failure.ts';
import type { Manifest, ObjectRef } from '#model/object.ts';
import type { Clock, Cluster, Lens, Log, Meter, Random, Timers } from '#model/ports.ts';
import type { Access, ReadFile } from './access.ts';
import { Discovery } from './discovery.ts';
import { FollowedSelection } from './following.ts';
import { NewKinds } from './new-kinds.ts';
import { Observations } from './observations.ts';
import type { PlainContext } from './plain.ts';
import {
  createObject,
  deleteObject,
  listMetadata,
  listObjects,
  mergePatchObject,
  readObject,
  replaceObject,
  tryCreation,
} from './plain.ts';
import type { ReflectorOptions } from './reflector.ts';
import type { TransportOptions } from './transport.ts';
import { Transport } from './transport.ts';
import type { Wire } from './wire.ts';
import { applyObject, patchObject, removeObject } from './writes.ts';

export interface ClusterOptions {
  readonly transport?: Partial<TransportOptions>;
  readonly reflector?: Partial<ReflectorOptions>;
  /** A kind whose watch could not be resumed for so long is no longer known. */
  readonly staleAfterMs?: number;
  /** The field manager of what is written without a Unit: our own resources, foreign status. */
  readonly manager?: string;
}

export interface ClusterRequest {
  readonly id: string;
  readonly access: Access;
  readonly lens: Lens;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  /** Reads the token file again, if `access` has one. */
  readonly readFile: ReadFile;
  /** Sockets, unless something else is to carry the requests. */
  readonly wire?: Wire;
  readonly options?: ClusterOptions;
}

export function openCluster(request: ClusterRequest): Cluster {
  const { id, access, lens, options = {} } = request;
  const ports = { ...request, meter: labelled(request.meter, id) };
  const transport = new Transport(access, ports, options.transport);
  const followed = new Set<FollowedSelection>();
  const kindsListeners: (() => void)[] = [];
  const discovery = new Discovery(transport, request.clock, ({ came, isOther }) => {
    observations.rediscovered(came);
    for (const selection of followed) selection.rediscovered(came);
    if (isOther) for (const listener of kindsListeners) listener();
  });
  const reflector = options.reflector ?? {};
  const newKinds = new NewKinds(transport, discovery, ports, reflector);
  const staleAfterMs = options.staleAfterMs ?? 120_000;
  const observations = new Observations(
    transport,
    discovery,
    ports,
    lens,
    { reflector, staleAfterMs },
    newKinds,
  );
  const context: PlainContext = {
    transport,
    discovery,
    observations,
    lens,
    manager: options.manager ?? 'trueup',
  };

  return {
    id,
    resources: (refresh = false) => discovery.resources(refresh),
    capabilities: () => discovery.capabilities(),
    onKinds: (listener) => {
      kindsListeners.push(listener);
      newKinds.watch();
    },
    follow: (selection, listener) => {
      const following = new FollowedSelection(transport, ports, reflector, newKinds, selection, listener);
      followed.add(following);
      return {
        stop: () => {
          following.stop();
          followed.delete(following);
        },
      };
    },
    observe: (kinds) => observations.observe(kinds),
    onChange: (listener) => observations.onChange(listener),
    sightings: (refs, deadlineMs, sinceMs) => observations.sightings(refs, deadlineMs, sinceMs),
    bodies: (refs) => bodiesOf(context, refs),
    apply: (apply) => applyObject(context, apply),
    patch: (ref, patch, manager, expect, untilMs) =>
      patchObject(context, ref, patch, manager, expect, untilMs),
    remove: (ref, expect, propagation, untilMs) => removeObject(context, ref, expect, propagation, untilMs),
    read: (ref) => readObject(context, ref),
    list: (kind, namespace) => listObjects(context, kind, namespace),
    metadata: (kind, page) => listMetadata(context, kind, page),
    create: (manifest) => createObject(context, manifest),
    tryCreation: (manifest) => tryCreation(context, manifest),
    replace: (manifest) => replaceObject(context, manifest),
    mergePatch: (ref, patch) => mergePatchObject(context, ref, patch),
    delete: (ref, untilMs) => deleteObject(context, ref, untilMs),
    close: async () => {
      for (const selection of followed) selection.stop();
      observations.close();
      newKinds.close();
      await transport.close();
    },
  };
}

/** One cluster's figures beside another's. */
function labelled(meter: Meter, cluster: string): Meter {
  return {
    count: (name, labels, by) => meter.count(name, { cluster, ...labels }, by),
    observe: (name, seconds, labels) => meter.observe(name, seconds, { cluster, ...labels }),
  };
}

/** Kept bodies at once, the others by a read each; the transport bounds how many at a time. */
async function bodiesOf(
  context: PlainContext,
  refs: readonly ObjectRef[],
): Promise<Result<readonly (Manifest | undefined)[]>> {
  const found = await Promise.all(
    refs.map(async (ref): Promise<Result<Manifest | undefined>> => {
      const kept = context.observations.body(ref);
      if (kept === 'absent') return ok(undefined);
      return kept === undefined ? readObject(context, ref) : ok(kept);
    }),
  );
  const bodies: (Manifest | undefined)[] = [];
  for (const result of found) {
    if (!result.ok) return result;
    bodies.push(result.value);
  }
  return ok(bodies);
}
