/** Questions about who one is and what one may do. */
import { isObject } from '#model/json.ts';
import { serviceAccountName, type Authorization, type User } from './authorization.ts';
import { valueAt } from './objects.ts';

const pattern = /^\/apis\/(?:authorization|authentication)\.k8s\.io\/v1\/(?:namespaces\/[^/]+\/)?(\w+)$/;

/** The kind of review that is posted to a path; undefined where none is. */
export function reviewAt(path: string): string | undefined {
  const [, kind] = pattern.exec(path) ?? [];
  return kind !== undefined && Object.hasOwn(reviews, kind) ? kind : undefined;
}

/** `review` answers what `reviewAt` found. */
export function review(
  kind: string,
  path: string,
  asked: unknown,
  user: User,
  authorization: Authorization,
): object {
  return {
    kind: valueAt(asked, ['kind']),
    apiVersion: path.split('/').slice(2, 4).join('/'),
    metadata: {},
    spec: valueAt(asked, ['spec']) ?? {},
    status: reviews[kind]!(asked, user, authorization),
  };
}

type Review = (asked: unknown, user: User, authorization: Authorization) => object;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const access =
  (whose: (asked: unknown, user: User) => User): Review =>
  (asked, user, authorization) => {
    const attributes = valueAt(asked, ['spec', 'resourceAttributes']);
    // Paths that are not resources are open to everybody who is known.
    if (!isObject(attributes)) return { allowed: true };
    const allowed = authorization.mayDo(whose(asked, user), {
      verb: text(attributes['verb']),
      group: text(attributes['group']),
      resource: text(attributes['resource']),
      subresource: text(attributes['subresource']),
      namespace: text(attributes['namespace']),
      name: text(attributes['name']),
    });
    return { allowed };
  };

function subjectOf(asked: unknown): User {
  const groups = valueAt(asked, ['spec', 'groups']);
  const name = text(valueAt(asked, ['spec', 'user']));
  const isAccount = name.startsWith(serviceAccountName('', '').slice(0, -1));
  return {
    name,
    groups: [
      ...(Array.isArray(groups) ? groups.map(String) : []),
      ...(isAccount ? ['system:serviceaccounts'] : []),
    ],
  };
}

const reviews: Readonly<Record<string, Review>> = {
  selfsubjectaccessreviews: access((_, user) => user),
  subjectaccessreviews: access(subjectOf),
  localsubjectaccessreviews: access(subjectOf),
  selfsubjectrulesreviews: (asked, user, authorization) => {
    const rules = authorization.rules(user, text(valueAt(asked, ['spec', 'namespace'])));
    return {
      resourceRules: rules.filter(({ resources }) => resources !== undefined),
      nonResourceRules: rules.filter(({ nonResourceURLs }) => nonResourceURLs !== undefined),
      incomplete: false,
    };
  },
  selfsubjectreviews: (_, { name, uid, groups }) => ({
    userInfo: { username: name, ...(uid === undefined ? {} : { uid }), groups },
  }),
};
