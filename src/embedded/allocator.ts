/** Addresses and ports for Services: handed out in order, none twice while it is in use. */
import { valueAt } from './objects.ts';
import { resourceKey, type Store } from './store.ts';
import type { Resource } from './resources.ts';

const services = resourceKey({ group: '', name: 'services' });
const nodePortMin = 30_000;
const nodePortMax = 32_767;
const portsOffered = 16;
const addressesMax = 65_000;

export interface Offer {
  readonly clusterIP: string;
  readonly nodePorts: readonly number[];
}
const nothing: Offer = { clusterIP: '', nodePorts: [] };

export class Allocator {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** What a new Service may take; other kinds need nothing. */
  offer({ group, name }: Resource): Offer {
    if (group !== '' || name !== 'services') return nothing;
    const addresses = new Set<unknown>();
    const ports = new Set<unknown>();
    for (const service of this.#store.list(services)) {
      addresses.add(valueAt(service, ['spec', 'clusterIP']));
      const listed = valueAt(service, ['spec', 'ports']);
      if (Array.isArray(listed)) for (const port of listed) ports.add(valueAt(port, ['nodePort']));
    }
    const nodePorts: number[] = [];
    for (let port = nodePortMin; port <= nodePortMax && nodePorts.length < portsOffered; port += 1)
      if (!ports.has(port)) nodePorts.push(port);
    return { clusterIP: firstFree(addresses), nodePorts };
  }
}

/** In 10.96.0.0/16, as kubeadm has it; .1 is the API server's own. */
function firstFree(taken: ReadonlySet<unknown>): string {
  for (let number = 2; number < addressesMax; number += 1) {
    const address = `10.96.${number >> 8}.${number & 255}`;
    if (!taken.has(address)) return address;
  }
  return '';
}
