/**
 * A Kubernetes API server and cluster in this process, for first runs, tests, simulation and previews; never for
 * production data. It listens nowhere and keeps nothing by itself: requests come in by `handle`, and objects are kept
 * where the keeper puts them.
 */
import type { Clock, Log, ObjectKeeper, Random, Timers } from '#model/ports.ts';
import { logOf } from './logs.ts';
import { Allocator } from './allocator.ts';
import { Api } from './api.ts';
import { Authorization, type User } from './authorization.ts';
import { bootstrap } from './bootstrap.ts';
import { startControllers } from './controllers.ts';
import { Edge } from './edge.ts';
import type { Machinery } from './machinery.ts';
import { OpenApi } from './open-api.ts';
import { Presentation } from './presentation.ts';
import { Registry } from './registry.ts';
import { ResourceRequests } from './resource-requests.ts';
import { definitionsName } from './resources.ts';
import { resourceKey, Store } from './store.ts';
import { Users } from './users.ts';
import { Watching } from './watching.ts';

export interface EmbeddedParts {
  readonly machinery: Machinery;
  readonly keeper: ObjectKeeper;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /** False: nothing but the API server, as where only its answers matter. */
  readonly controllers: boolean;
  /** By their bearer tokens. */
  readonly users: ReadonlyMap<string, User>;
}

export interface Embedded {
  readonly api: Api;
  readonly store: Store;
  readonly registry: Registry;
  readonly machinery: Machinery;
  handle(request: Request): Promise<Response>;
  /** Ends watches and controllers; requests are not answered sensibly any more. */
  close(): void;
}

const definitions = resourceKey({ group: 'apiextensions.k8s.io', name: definitionsName });

export function openEmbedded(parts: EmbeddedParts): Embedded {
  const { clock, timers, random, machinery } = parts;
  const users = new Users(parts.users, clock, random);
  const store = new Store(parts.keeper);
  const registry = new Registry(machinery);
  for (const definition of store.list(definitions)) registry.define(definition);
  const api = new Api({ store, registry, machinery, allocator: new Allocator(store), clock });
  bootstrap(api, registry);
  const watching = new Watching(store, timers);
  const resources = new ResourceRequests({
    api,
    store,
    presentation: new Presentation(machinery),
    watching,
    users,
    logOf,
  });
  const running = parts.controllers
    ? startControllers({ api, registry, store, clock, timers, log: parts.log })
    : undefined;
  const edge = new Edge({
    registry,
    machinery,
    openApi: new OpenApi(machinery, registry),
    resources,
    log: parts.log,
    authorization: new Authorization(store),
    userOf: (token) => users.userOf(token),
  });
  return {
    api,
    store,
    registry,
    machinery,
    handle: (request) => edge.handle(request),
    close: () => {
      running?.stop();
      watching.close();
    },
  };
}
