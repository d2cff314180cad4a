/** Gives LoadBalancer Services and Ingresses an address after a moment, as a cloud or an ingress controller does. */
import type { Change } from '../store.ts';
import { isDeleting, itself, type Client } from './client.ts';
import { ingresses, services, type Service } from './kinds.ts';
import { nodeAddress } from './node.ts';
import { Pace } from './pace.ts';
import type { Recorder, Tell } from './recorder.ts';
import type { Again, Controller } from './runner.ts';

const delayMs = 500;

export class LoadBalancers implements Controller {
  readonly name = 'load-balancers';
  readonly concerns: (change: Change) => readonly string[] = itself(services);
  readonly #client: Client;
  readonly #tell: Tell;
  readonly #pace: Pace;

  constructor(client: Client, recorder: Recorder) {
    this.#client = client;
    this.#tell = recorder.as('service-controller');
    this.#pace = new Pace(client.clock);
  }

  sync(key: string, again: Again): void {
    const service = this.#client.at(services, key);
    if (service === undefined || isDeleting(service)) return;
    const isGiven = (service.status.loadBalancer?.ingress ?? []).length > 0;
    if (service.spec.type !== 'LoadBalancer') {
      if (isGiven) this.#client.setStatus(services, service, { loadBalancer: {} });
      return;
    }
    if (isGiven || !this.#pace.passed(service.metadata.uid, 'balance', delayMs, again)) return;
    const ip = service.spec.loadBalancerIP ?? this.#freeAddress();
    this.#client.setStatus(services, service, { loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] } });
    this.#tell(service, 'EnsuredLoadBalancer', 'Ensured load balancer');
  }

  #freeAddress(): string {
    const given = ({ status }: Service) => (status.loadBalancer?.ingress ?? []).map(({ ip }) => ip);
    const taken = new Set(this.#client.list(services).flatMap(given));
    let number = 1;
    while (taken.has(addressOf(number))) number += 1;
    return addressOf(number);
  }
}

const addressOf = (number: number): string => `172.19.${number >> 8}.${number & 255}`;

export class Ingresses implements Controller {
  readonly name = 'ingresses';
  readonly concerns: (change: Change) => readonly string[] = itself(ingresses);
  readonly #client: Client;
  readonly #tell: Tell;
  readonly #pace: Pace;

  constructor(client: Client, recorder: Recorder) {
    this.#client = client;
    this.#tell = recorder.as('ingress-controller');
    this.#pace = new Pace(client.clock);
  }

  sync(key: string, again: Again): void {
    const ingress = this.#client.at(ingresses, key);
    if (ingress === undefined || isDeleting(ingress)) return;
    if ((ingress.status.loadBalancer?.ingress ?? []).length > 0) return;
    if (!this.#pace.passed(ingress.metadata.uid, 'admit', delayMs, again)) return;
    this.#client.setStatus(ingresses, ingress, { loadBalancer: { ingress: [{ ip: nodeAddress }] } });
    this.#tell(ingress, 'Sync', 'Scheduled for sync');
  }
}
