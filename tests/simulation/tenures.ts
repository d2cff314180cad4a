/**
 * F14: who may write. A request leaves while the Lease of its sender is its own, and while no other replica has recorded
 * that it is at work on the same Unit; when it lands is another matter.
 */
import { leaseMs } from '#engine/members.ts';
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
  /** When each replica's Lease was renewed last. */
  readonly #renewed = new Map<string, number>();
  /** By the name of the record. */
  readonly #held = new Map<string, Held>();

  constructor(world: World, fleet: Fleet) {
    this.#world = world;
    this.#fleet = fleet;
  }

  wrote({ change, who, sentMs }: Written): void {
    if (change.resource === 'coordination.k8s.io/leases') this.#leaseWritten(change);
    else if (change.resource === 'trueup.dev/unitstates') this.#recordWritten(change);
    else if (who !== undefined && !isOurs(change.resource)) this.#objectWritten(change, who, sentMs);
  }
  sent(): void {}
  logged(): void {}

  #leaseWritten({ object, type }: Change): void {
    if (type !== 'DELETED')
      this.#renewed.set(String(memberOf(object, 'spec', 'holderIdentity')), this.#world.nowMs);
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
    const renewedMs = this.#renewed.get(who);
    if (app === undefined || renewedMs === undefined) return;
    const place = `${change.resource} ${change.object.metadata.namespace}/${change.object.metadata.name}`;
    if (sentMs > renewedMs + leaseMs)
      throw new Violation('F14', `${who} wrote ${place} ${sentMs - renewedMs} ms after it renewed its Lease`);
    const holders = this.#holdersAt(app, sentMs);
    if (holders.length > 0 && !holders.includes(who))
      throw new Violation('F14', `${who} wrote ${place}, at which ${holders.join(', ')} was at work`);
  }

  #holdersAt(app: App, atMs: number): readonly string[] {
    return [...this.#held.values()].flatMap(({ app: name, holdings }) => {
      const { holder } = holdings.findLast(({ fromMs }) => fromMs <= atMs) ?? {};
      return name === app.name && holder !== undefined ? [holder] : [];
    });
  }
}
