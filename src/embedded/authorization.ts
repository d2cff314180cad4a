/** Who may do what: role-based access control over the roles and bindings that are stored. */
import { isObject } from '#model/json.ts';
import { valueAt, type Stored } from './objects.ts';
import { refused, type StatusError } from './status.ts';
import { resourceKey, type Store } from './store.ts';

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
}
/** What is to be done; an empty name is the collection, an empty namespace the whole cluster. */
export interface Action {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}
export interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

const rbac = 'rbac.authorization.k8s.io';
const keyOf = (name: string): string => resourceKey({ group: rbac, name });
export const mastersGroup = 'system:masters';
const everything: readonly Rule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];
/** What roles that every cluster has from the start give to all who are known. */
const everybody: readonly Rule[] = [
  { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
  {
    verbs: ['create'],
    apiGroups: ['authorization.k8s.io'],
    resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
  },
  {
    verbs: ['get'],
    nonResourceURLs: [
      '/api',
      '/api/*',
      '/apis',
      '/apis/*',
      '/healthz',
      '/livez',
      '/openapi',
      '/openapi/*',
      '/readyz',
      '/version',
      '/version/',
    ],
  },
  { verbs: ['get'], nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'] },
];

export class Authorization {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  mayDo(user: User, action: Action): boolean {
    return this.rules(user, action.namespace).some((rule) => covers(rule, action));
  }

  /** Every rule that holds for the user in a namespace; with an empty one, in the whole cluster. */
  rules(user: User, namespace: string): readonly Rule[] {
    const common = user.groups.includes('system:authenticated') ? everybody : [];
    if (user.groups.includes(mastersGroup)) return [...everything, ...common];
    const bindings = [
      ...this.#store.list(keyOf('clusterrolebindings')),
      ...(namespace === '' ? [] : this.#store.list(keyOf('rolebindings'), namespace)),
    ];
    const bound = bindings.filter((binding) => names(binding, user));
    return [...bound.flatMap((binding) => this.#rulesOf(binding)), ...common];
  }

  #rulesOf(binding: Stored): readonly Rule[] {
    const kind = valueAt(binding, ['roleRef', 'kind']);
    const name = String(valueAt(binding, ['roleRef', 'name']));
    const role =
      kind === 'Role'
        ? this.#store.get(keyOf('roles'), binding.metadata.namespace ?? '', name)
        : this.#store.get(keyOf('clusterroles'), '', name);
    const rules = role?.['rules'];
    return Array.isArray(rules) ? (rules as readonly Rule[]) : [];
  }
}

function names(binding: Stored, user: User): boolean {
  const { subjects } = binding as { readonly subjects?: unknown };
  if (!Array.isArray(subjects)) return false;
  return subjects.filter(isObject).some(({ kind, name, namespace }) => {
    if (kind === 'User') return name === user.name;
    if (kind === 'Group') return user.groups.includes(String(name));
    return user.name === serviceAccountName(String(namespace), String(name));
  });
}

export const serviceAccountName = (namespace: string, name: string): string =>
  `system:serviceaccount:${namespace}:${name}`;

const has = (values: readonly string[] | undefined, value: string): boolean =>
  values?.some((candidate) => candidate === '*' || candidate === value) === true;

function covers(rule: Rule, { verb, group, resource, subresource, name }: Action): boolean {
  const asked = subresource === '' ? resource : `${resource}/${subresource}`;
  const isAny = subresource !== '' && has(rule.resources, `*/${subresource}`);
  const isNamed = rule.resourceNames === undefined || rule.resourceNames.length === 0;
  return (
    has(rule.verbs, verb) &&
    has(rule.apiGroups, group) &&
    (has(rule.resources, asked) || isAny) &&
    (isNamed || rule.resourceNames.includes(name))
  );
}

export function forbidden(user: User, action: Action): StatusError {
  const { verb, group, resource, subresource, namespace, name } = action;
  const asked = subresource === '' ? resource : `${resource}/${subresource}`;
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const subject = name === '' ? qualified : `${qualified} "${name}"`;
  return refused(
    403,
    'Forbidden',
    `${subject} is forbidden: User "${user.name}" cannot ${verb} resource "${asked}" in API group "${group}" ${where}`,
    { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource },
  );
}
