/** An embedded cluster with its controllers, over a clock that the test moves. */
import { ManualTime } from '#kube/manual-time.fixture.ts';
import { jsonText } from '#model/json.ts';
import type { Random } from '#model/ports.ts';
import { Allocator } from '../allocator.ts';
import { Api, type DeleteOptions } from '../api.ts';
import { startControllers, type Controllers } from '../controllers.ts';
import { loadMachinery, openMachinery, type Machinery } from '../machinery.ts';
import type { Stored } from '../objects.ts';
import { Registry } from '../registry.ts';
import { forgetful, Store, type Change } from '../store.ts';
import { events, type KindOf } from './kinds.ts';

/** Different numbers, and always the same ones. */
export function seeded(): Random {
  let state = 42;
  const step = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state;
  };
  return {
    next: () => step() / 0x8000_0000,
    bytes: (count) => Uint8Array.from({ length: count }, () => step() >> 16),
  };
}

let loaded: Promise<WebAssembly.Module> | undefined;

export interface Ground {
  readonly time: ManualTime;
  readonly machinery: Machinery;
}
/** Opening the module takes a second: one for the tests of a file. */
export async function openGround(): Promise<Ground> {
  loaded ??= loadMachinery();
  const time = new ManualTime();
  return { time, machinery: openMachinery(await loaded, time, seeded()) };
}

export class TestCluster {
  readonly time: ManualTime;
  readonly store = new Store(forgetful);
  readonly api: Api;
  readonly changes: Change[] = [];
  /** What controllers could not do. */
  readonly complaints: string[] = [];
  readonly #registry: Registry;
  #controllers: Controllers;

  constructor({ time, machinery }: Ground) {
    this.time = time;
    this.#registry = new Registry(machinery);
    this.api = new Api({
      store: this.store,
      registry: this.#registry,
      machinery,
      allocator: new Allocator(this.store),
      clock: time,
    });
    this.store.onChange((change) => this.changes.push(change));
    this.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
    this.#controllers = this.#start();
    time.advance(0);
  }

  #start(): Controllers {
    const complain = (fields: object, message: string): void => {
      this.complaints.push(`${message} ${JSON.stringify(fields)}`);
    };
    const log = { debug() {}, info() {}, warn: complain, error: complain };
    const { time, api, store } = this;
    return startControllers({ api, store, registry: this.#registry, clock: time, timers: time, log });
  }

  stop(): void {
    this.#controllers.stop();
  }

  restart(): void {
    this.stop();
    this.#controllers = this.#start();
  }

  /** Applied as kubectl does, without the namespace that most tests use. */
  apply(manifest: object): Stored {
    const { apiVersion, kind, metadata } = manifest as Stored;
    const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    const resource = this.#registry.all.find(
      (each) => each.kind === kind && each.group === group && each.version === version,
    );
    if (resource === undefined) throw new Error(`${apiVersion} ${kind} is not served`);
    const namespace = resource.namespaced ? (metadata.namespace ?? 'default') : '';
    const address = { resource, namespace, name: metadata.name };
    return this.api.change(address, 'apply', jsonText(manifest), { manager: 'kubectl', force: true }).object;
  }

  #address(kind: KindOf<Stored>, name: string, namespace: string) {
    const resource = this.#registry.ofKey(kind.key)!;
    return { resource, name, namespace: resource.namespaced ? namespace : '' };
  }

  patch(kind: KindOf<Stored>, name: string, patch: object, namespace = 'default'): void {
    this.api.change(this.#address(kind, name, namespace), 'merge', jsonText(patch), { manager: 'kubectl' });
  }

  delete(
    kind: KindOf<Stored>,
    name: string,
    options: DeleteOptions = { propagation: 'Background' },
    namespace = 'default',
  ): void {
    this.api.delete(this.#address(kind, name, namespace), options);
  }

  get<T extends Stored>({ key, kind }: KindOf<T>, name: string, namespace = 'default'): T {
    const { namespaced } = this.#registry.ofKey(key)!;
    const found = this.store.get(key, namespaced ? namespace : '', name);
    if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
    return found as T;
  }

  has<T extends Stored>({ key }: KindOf<T>, name: string, namespace = 'default'): boolean {
    const { namespaced } = this.#registry.ofKey(key)!;
    return this.store.get(key, namespaced ? namespace : '', name) !== undefined;
  }

  list<T extends Stored>({ key }: KindOf<T>, namespace = 'default'): readonly T[] {
    const { namespaced } = this.#registry.ofKey(key)!;
    return this.store.list(key, namespaced ? namespace : undefined) as readonly T[];
  }

  /** `reason: message`, in the order in which they were said first. */
  said(name?: string): readonly string[] {
    return this.changes
      .filter(({ type, resource }) => resource === events.key && type === 'ADDED')
      .filter(
        ({ object }) => name === undefined || (object['involvedObject'] as { name: string }).name === name,
      )
      .map(({ object }) => `${String(object['reason'])}: ${String(object['message'])}`);
  }
}

export const container = (image = 'app:1'): object => ({ name: 'app', image });

export function deployment(name: string, replicas = 2, more: object = {}, template: object = {}): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: podTemplate(name, template),
      ...more,
    },
  };
}

export function podTemplate(app: string, spec: object = {}, annotations: object = {}): object {
  return { metadata: { labels: { app }, annotations }, spec: { containers: [container()], ...spec } };
}
