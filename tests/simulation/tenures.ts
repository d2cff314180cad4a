/**
 * F14: who may write. A request leaves while the Lease of its sender is its own, and while no other replica has recorded
 * that it is at work on the same Unit; when it lands is another matter.
 */
import { leaseMs } from '#engine/members.ts';
import type { JsonObject } from '#model/json.ts';
import type { Change } from '#embedded/store.ts';
import type { App, Fleet } from './fleet.ts';
import { memberOf } from './kubectl.ts';
import { isOurs, Violation } from './oracles.ts';
import type { Watcher, World, Written } from './world.ts';

/** From then on; undefined: nobody is at work. */
interface Holding {
  readonly fromMs: number;
  readonly holder: string | undefined;
}
interface Held {
  readonly app: string;
  readonly holdings: Holding[];
}

export class Tenures implements Watcher {
  readonly #world: World;
  readonly #fleet: Fleet;
  /** When each replica's Lease was renewed. */
  readonly #renewed = new Map<string, number[]>();
  /** The versions of resources that each process was told of. */
  readonly #known = new Map<string, readonly { readonly atMs: number; readonly version: number }[]>();
  /** Who wrote the status of each resource last. */
  readonly #statuses = new Map<string, { readonly who: string; readonly version: number }>();
  /** By the name of the record. */
  readonly #held = new Map<string, Held>();

  constructor(world: World, fleet: Fleet) {
    this.#world = world;
    this.#fleet = fleet;
  }

  told(who: string, resource: JsonObject): void {
    const known = this.#known.get(keyOf(who, resource)) ?? [];
    this.#known.set(keyOf(who, resource), [
      ...known,
      { atMs: this.#world.nowMs, version: versionOf(resource) },
    ]);
  }

  wrote({ change, who, sentMs }: Written): void {
    if (declared.has(change.object.kind)) return this.#statusWritten(change, who, sentMs);
    if (change.resource === 'coordination.k8s.io/leases') this.#leaseWritten(change);
    else if (change.resource === 'trueup.dev/unitstates') this.#recordWritten(change);
    else if (who !== undefined && !isOurs(change.resource)) this.#objectWritten(change, who, sentMs);
  }
  sent(): void {}
  logged(): void {}

  #leaseWritten({ object, type }: Change): void {
    const holder = String(memberOf(object, 'spec', 'holderIdentity'));
    if (type !== 'DELETED')
      this.#renewed.set(holder, [...(this.#renewed.get(holder) ?? []), this.#world.nowMs]);
  }

  #recordWritten({ object, type }: Change): void {
    if (object['shardOf'] !== undefined) return;
    const { name } = object.metadata;
    const app = String(memberOf(object, 'metadata', 'labels', 'trueup.dev/owner-name'));
    const held = this.#held.get(name) ?? { app, holdings: [] };
    this.#held.set(name, held);
    const found = type === 'DELETED' ? undefined : memberOf(object, 'state', 'intent', 'replica');
    const holder = typeof found === 'string' ? found : undefined;
    held.holdings.push({ fromMs: this.#world.nowMs, holder });
  }

  #objectWritten(change: Change, who: string, sentMs: number): void {
    const app = this.#fleet.appOf(change);
    const renewedMs = this.#renewed.get(who)?.findLast((atMs) => atMs <= sentMs);
    if (app === undefined || this.#world.replicas.length === 1) return;
    const place = `${change.resource} ${change.object.metadata.namespace}/${change.object.metadata.name}`;
    if (renewedMs === undefined) throw new Violation('F14', `${who} wrote ${place} before it had a Lease`);
    if (sentMs > renewedMs + leaseMs)
      throw new Violation('F14', `${who} wrote ${place} ${sentMs - renewedMs} ms after it renewed its Lease`);
    const holders = this.#holdersAt(app, sentMs);
    if (holders.length > 0 && !holders.includes(who))
      throw new Violation('F14', `${who} wrote ${place}, at which ${holders.join(', ')} was at work`);
  }

  /** Nobody would repair a status that comes late. */
  #statusWritten({ object, before }: Change, who: string | undefined, sentMs: number): void {
    const [was, is] = [before, object].map((each) => JSON.stringify(memberOf(each, 'status') ?? {}));
    if (who === undefined || was === is || this.#world.replicas.length === 1) return;
    const last = this.#statuses.get(object.metadata.uid);
    this.#statuses.set(object.metadata.uid, { who, version: versionOf(object) });
    if (last === undefined || last.who === who) return;
    const known = this.#known.get(keyOf(who, object))?.filter(({ atMs }) => atMs <= sentMs) ?? [];
    if (!known.some(({ version }) => version >= last.version))
      throw new Violation(
        'F14',
        `${who} wrote over the status of ${object.metadata.name} by ${last.who}, which it had not seen`,
      );
  }

  #holdersAt(app: App, atMs: number): readonly string[] {
    return [...this.#held.values()].flatMap(({ app: name, holdings }) => {
      const { holder } = holdings.findLast(({ fromMs }) => fromMs <= atMs) ?? {};
      return name === app.name && holder !== undefined ? [holder] : [];
    });
  }
}

const declared = new Set(['Application', 'Kustomization']);
const versionOf = (resource: unknown): number => Number(memberOf(resource, 'metadata', 'resourceVersion'));
const keyOf = (who: string, resource: unknown): string =>
  `${who} ${String(memberOf(resource, 'metadata', 'uid'))}`;
