/**
 * Kubernetes' events on the resources that are reconciled, for `kubectl describe`. They are a courtesy: few, none where
 * nothing changes, and one that cannot be written is left out.
 */
import type { ForeignKind, Notice } from '#model/dialect.ts';
import { keyText, refOf, type Manifest, type ObjectKey } from '#model/object.ts';
import type { Clock, Cluster, Random } from '#model/ports.ts';
import { timestamp } from '#model/time.ts';
import type { EngineObserver, TurnReport } from './observer.ts';

export interface EventWriterPorts {
  readonly cluster: Pick<Cluster, 'create' | 'mergePatch'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** So many at once, and one more each time this has passed. */
interface Allowance {
  readonly atOnce: number;
  readonly everyMs: number;
}
/** A resource that flaps, or whose drift is healed over and over, is heard of seldom. */
const ofOneResource: Allowance = { atOnce: 10, everyMs: 300_000 };
/** A fleet that is applied for the first time is not written twice over. */
const ofAll: Allowance = { atOnce: 100, everyMs: 200 };

class Bucket {
  readonly #allowance: Allowance;
  #left: number;
  #sinceMs: number;
  constructor(allowance: Allowance, nowMs: number) {
    this.#allowance = allowance;
    this.#left = allowance.atOnce;
    this.#sinceMs = nowMs;
  }
  take(nowMs: number): boolean {
    const { atOnce, everyMs } = this.#allowance;
    const refilled = Math.floor((nowMs - this.#sinceMs) / everyMs);
    this.#left = Math.min(atOnce, this.#left + refilled);
    this.#sinceMs += refilled * everyMs;
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}

interface Said {
  readonly bucket: Bucket;
  /** A Run has ended, and how it stands then is not said yet. */
  isRunOver: boolean;
  /** What was noticed last; of before the start it is only remembered. */
  text?: string;
  event?: { readonly name: string; count: number };
}

const messageLengthMax = 1024;
const nameLengthMax = 230;
const component = 'trueup';

export class EventWriter implements EngineObserver {
  readonly #ports: EventWriterPorts;
  readonly #kinds: readonly ForeignKind[];
  readonly #startMs: number;
  readonly #all: Bucket;
  readonly #said = new Map<string, Said>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(ports: EventWriterPorts, kinds: readonly ForeignKind[]) {
    this.#ports = ports;
    this.#kinds = kinds;
    this.#startMs = ports.clock.now();
    this.#all = new Bucket(ofAll, ports.clock.monotonic());
  }

  turned(resource: Manifest, { run, isObserved }: TurnReport): void {
    if (isObserved === true) return;
    const ref = refOf(resource);
    const kind = this.#kinds.find((one) => one.kind.group === ref.group && one.kind.kind === ref.kind);
    const notice = kind?.notice(resource);
    const nowMs = this.#ports.clock.monotonic();
    const key = keyText(ref);
    const known = this.#said.get(key);
    const said: Said = known ?? { bucket: new Bucket(ofOneResource, nowMs), isRunOver: false };
    this.#said.set(key, said);
    // What a Run applied may become well in a later turn.
    said.isRunOver ||= run !== undefined;
    if (notice === undefined) return;
    const { isRunOver } = said;
    said.isRunOver = false;
    const text = `${notice.type} ${notice.reason} ${notice.message}`;
    const isSame = said.text === text;
    said.text = text;
    // A second begins before the process does.
    const isOld = notice.atMs + 1000 < this.#startMs;
    if (!isRunOver && (notice.ofRun || isSame || (known === undefined && isOld))) return;
    if (!said.bucket.take(nowMs) || !this.#all.take(nowMs)) return;
    const again = isSame ? said.event : undefined;
    if (again === undefined) this.#create(resource, notice, said);
    else this.#repeat(resource, again);
  }

  forgotten(key: ObjectKey): void {
    this.#said.delete(keyText(key));
  }

  #create(resource: Manifest, { type, reason, message }: Notice, said: Said): void {
    const { cluster, clock, random } = this.#ports;
    const { uid, resourceVersion } = resource.metadata;
    const { namespace, name } = refOf(resource);
    const suffix = Buffer.from(random.bytes(8)).toString('hex');
    said.event = { name: `${name.slice(0, nameLengthMax)}.${suffix}`, count: 1 };
    const at = timestamp(clock.now());
    const manifest = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: said.event.name, namespace },
      involvedObject: {
        apiVersion: resource.apiVersion,
        kind: resource.kind,
        namespace,
        name,
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      type,
      reason,
      message: message.slice(0, messageLengthMax),
      source: { component },
      reportingComponent: component,
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    };
    this.#write(() => cluster.create(manifest as Manifest));
  }

  #repeat(resource: Manifest, event: NonNullable<Said['event']>): void {
    const { cluster, clock } = this.#ports;
    event.count += 1;
    const patch = { count: event.count, lastTimestamp: timestamp(clock.now()) };
    const { namespace } = refOf(resource);
    const ref = { group: '', version: 'v1', kind: 'Event', namespace, name: event.name };
    this.#write(() => cluster.mergePatch(ref, patch));
  }

  /** One after the other, so that what repeats comes after what it repeats. */
  #write(write: () => Promise<unknown>): void {
    this.#last = this.#last.then(write).catch(() => undefined);
  }
}
