/**
 * Tells when kinds may have come or gone, so that nobody polls for a kind that is not served: follows the
 * CustomResourceDefinitions, names and versions only, from when somebody first needs to know, and has discovery look
 * anew after each change, and when the server may have become another one. Discovery shows a new kind some time after
 * its definition is established, hence more than once.
 */
import { ok } from '#model/failure.ts';
import type { Cancel } from '#model/ports.ts';
import type { Collection, Sink } from './collection.ts';
import type { Discovery } from './discovery.ts';
import type { ReflectorOptions, ReflectorPorts } from './reflector.ts';
import { Reflector } from './reflector.ts';
import type { Transport } from './transport.ts';

const DEFINITIONS: Collection = {
  resource: 'customresourcedefinitions.apiextensions.k8s.io',
  path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadataOnly: true,
};
/** After a change. The first gathers the several changes that one new definition goes through. */
const LOOKS_MS: readonly number[] = [200, 1_000, 5_000];
const RECHECK_MS = 1_000;

export class NewKinds {
  readonly #discovery: Discovery;
  readonly #ports: ReflectorPorts;
  readonly #reflector: Reflector;
  #started = false;
  #listed = false;
  #failing = false;
  #looks: readonly Cancel[] = [];
  #recheck: Cancel | undefined;

  constructor(
    transport: Transport,
    discovery: Discovery,
    ports: ReflectorPorts,
    options: Partial<ReflectorOptions>,
  ) {
    this.#discovery = discovery;
    this.#ports = ports;
    this.#reflector = new Reflector(transport, ports, options, async () => ok(DEFINITIONS), this.#sink());
  }

  /** A kind is missed. What is remembered of discovery may be from before its end, so that is looked at anew, too. */
  wanted(): void {
    this.#recheck ??= this.#ports.timers.after(RECHECK_MS, () => {
      this.#recheck = undefined;
      void this.#discovery.resources(true);
    });
    this.watch();
  }

  watch(): void {
    if (this.#started) return;
    this.#started = true;
    this.#reflector.start();
  }

  close(): void {
    this.#reflector.stop();
    this.#recheck?.();
    for (const cancel of this.#looks) cancel();
  }

  #sink(): Sink {
    return {
      begin: () => ({
        page: () => {},
        commit: () => {
          // The first list says only what there was; a later one comes after a gap, in which anything may have changed.
          if (this.#listed) this.#look(LOOKS_MS);
          this.#listed = true;
        },
      }),
      events: (events) => {
        if (events.length > 0) this.#look(LOOKS_MS);
      },
      state: ({ phase }) => {
        if (phase === 'live' && this.#failing) this.#look(LOOKS_MS);
        this.#failing = phase === 'failing';
      },
      interrupted: () => this.#look(LOOKS_MS),
    };
  }

  #look(delaysMs: readonly number[]): void {
    for (const cancel of this.#looks) cancel();
    this.#looks = delaysMs.map((delayMs) =>
      this.#ports.timers.after(delayMs, () => void this.#discovery.resources(true)),
    );
  }
}
