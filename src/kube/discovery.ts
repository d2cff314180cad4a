/**
 * Which kinds a cluster serves, and where. One request to /api and one to /apis (aggregated discovery, GA since
 * Kubernetes 1.30); servers that do not know it are asked group by group.
 */
import type { Failure, Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import { canonicalJson, isObject } from '#model/json.ts';
import type { ApiResource } from '#model/observed.ts';
import type { GroupVersionKind, ObjectKey } from '#model/object.ts';
import { apiVersionOf, kindText, splitApiVersion } from '#model/object.ts';
import type { Capabilities, Clock } from '#model/ports.ts';
import type { Call, Reply } from './call.ts';
import type { Transport } from './transport.ts';

const AGGREGATED =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,' +
  'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';
/** A kind that was not there is looked for again at most this often. */
const MISSING_RECHECK_MS = 1_000;

export interface ServedKind extends ApiResource {
  /** Whether `status` is written by its own path. */
  readonly statusSubresource: boolean;
}
interface Served {
  readonly list: readonly ServedKind[];
  readonly byKind: ReadonlyMap<string, ServedKind>;
  /** Group versions that could not be asked: what is missing in them is not known to be missing (F19). */
  readonly unknown: ReadonlySet<string>;
  readonly version: Result<string>;
}
/** What a look shows that the one before did not. */
export interface Seen {
  readonly came: (kind: GroupVersionKind) => boolean;
  /** Anything at all. */
  readonly isOther: boolean;
}

export class Discovery {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #refreshed: (seen: Seen) => void;
  #served: Served | undefined;
  #running: Promise<Result<Served>> | undefined;
  #next: Promise<Result<Served>> | undefined;
  #refreshedAtMs = -Infinity;

  /** `refreshed` is called after every look that succeeded. */
  constructor(transport: Transport, clock: Clock, refreshed: (seen: Seen) => void) {
    this.#transport = transport;
    this.#clock = clock;
    this.#refreshed = refreshed;
  }

  async resources(refresh: boolean): Promise<Result<readonly ServedKind[]>> {
    const served = await this.#current(refresh);
    return served.ok ? ok(served.value.list) : served;
  }

  async capabilities(): Promise<Result<Capabilities>> {
    const last = await this.#current(false);
    const served = last.ok && !last.value.version.ok ? await this.#current(true) : last;
    if (!served.ok) return served;
    const { list, unknown, version } = served.value;
    if (!version.ok) return version;
    const apiVersions = new Set(
      list.flatMap((kind) => [apiVersionOf(kind), `${apiVersionOf(kind)}/${kind.kind}`]),
    );
    return ok({
      kubeVersion: version.value,
      apiVersions: [...apiVersions].toSorted(),
      unknown: [...unknown].toSorted(),
    });
  }

  /** Where the kind is served; looks again, once, when it is not known. */
  async locate(kind: GroupVersionKind): Promise<Result<ServedKind>> {
    const text = kindText(kind);
    const first = await this.#current(false);
    if (!first.ok) return first;
    const found = first.value.byKind.get(text);
    if (found !== undefined) return ok(found);
    const again =
      this.#clock.monotonic() - this.#refreshedAtMs < MISSING_RECHECK_MS ? first : await this.#current(true);
    if (!again.ok) return again;
    const now = again.value.byKind.get(text);
    if (now !== undefined) return ok(now);
    if (again.value.unknown.has(apiVersionOf(kind))) {
      return fail({
        kind: 'transient',
        code: 'DiscoveryIncomplete',
        stage: 'observe',
        message: `the cluster cannot say now whether it serves ${kind.kind} in ${apiVersionOf(kind)}`,
        hint: 'check the API service behind that group (kubectl get apiservices)',
      });
    }
    return fail(notServed(kind));
  }

  #current(refresh: boolean): Promise<Result<Served>> {
    if (!refresh && this.#served !== undefined) return Promise.resolve(ok(this.#served));
    if (this.#running !== undefined) {
      if (!refresh) return this.#running;
      // The look under way may have begun before what the caller wants to see: all who ask now share the next.
      this.#next ??= this.#running.then(() => {
        this.#next = undefined;
        return this.#current(true);
      });
      return this.#next;
    }
    this.#running = this.#look().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #look(): Promise<Result<Served>> {
    const [core, groups, version] = await Promise.all([
      this.#get('/api', AGGREGATED),
      this.#get('/apis', AGGREGATED),
      this.#get('/version', 'application/json'),
    ]);
    if (!core.answered) return fail(core.failure);
    if (!groups.answered) return fail(groups.failure);
    const unknown = new Set<string>();
    const list = [
      ...(isAggregated(core.body)
        ? aggregated(core.body, unknown)
        : await this.#oneByOne(core.body, unknown)),
      ...(isAggregated(groups.body)
        ? aggregated(groups.body, unknown)
        : await this.#oneByOne(groups.body, unknown)),
    ];
    const served: Served = {
      list,
      byKind: new Map(list.map((kind) => [kindText(kind), kind])),
      unknown,
      version: versionOf(version),
    };
    const before = this.#served;
    this.#served = served;
    this.#refreshedAtMs = this.#clock.monotonic();
    this.#refreshed({
      came: (kind) => served.byKind.has(kindText(kind)) && before?.byKind.has(kindText(kind)) !== true,
      isOther: before !== undefined && textOfServed(before) !== textOfServed(served),
    });
    return ok(served);
  }

  async #oneByOne(body: unknown, unknown: Set<string>): Promise<readonly ServedKind[]> {
    const versions = groupVersions(body);
    const replies = await Promise.all(
      versions.map((apiVersion) =>
        this.#get(
          apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`,
          'application/json',
        ),
      ),
    );
    return replies.flatMap((reply, index) => {
      const apiVersion = versions[index] ?? '';
      if (!reply.answered) {
        unknown.add(apiVersion);
        return [];
      }
      return oneGroup(apiVersion, reply.body);
    });
  }

  #get(path: string, accept: string): Promise<Reply> {
    const call: Call = {
      verb: 'discover',
      method: 'GET',
      path,
      resource: 'discovery',
      stage: 'observe',
      repeatable: true,
      accept,
    };
    return this.#transport.send(call);
  }
}

function textOfServed({ byKind, unknown, version }: Served): string {
  return canonicalJson([[...byKind.keys()].toSorted(), [...unknown].toSorted(), version]);
}

function versionOf(reply: Reply): Result<string> {
  if (!reply.answered) return fail(reply.failure);
  const version = isObject(reply.body) ? reply.body['gitVersion'] : undefined;
  if (typeof version === 'string') return ok(version);
  return fail({
    kind: 'terminal',
    code: 'UnexpectedAnswer',
    stage: 'observe',
    message: 'the server answered /version without a gitVersion',
    hint: 'check that the server address is that of a Kubernetes API',
  });
}

export function notServed(kind: GroupVersionKind): Failure {
  return {
    kind: 'transient',
    code: 'KindNotServed',
    stage: 'observe',
    message: `the cluster does not serve ${kind.kind} in ${apiVersionOf(kind)}`,
    hint: 'install the CRD or API service that defines it, or correct the apiVersion',
  };
}

/** `/apis/apps/v1/namespaces/payments/deployments`; all namespaces without one. */
export function collectionPath(
  kind: { readonly group: string; readonly version: string; readonly plural: string },
  namespace?: string,
): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const inside =
    namespace === undefined || namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${inside}/${kind.plural}`;
}

export function objectPath(kind: ServedKind, key: ObjectKey, subresource?: string): string {
  const path = `${collectionPath(kind, kind.namespaced ? key.namespace : undefined)}/${encodeURIComponent(key.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** `deployments.apps`, as RBAC and kubectl write it. */
export function resourceName(kind: { readonly group: string; readonly plural: string }): string {
  return kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
}

function isAggregated(body: unknown): boolean {
  return isObject(body) && body['kind'] === 'APIGroupDiscoveryList';
}

function aggregated(body: unknown, unknown: Set<string>): readonly ServedKind[] {
  return itemsOf(body, 'items').flatMap((item) => {
    const group = textOf(isObject(item['metadata']) ? item['metadata']['name'] : undefined);
    return itemsOf(item, 'versions').flatMap((entry) => {
      const version = textOf(entry['version']);
      const resources = itemsOf(entry, 'resources');
      if (entry['freshness'] === 'Stale') unknown.add(apiVersionOf({ group, version }));
      return resources.flatMap((resource): readonly ServedKind[] => {
        const kind = isObject(resource['responseKind']) ? textOf(resource['responseKind']['kind']) : '';
        if (kind === '') return [];
        return [
          {
            group,
            version,
            kind,
            plural: textOf(resource['resource']),
            namespaced: resource['scope'] === 'Namespaced',
            verbs: textsOf(resource['verbs']),
            statusSubresource: itemsOf(resource, 'subresources').some(
              (sub) => sub['subresource'] === 'status',
            ),
          },
        ];
      });
    });
  });
}

/** `v1` of /api; every version of every group of /apis. */
function groupVersions(body: unknown): readonly string[] {
  if (!isObject(body)) return [];
  if (Array.isArray(body['versions'])) return textsOf(body['versions']);
  return itemsOf(body, 'groups').flatMap((group) =>
    itemsOf(group, 'versions').map((version) => textOf(version['groupVersion'])),
  );
}

function oneGroup(apiVersion: string, body: unknown): readonly ServedKind[] {
  const resources = itemsOf(body, 'resources');
  const names = new Set(resources.map((resource) => textOf(resource['name'])));
  return resources
    .filter((resource) => !textOf(resource['name']).includes('/'))
    .map((resource) => ({
      ...splitApiVersion(apiVersion),
      kind: textOf(resource['kind']),
      plural: textOf(resource['name']),
      namespaced: resource['namespaced'] === true,
      verbs: textsOf(resource['verbs']),
      statusSubresource: names.has(`${textOf(resource['name'])}/status`),
    }));
}

function itemsOf(value: unknown, member: string): readonly { readonly [key: string]: unknown }[] {
  const items = isObject(value) ? value[member] : undefined;
  return Array.isArray(items) ? items.filter(isObject) : [];
}
function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
