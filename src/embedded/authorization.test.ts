/** Who may do what, by the roles and bindings that are stored. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Authorization, forbidden, mastersGroup, type Action, type User } from './authorization.ts';
import type { Stored } from './objects.ts';
import { forgetful, Store } from './store.ts';

const group = 'rbac.authorization.k8s.io';
const bob: User = { name: 'bob', groups: ['devs', 'system:authenticated'] };
const robot: User = { name: 'system:serviceaccount:ci:robot', groups: ['system:serviceaccounts'] };
let store: Store;
let authorization: Authorization;
beforeEach(() => {
  store = new Store(forgetful);
  authorization = new Authorization(store);
});

function keep(plural: string, name: string, namespace: string, content: object): void {
  const metadata = {
    name,
    uid: name,
    resourceVersion: '',
    creationTimestamp: '',
    ...(namespace === '' ? {} : { namespace }),
  };
  store.put(`${group}/${plural}`, {
    apiVersion: `${group}/v1`,
    kind: plural,
    metadata,
    ...content,
  } as Stored);
}
const subject = { kind: 'User', name: 'bob' };
/** Bob may do what the rule says, in a namespace or, without one, everywhere. */
function allow(rule: object, namespace = '', subjects: readonly object[] = [subject]): void {
  const [roles, kind] = namespace === '' ? ['clusterroles', 'ClusterRole'] : ['roles', 'Role'];
  keep(roles, 'role', namespace, { rules: [rule] });
  const bindings = namespace === '' ? 'clusterrolebindings' : 'rolebindings';
  keep(bindings, 'binding', namespace, { roleRef: { kind, name: 'role' }, subjects });
}
const action = (change: Partial<Action> = {}): Action => ({
  verb: 'get',
  group: 'apps',
  resource: 'deployments',
  subresource: '',
  namespace: 'shop',
  name: 'web',
  ...change,
});
const may = (change: Partial<Action> = {}, user = bob): boolean => authorization.mayDo(user, action(change));
const reading = { verbs: ['get', 'list'], apiGroups: ['apps'], resources: ['deployments'] };

describe('without a binding', () => {
  it('nobody may do anything, but for masters', () => {
    expect(may()).toBe(false);
    expect(may({ verb: 'delete' }, { name: 'root', groups: [mastersGroup] })).toBe(true);
  });

  it('a role alone allows nothing, nor does a binding to a role that is not there', () => {
    keep('clusterroles', 'role', '', { rules: [reading] });
    expect(may()).toBe(false);
    keep('clusterrolebindings', 'b', '', {
      roleRef: { kind: 'ClusterRole', name: 'gone' },
      subjects: [subject],
    });
    expect(may()).toBe(false);
  });
});

describe('a rule', () => {
  it.each<[string, object, Partial<Action>, boolean]>([
    ['its verbs', reading, {}, true],
    ['no other verb', reading, { verb: 'delete' }, false],
    ['no other group', reading, { group: '' }, false],
    ['no other resource', reading, { resource: 'pods' }, false],
    ['every verb by a star', { ...reading, verbs: ['*'] }, { verb: 'delete' }, true],
    ['every group by a star', { ...reading, apiGroups: ['*'] }, { group: '' }, true],
    ['every resource by a star', { ...reading, resources: ['*'] }, { resource: 'x' }, true],
    ['subresources by a star', { ...reading, resources: ['*'] }, { subresource: 'status' }, true],
    ['no subresource by the resource', reading, { subresource: 'scale' }, false],
    [
      'a subresource by its name',
      { ...reading, resources: ['deployments/scale'] },
      { subresource: 'scale' },
      true,
    ],
    ['no resource by its subresource', { ...reading, resources: ['deployments/scale'] }, {}, false],
    ['a subresource of all', { ...reading, resources: ['*/scale'] }, { subresource: 'scale' }, true],
    ['no other one of all', { ...reading, resources: ['*/scale'] }, { subresource: 'status' }, false],
    ['no resource by `*/scale`', { ...reading, resources: ['*/scale'] }, {}, false],
    ['what it names', { ...reading, resourceNames: ['web'] }, {}, true],
    ['nothing else', { ...reading, resourceNames: ['web'] }, { name: 'other' }, false],
    ['no list of all', { ...reading, resourceNames: ['web'] }, { verb: 'list', name: '' }, false],
    ['all by no names', { ...reading, resourceNames: [] }, {}, true],
    ['nothing without resources', { verbs: ['*'], nonResourceURLs: ['*'] }, {}, false],
  ])('allows %s', (_, rule, change, expected) => {
    allow(rule);
    expect(may(change)).toBe(expected);
  });
});

describe('a binding', () => {
  it('in a namespace reaches no further', () => {
    allow(reading, 'shop');
    expect(may()).toBe(true);
    expect(may({ namespace: 'other' })).toBe(false);
    expect(may({ namespace: '', verb: 'list', name: '' })).toBe(false);
  });

  it('in a namespace may lend a ClusterRole, there only', () => {
    keep('clusterroles', 'reader', '', { rules: [reading] });
    keep('rolebindings', 'b', 'shop', {
      roleRef: { kind: 'ClusterRole', name: 'reader' },
      subjects: [subject],
    });
    expect(may()).toBe(true);
    expect(may({ namespace: 'other' })).toBe(false);
  });

  it('of the cluster reaches every namespace and the cluster', () => {
    allow(reading);
    expect(may({ namespace: 'other' })).toBe(true);
    expect(may({ namespace: '' })).toBe(true);
  });

  it.each<[string, readonly object[], User, boolean]>([
    ['a group', [{ kind: 'Group', name: 'devs' }], bob, true],
    ['another group', [{ kind: 'Group', name: 'ops' }], bob, false],
    ['a ServiceAccount', [{ kind: 'ServiceAccount', name: 'robot', namespace: 'ci' }], robot, true],
    ['its namesake elsewhere', [{ kind: 'ServiceAccount', name: 'robot', namespace: 'other' }], robot, false],
    ['a user called as the group', [{ kind: 'User', name: 'devs' }], bob, false],
    ['nobody', [], bob, false],
  ])('of %s', (_, subjects, user, expected) => {
    allow(reading, '', subjects);
    expect(may({}, user)).toBe(expected);
  });

  it('that is taken away takes everything away', () => {
    allow(reading);
    store.remove(`${group}/clusterrolebindings`, '', 'binding');
    expect(may()).toBe(false);
  });
});

describe('what a client hears', () => {
  it.each<[Partial<Action>, string]>([
    [
      {},
      'deployments.apps "web" is forbidden: User "bob" cannot get resource "deployments" in API group "apps" in the namespace "shop"',
    ],
    [
      { group: '', resource: 'nodes', namespace: '', name: '', verb: 'list' },
      'nodes is forbidden: User "bob" cannot list resource "nodes" in API group "" at the cluster scope',
    ],
    [
      { subresource: 'scale', verb: 'patch' },
      'deployments.apps "web" is forbidden: User "bob" cannot patch resource "deployments/scale" in API group "apps" in the namespace "shop"',
    ],
  ])('%j', (change, message) => {
    expect(forbidden(bob, action(change)).status).toMatchObject({ code: 403, reason: 'Forbidden', message });
  });
});
