/**
 * The replicas of one installation. Each keeps a Lease of its own alive and follows those of the others; from that
 * comes who is alive, who owns what, and how long we ourselves may act.
 */
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { isObject, jsonText, type JsonObject } from '#model/json.ts';
import { microTimestamp } from '#model/time.ts';
import { apiVersionOf, type Manifest, type ObjectRef } from '#model/object.ts';
import type { Cancel, Clock, Cluster, Following, Log, Random, Timers } from '#model/ports.ts';
import { Hints } from './hints.ts';
import type { Tenure } from './lease.ts';
import { leaseMs, longestRequestMs, marginMs, Members, ownerAmong, renewMs } from './members.ts';

export interface ReplicaSettings {
  /** Who it is from its start to its end; never used again, not by the same pod after a restart either. */
  readonly id: string;
  /** Where the installation keeps its Leases. */
  readonly namespace: string;
  /**
   * Reads and writes the Leases: with a connection of its own, so that no queue of requests delays a renewal, and with
   * deadlines well within a Lease.
   */
  readonly cluster: Pick<Cluster, 'follow' | 'read' | 'create' | 'mergePatch' | 'remove' | 'delete'>;
}

export interface MembershipPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /** Others came or went, or we may act again after we could not. */
  readonly changed: (mayActAgain: boolean) => void;
  /** Another replica was told that something was pushed to these repositories. */
  readonly hinted: (isMeant: (url: string) => boolean) => void;
}

