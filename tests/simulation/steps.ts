/** Each I/O of a replica, as faults and coverage see it. */
export type Io = 'request' | 'watch' | 'git' | 'store' | 'render';
/** What the object of a request is to us. */
export type Sort =
  | 'resource'
  | 'record'
  | 'lease'
  | 'object'
  | 'secret'
  | 'definition'
  | 'discovery'
  | 'none';
/** When: before the first turns, while some Run is recorded as under way, or else. */
export type Phase = 'start' | 'run' | 'quiet';

export interface Step {
  readonly io: Io;
  readonly verb: string;
  readonly sort: Sort;
  readonly phase: Phase;
  /** For people: `apply configmaps web/a`. */
  readonly what: string;
}
export const cellOf = ({ io, verb, sort, phase }: Omit<Step, 'what'>): string =>
  `${io} ${verb} ${sort} ${phase}`;

const declared = new Set([
  'applications',
  'applicationsets',
  'appprojects',
  'kustomizations',
  'gitrepositories',
]);

export function sortOf(resource: string): Sort {
  if (declared.has(resource)) return 'resource';
  if (resource === 'unitstates') return 'record';
  if (resource === 'leases') return 'lease';
  if (resource === 'secrets') return 'secret';
  if (resource === 'customresourcedefinitions' || resource === 'apiservices') return 'definition';
  return resource === '' ? 'discovery' : 'object';
}

export interface Asked {
  readonly verb: string;
  readonly resource: string;
  readonly group: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

/** What a request asks for, from its method and path. */
export function requestOf(method: string, pathAndQuery: string, contentType: string): Asked {
  const [path = '', query = ''] = pathAndQuery.split('?');
  const parts = path.split('/').filter(Boolean);
  const isCore = parts[0] === 'api';
  const rest = parts.slice(isCore ? 2 : 3);
  const group = isCore ? '' : (parts[1] ?? '');
  const isNamespaced = rest[0] === 'namespaces' && rest.length > 2;
  const [resource = '', name = '', subresource = ''] = isNamespaced ? rest.slice(2) : rest;
  const namespace = isNamespaced ? (rest[1] ?? '') : '';
  return {
    verb: verbOf(method, resource, name, query, contentType),
    resource,
    group,
    namespace,
    name,
    subresource,
  };
}

function verbOf(method: string, resource: string, name: string, query: string, contentType: string): string {
  if (resource === '') return 'discover';
  if (/(^|&)watch=(1|true)/.test(query)) return 'watch';
  if (method === 'GET' && name !== '') return 'get';
  // The rest of a list is another step: what it says may be gone by then.
  if (method === 'GET') return /(^|&)continue=/.test(query) ? 'page' : 'list';
  if (method === 'PATCH') return contentType.includes('apply-patch') ? 'apply' : 'patch';
  return { POST: 'create', PUT: 'update', DELETE: 'delete' }[method] ?? method;
}
