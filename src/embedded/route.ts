/** What a path and a method ask for, as the API server reads them. */
import type { Registry } from './registry.ts';
import type { Resource } from './resources.ts';
import { badRequest } from './status.ts';

/** A request for objects. An empty name is the collection. */
export interface Route {
  readonly resource: Resource;
  /** Empty: cluster-scoped, or every namespace. */
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

/**
 * Undefined for what is not below a group and version that is served, and for what goes deeper than subresources do. A
 * slash is a slash however it is written, as in a real API server.
 */
export function routeOf(path: string, registry: Registry): Route | undefined {
  const parts = decoded(path)
    .split('/')
    .filter((part) => part !== '');
  const rest = parts[0] === 'api' ? ['', ...parts.slice(1)] : parts[0] === 'apis' ? parts.slice(1) : [];
  const [group, version, ...below] = rest;
  if (group === undefined || version === undefined || below.length === 0) return undefined;
  if (below[0] === 'namespaces' && below.length > 2) {
    const [, namespace = '', resource = '', name = '', subresource = '', ...more] = below;
    if (more.length > 0) return undefined;
    const found = registry.find(group, version, resource);
    if (found?.namespaced === true) return { resource: found, namespace, name, subresource };
    // What is left is a subresource of the namespace itself.
    const namespaces = registry.find(group, version, 'namespaces');
    return namespaces === undefined || name !== ''
      ? undefined
      : { resource: namespaces, namespace: '', name: namespace, subresource: resource };
  }
  const [resource = '', name = '', subresource = '', ...more] = below;
  const found = registry.find(group, version, resource);
  if (found === undefined || more.length > 0 || (found.namespaced && name !== '')) return undefined;
  return { resource: found, namespace: '', name, subresource };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw badRequest(`the path is not a URL's: ${path}`);
  }
}