const leaseKind = { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease' } as const;
const leaseLabel = 'trueup.dev/lease';
const hintsAnnotation = 'trueup.dev/hints';
const failedMs = 1000;

export class Membership implements Tenure {
  readonly #settings: ReplicaSettings;
  readonly #ports: MembershipPorts;
  readonly #members: Members;
  readonly #hints = new Hints();
  /** Until when we may act, on the monotonic clock. */
  #untilMs = -Infinity;
  /** Counts the times in which we could act without a break. */
  #term = 0;
  #renewing: Promise<void> | undefined;
  #renewAgain = false;
  #cancelRenewal: Cancel | undefined;
  #cancelLook: Cancel | undefined;
  #following: Following | undefined;
  #first: () => void = () => undefined;
  #stopped = false;
  #alive: readonly string[];

  constructor(settings: ReplicaSettings, ports: MembershipPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#members = new Members(settings.id, ports.clock.monotonic());
    this.#alive = this.#members.alive;
  }

  get id(): string {
    return this.#settings.id;
  }

  /** Who is alive, as far as we know, in order, we ourselves included. */
  get members(): readonly string[] {
    return this.#alive;
  }

  /** Resolves when the others are known and our own Lease is written. */
  async start(): Promise<void> {
    const { cluster, namespace } = this.#settings;
    const first = new Promise<void>((resolve) => (this.#first = resolve));
    void this.#renew();
    await new Promise<void>((resolve) => {
      const selection = {
        kind: leaseKind,
        plural: 'leases',
        namespace,
        labelSelector: `${leaseLabel}=replica`,
        optional: false,
      };
      this.#following = cluster.follow(selection, ({ synced, changed, gone, failure }) => {
        if (failure !== undefined) this.#ports.log.warn({ code: failure.code }, failure.message);
        for (const { name } of gone) this.#gone(name);
        for (const lease of changed) this.#saw(lease);
        this.#look();
        if (synced) resolve();
      });
    });
    await first;
  }

  /** Everything that it did has ended: the others need not wait for its Lease to run out. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRenewal?.();
    this.#cancelLook?.();
    this.#following?.stop();
    await this.#renewing;
    await this.#settings.cluster.delete(this.#ref(this.id));
  }

  /**
   * Whether it is ours to look after. `holder` is the replica whose Run of it has not ended: while that one is alive it
   * is the owner, so that a Run is never taken from it.
   */
  isOwn(subject: string, holder: string | undefined): boolean {
    const isHeld = holder !== undefined && this.#alive.includes(holder);
    return (isHeld ? holder : ownerAmong(subject, this.#alive)) === this.id;
  }

  /** A record says that this replica is at work: where its Lease was not heard of, the watch of Leases hangs (F14). */
  heard(replica: string): void {
    if (this.#members.heard(replica, this.#ports.clock.monotonic())) this.#look();
  }

  /** From when on a Run of that replica is surely over, on the monotonic clock; undefined while it lives. */
  runsEndMs(replica: string): number | undefined {
    return this.#alive.includes(replica) ? undefined : this.#members.doneMs(replica);
  }

  untilMs(): number | undefined {
    const nowMs = this.#ports.clock.monotonic();
    return nowMs < this.#untilMs ? Math.min(this.#untilMs, nowMs + longestRequestMs) : undefined;
  }

  /** One that, once it has ended, has ended for good, also when the Lease is renewed later. */
  tenure(): Tenure {
    const term = this.#term;
    return { untilMs: () => (term === this.#term ? this.untilMs() : undefined) };
  }

  /** Passes a hint on to the others: any of them may poll these repositories. */
  tell(urls: readonly string[]): void {
    if (urls.length === 0 || this.#stopped) return;
    this.#hints.add(urls);
    void this.#renew();
  }

  /** One at a time; who asks meanwhile gets another one. */
  #renew(): Promise<void> {
    this.#renewAgain = this.#renewing !== undefined;
    this.#renewing ??= this.#renewNow().finally(() => {
      this.#renewing = undefined;
      if (this.#renewAgain) void this.#renew();
    });
    return this.#renewing;
  }

  async #renewNow(): Promise<void> {
    if (this.#stopped) return;
    const { clock, log } = this.#ports;
    this.#cancelRenewal?.();
    const sentMs = clock.monotonic();
    const written = await this.#write();
    const nowMs = clock.monotonic();
    if (written.ok) this.#renewed(sentMs, nowMs);
    else {
      const { code, message } = written.failure;
      const effect = this.untilMs() !== undefined ? '' : '; nothing is written until it can be';
      log.warn({ code }, `the Lease of this replica could not be renewed: ${message}${effect}`);
    }
    this.#scheduleRenewal(written.ok ? renewMs : failedMs);
  }

  /** It counts from when it was sent: others may have seen it as early as that. */
  #renewed(sentMs: number, nowMs: number): void {
    const wasLost = nowMs >= this.#untilMs;
    this.#untilMs = sentMs + leaseMs - marginMs;
    if (!wasLost || this.untilMs() === undefined) return;
    this.#term += 1;
    if (this.#term > 1) this.#ports.log.warn({ replica: this.id }, 'the Lease of this replica had run out');
    // We may not have heard of the others either.
    this.#members.excuse(nowMs);
    this.#look();
    this.#ports.changed(true);
    this.#first();
  }

  #scheduleRenewal(delayMs: number): void {
    if (this.#stopped) return;
    this.#cancelRenewal = this.#ports.timers.after(
      delayMs * (0.9 + 0.2 * this.#ports.random.next()),
      () => void this.#renew(),
    );
  }

  async #write(): Promise<Result<undefined>> {
    const lease = this.#lease();
    const renewed = this.#term === 0 ? undefined : await this.#patch(lease);
    if (renewed !== undefined && (renewed.ok || renewed.failure.code !== 'NotFound')) return renewed;
    // Not there yet, or somebody deleted it.
    const created = await this.#settings.cluster.create(lease);
    if (!created.ok) return created;
    // The answer to an earlier attempt was lost.
    return created.value.result === 'done' ? ok(undefined) : this.#patch(lease);
  }

  async #patch({ metadata, spec }: Manifest): Promise<Result<undefined>> {
    const ref = this.#ref(this.id);
    const patch = { metadata: { annotations: metadata['annotations'] }, spec } as JsonObject;
    const written = await this.#settings.cluster.mergePatch(ref, patch);
    if (!written.ok) return written;
    return written.value.result === 'done' ? ok(undefined) : fail(conflict(written.value.why));
  }

  #lease(): Manifest {
    const { name, namespace } = this.#ref(this.id);
    return {
      apiVersion: apiVersionOf(leaseKind),
      kind: leaseKind.kind,
      metadata: {
        name,
        namespace,
        labels: { [leaseLabel]: 'replica', 'app.kubernetes.io/managed-by': 'trueup' },
        annotations: { [hintsAnnotation]: jsonText(this.#hints.told) },
      },
      spec: {
        holderIdentity: this.id,
        leaseDurationSeconds: leaseMs / 1000,
        renewTime: microTimestamp(this.#ports.clock.now()),
      },
    };
  }

  #saw(lease: Manifest): void {
    const { spec, metadata } = lease;
    const id = isObject(spec) ? spec['holderIdentity'] : undefined;
    if (typeof id !== 'string' || id === this.id || metadata.name !== this.#ref(id).name) return;
    this.#members.saw(id, String(metadata['resourceVersion']), this.#ports.clock.monotonic());
    const isMeant = this.#hints.news(id, metadata.annotations?.[hintsAnnotation]);
    if (isMeant !== undefined) this.#ports.hinted(isMeant);
  }

  #gone(name: string): void {
    const id = name.slice(leasePrefix.length);
    if (id === this.id) void this.#renew();
    this.#members.left(id);
    this.#hints.forget(id);
  }

  /** Notes who came and went, and when to look at the next one. */
  #look(): void {
    const before = this.#alive;
    this.#alive = this.#members.alive;
    if (before.join(' ') !== this.#alive.join(' ')) {
      this.#ports.log.info({ members: this.#alive }, `replicas: ${this.#alive.join(', ')}`);
      this.#ports.changed(false);
    }
    this.#cancelLook?.();
    const { nextMs } = this.#members;
    if (nextMs === undefined || this.#stopped) return;
    const delayMs = Math.max(nextMs - this.#ports.clock.monotonic(), failedMs);
    this.#cancelLook = this.#ports.timers.after(delayMs, () => void this.#lookAtSilent());
  }

  /** A watch that hangs is silent too: who is not heard of is asked for before it counts as dead. */
  async #lookAtSilent(): Promise<void> {
    const { clock } = this.#ports;
    // Who could not renew its own Lease may not have heard of the others either.
    const silent = this.untilMs() !== undefined ? this.#members.silent(clock.monotonic()) : [];
    for (const id of silent) {
      const lease = await this.#settings.cluster.read(this.#ref(id));
      if (!lease.ok || this.#stopped) continue;
      if (lease.value === undefined) this.#members.left(id);
      else if (!this.#members.saw(id, String(lease.value.metadata['resourceVersion']), clock.monotonic()))
        this.#members.died(id);
    }
    for (const { id, version } of this.#members.bury(clock.monotonic())) await this.#bury(id, version);
    this.#look();
  }

  async #bury(id: string, resourceVersion: string): Promise<void> {
    const { cluster } = this.#settings;
    const lease = await cluster.read(this.#ref(id));
    if (!lease.ok || lease.value === undefined) return;
    await cluster.remove(
      this.#ref(id),
      { uid: String(lease.value.metadata['uid']), resourceVersion },
      'Background',
    );
  }

  #ref(id: string): ObjectRef {
    return { ...leaseKind, namespace: this.#settings.namespace, name: `${leasePrefix}${id}` };
  }
}

const leasePrefix = 'trueup-';

/** The API server itself answers so where many write at once, whatever version was asked for: nothing was renewed. */
function conflict(message: string): Failure {
  return { kind: 'transient', code: 'Conflict', stage: 'record', message, hint: 'it is tried again' };
}
