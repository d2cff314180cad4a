/** What the server says that it serves: `/api`, `/apis` and below, in the older form and in the aggregated one. */
import type { Registry } from './registry.ts';
import { allVerbs, type Resource } from './resources.ts';

interface Group {
  readonly group: string;
  readonly versions: readonly string[];
}

/** In the order of their first resource; a group's preferred version first. */
export function groupsOf(registry: Registry): readonly Group[] {
  const groups = new Map<string, string[]>();
  for (const { group, version } of registry.all) {
    const versions = groups.get(group) ?? [];
    if (!versions.includes(version)) versions.push(version);
    groups.set(group, versions);
  }
  return [...groups].map(([group, versions]) => ({ group, versions }));
}

const groupVersion = (group: string, version: string): string =>
  group === '' ? version : `${group}/${version}`;

/** `server` is where this one was asked. */
export function apiVersions(server: string): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: server }],
  };
}

export function groupList(registry: Registry): object {
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: groupsOf(registry)
      .filter(({ group }) => group !== '')
      .map((group) => groupEntry(group)),
  };
}

export function groupEntry({ group, versions }: Group): object {
  const entries = versions.map((version) => ({ groupVersion: groupVersion(group, version), version }));
  return { name: group, versions: entries, preferredVersion: entries[0] };
}

export function resourceList(registry: Registry, group: string, version: string): object | undefined {
  const resources = registry.all.filter((known) => known.group === group && known.version === version);
  if (resources.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: groupVersion(group, version),
    resources: resources.flatMap((resource) => [
      {
        name: resource.name,
        singularName: resource.singular,
        namespaced: resource.namespaced,
        kind: resource.kind,
        verbs: allVerbs,
        ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
        ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
      },
      ...subresourcesOf(resource),
    ]),
  };
}

const changing = ['get', 'patch', 'update'];
const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };

function subresourcesOf(resource: Resource): readonly object[] {
  const base = { singularName: '', namespaced: resource.namespaced };
  return [
    ...resource.subresources.map((subresource) => ({
      ...base,
      name: `${resource.name}/${subresource}`,
      ...(subresource === 'scale' ? scaleKind : { kind: resource.kind }),
      verbs: changing,
    })),
    ...(isPod(resource)
      ? [
          {
            ...base,
            name: 'pods/eviction',
            group: 'policy',
            version: 'v1',
            kind: 'Eviction',
            verbs: ['create'],
          },
          { ...base, name: 'pods/log', kind: 'Pod', verbs: ['get'] },
        ]
      : []),
  ];
}

export const isPod = ({ group, name }: Resource): boolean => group === '' && name === 'pods';

export const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** One answer for all of `/api` or `/apis`. */
export function aggregated(registry: Registry, core: boolean): object {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groupsOf(registry)
      .filter(({ group }) => (group === '') === core)
      .map(({ group, versions }) => ({
        metadata: group === '' ? { creationTimestamp: null } : { name: group, creationTimestamp: null },
        versions: versions.map((version) => ({
          version,
          resources: registry.all
            .filter((known) => known.group === group && known.version === version)
            .map((resource) => aggregatedResource(resource)),
          freshness: 'Current',
        })),
      })),
  };
}

function aggregatedResource(resource: Resource): object {
  const { group, version, kind } = resource;
  const responseKind = { group, version, kind };
  return {
    resource: resource.name,
    responseKind,
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: allVerbs,
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    subresources: resource.subresources.map((subresource) => ({
      subresource,
      responseKind: subresource === 'scale' ? scaleKind : responseKind,
      verbs: changing,
    })),
  };
}
