/** What can be seen from outside: the applications' status, and the objects that carry a version or drift. */
import type { ApiServer, EventType, LiveObject } from './api-server.ts';
import type { Dialect, Standing } from './dialects.ts';
import { benchLabel, versionAnnotation } from './sources.ts';
import { now } from './time.ts';

const selector = `labelSelector=${benchLabel}%3Dtrue`;

interface ApplicationSight extends Standing {
  /** Since when. */
  readonly syncedAtS: number;
}

export class Observers {
  readonly applications = new Map<string, ApplicationSight>();
  readonly versions = new Map<string, { readonly version: string | undefined; readonly atS: number }>();
  readonly teams = new Map<string, { readonly team: string | undefined; readonly atS: number }>();
  /** How many applications are synced and healthy now. */
  syncedCount = 0;
  #waiting: (() => void) | undefined;

  async start(api: ApiServer, { path, standing }: Dialect): Promise<void> {
    await api.follow(path, (type, object) => this.#onApplication(type, object, standing(object)));
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

  #onApplication(type: EventType, { metadata }: LiveObject, standing: Standing): void {
    const before = this.applications.get(metadata.name);
    const synced = type !== 'DELETED' && standing.synced;
    if (synced !== (before?.synced ?? false)) this.syncedCount += synced ? 1 : -1;
    this.applications.set(metadata.name, {
      synced,
      syncedAtS: before?.synced === true ? before.syncedAtS : now(),
      revision: standing.revision,
    });
    this.#waiting?.();
  }
}
