/**
 * A Cluster across a MessagePort: decoding, projecting, hashing and compacting run in a worker thread, and only
 * answers and changes cross. `serveCluster` stands in the worker, `connectCluster` where the engine is. Both take an end
 * of a MessageChannel, not the Worker itself: a channel closes when the worker ends, however it ends.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Selection } from '#model/dialect.ts';
import { fail } from '#model/failure.ts';
import type { GroupVersionKind } from '#model/object.ts';
import type { Cluster, FollowBatch, Following, ObjectChange } from '#model/ports.ts';

const METHODS = [
  'resources',
  'capabilities',
  'sightings',
  'bodies',
  'apply',
  'patch',
  'remove',
  'read',
  'list',
  'metadata',
  'create',
  'replace',
  'mergePatch',
  'tryCreation',
  'delete',
  'close',
] as const;
type Method = (typeof METHODS)[number];

type ToWorker =
  | { readonly is: 'call'; readonly id: number; readonly method: Method; readonly args: readonly unknown[] }
  | { readonly is: 'observe'; readonly kinds: readonly GroupVersionKind[] }
  | { readonly is: 'watchKinds' }
  | { readonly is: 'follow'; readonly id: number; readonly selection: Selection }
  | { readonly is: 'stop'; readonly id: number };
type FromWorker =
  | { readonly is: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly is: 'bug'; readonly id: number; readonly message: string; readonly stack: string }
  | { readonly is: 'changes'; readonly changes: readonly ObjectChange[] }
  | { readonly is: 'kinds' }
  | { readonly is: 'batch'; readonly id: number; readonly batch: FollowBatch };

/** Answers on `port` for `cluster` until it is closed from the other side. */
export function serveCluster(port: MessagePort, cluster: Cluster): void {
  const followings = new Map<number, Following>();
  const post = (message: FromWorker): void => port.postMessage(message, []);
  const answer = async (id: number, method: Method, args: readonly unknown[]): Promise<void> => {
    try {
      // The other end has the types; between the two there is only this file.
      const call = cluster[method] as (...args: readonly unknown[]) => Promise<unknown>;
      post({ is: 'answer', id, value: await call(...args) });
    } catch (error) {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      post({ is: 'bug', id, message, stack: stack ?? '' });
    }
    if (method === 'close') port.close();
  };
  cluster.onChange((changes) => post({ is: 'changes', changes }));
  port.on('message', (message: ToWorker) => {
    if (message.is === 'call') void answer(message.id, message.method, message.args);
    else if (message.is === 'observe') cluster.observe(message.kinds);
    else if (message.is === 'watchKinds') cluster.onKinds(() => post({ is: 'kinds' }));
    else if (message.is === 'follow') {
      const { id } = message;
      followings.set(
        id,
        cluster.follow(message.selection, (batch) => post({ is: 'batch', id, batch })),
      );
    } else {
      followings.get(message.id)?.stop();
      followings.delete(message.id);
    }
  });
}

/** The cluster that is served at the other end of `port`. When that end is gone, calls fail instead of hanging. */
export function connectCluster(port: MessagePort, id: string): Cluster {
  const remote = new RemoteCluster(port);
  const call = remote.call.bind(remote);
  return {
    id,
    resources: (refresh) => remote.resources(refresh),
    capabilities: () => call('capabilities'),
    onKinds: (listener) => remote.onKinds(listener),
    follow: (selection, listener) => remote.follow(selection, listener),
    observe: (kinds) => remote.post({ is: 'observe', kinds }),
    onChange: (listener) => remote.onChange(listener),
    sightings: async (refs, deadlineMs, sinceMs) => {
      const seen = await call('sightings', refs, deadlineMs, sinceMs);
      return Array.isArray(seen) ? seen : refs.map(() => ({ state: 'unknown', why: GONE.message }) as const);
    },
    bodies: (refs) => call('bodies', refs),
    apply: (request) => call('apply', request),
    patch: (ref, patch, manager, expect, untilMs) => call('patch', ref, patch, manager, expect, untilMs),
    remove: (ref, expect, propagation, untilMs) => call('remove', ref, expect, propagation, untilMs),
    read: (ref) => call('read', ref),
    list: (kind, namespace) => call('list', kind, namespace),
    metadata: (kind, page) => call('metadata', kind, page),
    create: (manifest) => call('create', manifest),
    tryCreation: (manifest) => call('tryCreation', manifest),
    replace: (manifest) => call('replace', manifest),
    mergePatch: (ref, patch) => call('mergePatch', ref, patch),
    delete: (ref, untilMs) => call('delete', ref, untilMs),
    close: async () => {
      await call('close');
      port.close();
    },
  };
}

const GONE = {
  kind: 'transient',
  code: 'WorkerGone',
  stage: 'observe',
  message: 'the worker thread that talks to this cluster has ended',
  hint: 'see the log for why; it is started again',
} as const;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

class RemoteCluster {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, Waiting>();
  readonly #followers = new Map<number, (batch: FollowBatch) => void>();
  readonly #listeners: ((changes: readonly ObjectChange[]) => void)[] = [];
  readonly #kindsListeners: (() => void)[] = [];
  #nextId = 1;
  #closed = false;
  #resources: Awaited<ReturnType<Cluster['resources']>> | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (message: FromWorker) => this.#take(message));
    port.on('close', () => {
      this.#closed = true;
      for (const { resolve } of this.#waiting.values()) resolve(fail(GONE));
      this.#waiting.clear();
    });
  }

  post(message: ToWorker): void {
    if (!this.#closed) this.#port.postMessage(message, []);
  }

  async call<M extends Method>(
    method: M,
    ...args: Parameters<Cluster[M]>
  ): Promise<Awaited<ReturnType<Cluster[M]>>> {
    const value = await new Promise<unknown>((resolve, reject) => {
      if (this.#closed) return resolve(fail(GONE));
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.post({ is: 'call', id, method, args });
    });
    return value as Awaited<ReturnType<Cluster[M]>>;
  }

  /** The list of kinds is long and rarely new: it crosses the boundary once. Who misses a kind asks to refresh. */
  async resources(refresh = false): ReturnType<Cluster['resources']> {
    if (this.#resources !== undefined && !refresh) return this.#resources;
    const answer = await this.call('resources', refresh);
    this.#resources = answer.ok ? answer : undefined;
    return answer;
  }

  follow(selection: Selection, listener: (batch: FollowBatch) => void): Following {
    const id = this.#nextId++;
    this.#followers.set(id, listener);
    this.post({ is: 'follow', id, selection });
    return {
      stop: () => {
        this.#followers.delete(id);
        this.post({ is: 'stop', id });
      },
    };
  }

  onChange(listener: (changes: readonly ObjectChange[]) => void): void {
    this.#listeners.push(listener);
  }

  onKinds(listener: () => void): void {
    if (this.#kindsListeners.push(listener) === 1) this.post({ is: 'watchKinds' });
  }

  #kindsChanged(): void {
    this.#resources = undefined;
    for (const listener of this.#kindsListeners) listener();
  }

  #take(message: FromWorker): void {
    if (message.is === 'changes') for (const listener of this.#listeners) listener(message.changes);
    else if (message.is === 'kinds') this.#kindsChanged();
    else if (message.is === 'batch') this.#followers.get(message.id)?.(message.batch);
    else {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.is === 'answer') waiting?.resolve(message.value);
      else waiting?.reject(Object.assign(new Error(message.message), { stack: message.stack }));
    }
  }
}
