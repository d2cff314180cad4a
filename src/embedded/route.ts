/** What a path and a method ask for, as the API server reads them. */
import type { Registry } from './registry.ts';
import type { Resource } from './resources.ts';

/** A request for objects. An empty name is the collection. */
export interface Route {
  readonly resource: Resource;
  /** Empty: cluster-scoped, or every namespace. */
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

/** Undefined for what is not below a group and version that is served. */
export function routeOf(path: string, registry: Registry): Route | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const rest = parts[0] === 'api' ? ['', ...parts.slice(1)] : parts[0] === 'apis' ? parts.slice(1) : [];
  const [group, version, ...below] = rest;
  if (group === undefined || version === undefined || below.length === 0) return undefined;
  if (below[0] === 'namespaces' && below.length > 2) {
    const [, namespace = '', resource = '', name = '', subresource = ''] = below;
    const found = registry.find(group, version, resource);
    if (found?.namespaced === true) return { resource: found, namespace, name, subresource };
    // What is left is a subresource of the namespace itself.
    const namespaces = registry.find(group, version, 'namespaces');
    return namespaces === undefined
      ? undefined
      : { resource: namespaces, namespace: '', name: namespace, subresource: resource };
  }
  const [resource = '', name = '', subresource = ''] = below;
  const found = registry.find(group, version, resource);
  if (found === undefined) return undefined;
  return { resource: found, namespace: '', name, subresource };
}
