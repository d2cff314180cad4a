/** What can be seen from outside: the applications' status, and the objects that carry a version or drift. */
import type { ApiServer, EventType, LiveObject } from './api-server.ts';
import { controlNamespace } from './applications.ts';
import { benchLabel, versionAnnotation } from './sources.ts';
import { now } from './time.ts';

const selector = `labelSelector=${benchLabel}%3Dtrue`;
export const applicationsPath = `/apis/argoproj.io/v1alpha1/namespaces/${controlNamespace}/applications`;

interface ApplicationSight {
  readonly synced: boolean;
  /** Since when. */
  readonly syncedAtS: number;
  readonly revision: string | undefined;
}

interface ApplicationStatus {
  readonly sync?: { readonly status?: string; readonly revision?: string };
  readonly health?: { readonly status?: string };
  readonly operationState?: { readonly phase?: string };
}

export class Observers {
  readonly applications = new Map<string, ApplicationSight>();
  readonly versions = new Map<string, { readonly version: string | undefined; readonly atS: number }>();
  readonly teams = new Map<string, { readonly team: string | undefined; readonly atS: number }>();
  /** How many applications are synced and healthy now. */
  syncedCount = 0;
  #waiting: (() => void) | undefined;

  async start(api: ApiServer): Promise<void> {
    await api.follow(applicationsPath, (type, object) => this.#onApplication(type, object));
    await api.follow(`/apis/apps/v1/deployments?${selector}`, (_, { metadata }) => {
      this.versions.set(metadata.name, { version: metadata.annotations?.[versionAnnotation], atS: now() });
      this.#waiting?.();
    });
    await api.follow(`/api/v1/services?${selector}`, (_, { metadata }) => {
      this.teams.set(metadata.name, { team: metadata.labels?.['team'], atS: now() });
      this.#waiting?.();
    });
  }

  /** The moment at which the condition, asked at every event, became true. One wait at a time. */
  async until(what: string, condition: () => boolean, timeoutS: number): Promise<number> {
    try {
      return await new Promise<number>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`waited ${timeoutS} s for ${what}`)), timeoutS * 1000);
        this.#waiting = () => {
          if (!condition()) return;
          clearTimeout(late);
          resolve(now());
        };
        this.#waiting();
      });
    } finally {
      this.#waiting = undefined;
    }
  }

  #onApplication(type: EventType, { metadata, ...members }: LiveObject): void {
    const before = this.applications.get(metadata.name);
    const synced = type !== 'DELETED' && isSynced(members);
    if (synced !== (before?.synced ?? false)) this.syncedCount += synced ? 1 : -1;
    this.applications.set(metadata.name, {
      synced,
      syncedAtS: before?.synced === true ? before.syncedAtS : now(),
      revision: (members['status'] as ApplicationStatus | undefined)?.sync?.revision,
    });
    this.#waiting?.();
  }
}

/** Synced, healthy, and nothing in progress. */
function isSynced(members: { readonly [member: string]: unknown }): boolean {
  const { sync, health, operationState } = (members['status'] ?? {}) as ApplicationStatus;
  return (
    sync?.status === 'Synced' &&
    health?.status === 'Healthy' &&
    members['operation'] === undefined &&
    (operationState === undefined || operationState.phase === 'Succeeded')
  );
}
