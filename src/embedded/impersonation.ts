/** Requests in somebody else's name, as with `kubectl --as`: for those who may `impersonate` that user and those groups. */
import { forbidden, type Authorization, type User } from './authorization.ts';
import { refused } from './status.ts';

const accountPrefix = 'system:serviceaccount:';
const authenticated = 'system:authenticated';

export function impersonated(user: User, headers: Headers, authorization: Authorization): User {
  const name = headers.get('impersonate-user');
  const groups = (headers.get('impersonate-group') ?? '').split(',').flatMap((group) => group.trim() || []);
  if (name === null || name === '') {
    if (groups.length > 0 || headers.has('impersonate-uid'))
      throw refused(500, 'InternalError', `requested ${JSON.stringify(groups)} without impersonating a user`);
    return user;
  }
  const check = (resource: string, subject: string, namespace = ''): void => {
    const action = { verb: 'impersonate', group: '', resource, subresource: '', namespace, name: subject };
    if (!authorization.mayDo(user, action)) throw forbidden(user, action);
  };
  const [namespace, account] = name.startsWith(accountPrefix)
    ? name.slice(accountPrefix.length).split(':')
    : [];
  const isAccount = namespace !== undefined && account !== undefined;
  if (isAccount) check('serviceaccounts', account, namespace);
  else check('users', name);
  for (const group of groups) check('groups', group);
  return { name, groups: isAccount && groups.length === 0 ? groupsOfAccount(namespace) : known(groups) };
}

/** Whoever has a name is authenticated. */
const known = (groups: readonly string[]): readonly string[] =>
  groups.includes(authenticated) ? groups : [...groups, authenticated];

export const groupsOfAccount = (namespace: string): readonly string[] => [
  'system:serviceaccounts',
  `system:serviceaccounts:${namespace}`,
  authenticated,
];
