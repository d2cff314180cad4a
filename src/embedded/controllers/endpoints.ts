/** What stands behind a Service: the addresses of its pods, as EndpointSlice and as Endpoints. */
import { canonicalJson } from '#model/json.ts';
import type { Stored } from '../objects.ts';
import { objectKey, type Change } from '../store.ts';
import { isDeleting, keyOf, type Client } from './client.ts';
import {
  endpoints,
  endpointSlices,
  pods,
  services,
  type Pod,
  type Service,
  type ServicePort,
} from './kinds.ts';
import { hasLabels } from './labels.ts';
import { controlledBy } from './ownership.ts';
import { isFinished, isReady } from './pods.ts';
import type { Controller } from './runner.ts';

const serviceLabel = 'kubernetes.io/service-name';
const slicesBy = { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' };
const endpointsBy = { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' };

interface Port {
  readonly name?: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
}

export class Endpoints implements Controller {
  readonly name = 'endpoints';
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  concerns({ resource, object, before }: Change): readonly string[] {
    const { namespace = '', labels = {} } = object.metadata;
    if (resource === services.key) return [keyOf(object)];
    if (resource === endpoints.key) return [keyOf(object)];
    if (resource === endpointSlices.key)
      return labels[serviceLabel] === undefined ? [] : [objectKey(namespace, labels[serviceLabel])];
    if (resource !== pods.key) return [];
    return this.#client
      .list(services, namespace)
      .filter((service) => isBehind(service, object) || (before !== undefined && isBehind(service, before)))
      .map(keyOf);
  }

  sync(key: string): void {
    const service = this.#client.at(services, key);
    if (service === undefined || isDeleting(service) || service.spec.selector === undefined) {
      this.#forget(key);
      return;
    }
    if (service.spec.type === 'ExternalName') return;
    const behind = this.#client
      .list(pods, service.metadata.namespace)
      .filter((pod) => isBehind(service, pod) && pod.status.podIP !== undefined && !isFinished(pod));
    this.#slice(service, behind);
    this.#endpoints(service, behind);
  }

  /** Slices go with their owner; Endpoints have none. */
  #forget(key: string): void {
    const found = this.#client.at(endpoints, key);
    const service = this.#client.at(services, key);
    if (service === undefined && found !== undefined && hasLabels(found.metadata.labels ?? {}, endpointsBy))
      this.#client.delete(endpoints.key, found);
  }

  #slice(service: Service, behind: readonly Pod[]): void {
    const { name, namespace = '' } = service.metadata;
    const labels = { ...service.metadata.labels, ...slicesBy, [serviceLabel]: name };
    const all = service.spec.publishNotReadyAddresses === true;
    const listed = behind.map((pod) => ({
      addresses: [pod.status.podIP],
      conditions: {
        ready: (all || isReady(pod)) && !isDeleting(pod),
        serving: isReady(pod),
        terminating: isDeleting(pod),
      },
      nodeName: pod.spec.nodeName,
      targetRef: referenceTo(pod),
    }));
    const ports = portsOf(service, behind).map((port) => ({ name: '', ...port }));
    const known = this.#client
      .list(endpointSlices, namespace)
      .find(({ metadata }) => hasLabels(metadata.labels ?? {}, { ...slicesBy, [serviceLabel]: name }));
    if (known === undefined) {
      const metadata = {
        generateName: `${name}-`,
        labels,
        ownerReferences: [controlledBy(services, service)],
      };
      this.#client.create(endpointSlices, namespace, {
        metadata,
        addressType: 'IPv4',
        endpoints: listed,
        ports,
      });
      return;
    }
    if (isSame(known, { endpoints: listed, ports })) return;
    this.#client.patch(endpointSlices, known, { metadata: { labels }, endpoints: listed, ports });
  }

  #endpoints(service: Service, behind: readonly Pod[]): void {
    const { name, namespace = '' } = service.metadata;
    const address = (pod: Pod): object => ({
      ip: pod.status.podIP,
      nodeName: pod.spec.nodeName,
      targetRef: referenceTo(pod),
    });
    const alive = behind.filter((pod) => !isDeleting(pod));
    const all = service.spec.publishNotReadyAddresses === true;
    const addresses = alive.filter((pod) => all || isReady(pod)).map(address);
    const notReadyAddresses = alive.filter((pod) => !all && !isReady(pod)).map(address);
    const ports = portsOf(service, behind);
    const subset = {
      ...(addresses.length === 0 ? {} : { addresses }),
      ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
      ...(ports.length === 0 ? {} : { ports }),
    };
    const subsets = alive.length === 0 ? undefined : [subset];
    const known = this.#client.get(endpoints, namespace, name);
    if (known === undefined) {
      const labels = { ...service.metadata.labels, ...endpointsBy };
      this.#client.create(endpoints, namespace, { metadata: { name, labels }, subsets });
      return;
    }
    if (!isSame(known, { subsets })) this.#client.patch(endpoints, known, { subsets: subsets ?? null });
  }
}

function isSame(known: Stored, wanted: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(wanted).every(
    ([member, value]) => canonicalJson(known[member]) === canonicalJson(value),
  );
}

function isBehind({ spec, metadata }: Service, pod: Stored): boolean {
  return (
    spec.selector !== undefined &&
    metadata.namespace === pod.metadata.namespace &&
    hasLabels(pod.metadata.labels ?? {}, spec.selector)
  );
}

const referenceTo = ({ metadata }: Pod): object => ({
  kind: pods.kind,
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
});

/** A port that is named is looked up in the pods. */
function portsOf({ spec }: Service, behind: readonly Pod[]): readonly Port[] {
  return (spec.ports ?? []).flatMap((each) => {
    const port = numberOf(each, behind);
    if (port === undefined) return [];
    const { name, protocol = 'TCP', appProtocol } = each;
    return [
      {
        ...(name === undefined ? {} : { name }),
        port,
        protocol,
        ...(appProtocol === undefined ? {} : { appProtocol }),
      },
    ];
  });
}

function numberOf({ port, targetPort = port }: ServicePort, behind: readonly Pod[]): number | undefined {
  if (typeof targetPort === 'number') return targetPort;
  return behind
    .flatMap(({ spec }) => spec.containers.flatMap(({ ports = [] }) => ports))
    .find(({ name }) => name === targetPort)?.containerPort;
}
