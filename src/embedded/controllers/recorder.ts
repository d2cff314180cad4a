/**
 * Events: the same word about the same object is counted up instead of said again, an event goes an hour after it was
 * last said, and beyond a number the oldest go first.
 */
import type { Stored } from '../objects.ts';
import { StatusError } from '../status.ts';
import type { Change } from '../store.ts';
import { keyOf, type Client } from './client.ts';
import { events, type KubeEvent } from './kinds.ts';
import type { Again, Controller } from './runner.ts';

const keptSeconds = 3600;
const eventsMax = 1000;

export interface Said {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** Of a part of the object: `spec.containers{app}`. */
  readonly fieldPath?: string;
}
/** What a component of the cluster says about an object. */
export type Tell = (about: Stored, reason: string, message: string, more?: Partial<Said>) => void;

export class Recorder implements Controller {
  readonly name = 'events';
  readonly #client: Client;
  /** By what they say; the one said longest ago first. */
  readonly #known = new Map<string, string>();
  #said = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  as(component: string, host?: string): Tell {
    return (about, reason, message, more = {}) => {
      try {
        this.#say(about, { type: 'Normal', reason, message, ...more }, component, host);
      } catch (error) {
        // In a namespace that is going, nothing can be said any more.
        if (!(error instanceof StatusError)) throw error;
      }
    };
  }

  concerns({ type, resource, object }: Change): readonly string[] {
    if (resource !== events.key) return [];
    const identity = identityOf(object as KubeEvent);
    this.#known.delete(identity);
    if (type === 'DELETED') return [];
    this.#known.set(identity, keyOf(object));
    return [keyOf(object)];
  }

  sync(key: string, again: Again): void {
    const { store } = this.#client;
    while (store.count(events.key) > eventsMax && this.#known.size > 0)
      this.#drop(this.#known.values().next().value!);
    const event = this.#client.at(events, key);
    if (event === undefined) return;
    const last = event.lastTimestamp ?? event.metadata.creationTimestamp;
    const leftMs = this.#client.untilMs(last, keptSeconds);
    if (leftMs > 0) again(leftMs);
    else this.#drop(key);
  }

  #drop(key: string): void {
    const event = this.#client.at(events, key);
    if (event !== undefined) this.#client.delete(events.key, event);
  }

  #say(about: Stored, { fieldPath, ...said }: Said, component: string, host: string | undefined): void {
    const { namespace, name, uid, resourceVersion } = about.metadata;
    const { apiVersion, kind } = about;
    const involvedObject = {
      kind,
      ...(namespace === undefined ? {} : { namespace }),
      name,
      uid,
      apiVersion,
      ...(fieldPath === undefined ? {} : { fieldPath }),
    };
    const identity = identityOf({ involvedObject, ...said, source: { component } });
    const known = this.#known.get(identity);
    const event = known === undefined ? undefined : this.#client.at(events, known);
    const { now } = this.#client;
    if (event !== undefined) {
      this.#client.patch(events, event, { count: (event.count ?? 1) + 1, lastTimestamp: now });
      return;
    }
    const space = namespace ?? 'default';
    this.#said += 1;
    // As in Kubernetes the name ends with nanoseconds; those that the clock does not give are counted.
    const moment = BigInt(this.#client.clock.now()) * 1_000_000n + BigInt(this.#said);
    this.#client.create(events, space, {
      metadata: { name: `${name}.${moment.toString(16)}`, namespace: space },
      involvedObject: { ...involvedObject, resourceVersion },
      ...said,
      source: { component, ...(host === undefined ? {} : { host }) },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      reportingComponent: component,
      reportingInstance: host ?? '',
    });
  }
}

type Identifying = Pick<KubeEvent, 'involvedObject' | 'reason' | 'message' | 'source'>;
function identityOf({ involvedObject, reason, message, source }: Identifying): string {
  const { uid, fieldPath } = involvedObject;
  return JSON.stringify([uid, fieldPath ?? '', reason, message, source?.component ?? '']);
}
