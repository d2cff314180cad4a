/**
 * Random requests to an API server: creates, updates, the four kinds of patches, applies by several managers, deletes
 * with finalizers, preconditions and owners, on few objects with few fields, so that they meet.
 */
import { Dice } from './random.ts';

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly contentType?: string;
  readonly body?: unknown;
}
/** What a request may need to know of the object that it is about: as that server has it. */
export interface Live {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string };
  readonly [member: string]: unknown;
}
/** One step: the request is made for each server from what that server has. */
export interface Step {
  readonly what: string;
  readonly about: string;
  request(live: Live | undefined): Request;
}

interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly base: string;
  readonly strategic: boolean;
  readonly status: boolean;
  readonly scale: boolean;
  /** Members of an object, by chance. */
  content(dice: Dice): object;
  /** A merge patch. */
  patch(dice: Dice): object;
}

/** Each seed has its own. */
export const namespaceOf = (seed: number): string => `conformance-${seed}`;
const managers = ['alpha', 'beta', 'gamma'];
const labels = ['a', 'b', 'c'];

const container = (dice: Dice): object => ({
  name: dice.pick(['main', 'side']),
  image: dice.pick(['x:1', 'x:2']),
  ...(dice.chance(0.4)
    ? { env: dice.some(['A', 'B', 'C']).map((name) => ({ name, value: dice.pick(['1', '2', '']) })) }
    : {}),
  ...(dice.chance(0.3)
    ? { resources: { limits: { cpu: dice.pick(['1000m', '1', '500m']) }, requests: { memory: '1Gi' } } }
    : {}),
  ...(dice.chance(0.3) ? { ports: [{ containerPort: dice.pick([80, 81]) }] } : {}),
  ...(dice.chance(0.2) ? { args: dice.some(['-v', '-q', '--x=1']) } : {}),
});

function containers(dice: Dice): readonly object[] {
  const first = container(dice);
  const second = container(dice);
  return dice.chance(0.4) && (first as { name: string }).name !== (second as { name: string }).name
    ? [first, second]
    : [first];
}

const podTemplate = (dice: Dice): object => ({
  metadata: { labels: { app: 'x', ...(dice.chance(0.3) ? { extra: dice.pick(labels) } : {}) } },
  spec: {
    containers: containers(dice),
    ...(dice.chance(0.2) ? { nodeSelector: { disk: dice.pick(['ssd', 'hdd']) } } : {}),
    ...(dice.chance(0.2) ? { hostNetwork: dice.chance(0.5) } : {}),
    ...(dice.chance(0.2) ? { initContainers: [] } : {}),
    ...(dice.chance(0.2)
      ? {
          volumes: [{ name: 'v', configMap: { name: dice.pick(labels) } }],
          tolerations: [{ operator: 'Exists' }],
        }
      : {}),
  },
});

const data = (dice: Dice): object =>
  Object.fromEntries(dice.some(labels).map((key) => [key, dice.pick(['1', '2', ''])]));

const kinds: readonly Kind[] = [
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    base: '/api/v1/namespaces/NAMESPACE/configmaps',
    strategic: true,
    status: false,
    scale: false,
    content: (dice) => ({ data: data(dice), ...(dice.chance(0.1) ? { immutable: true } : {}) }),
    patch: (dice) => ({ data: { [dice.pick(labels)]: dice.pick(['1', '2', null, 7]) } }),
  },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    base: '/api/v1/namespaces/NAMESPACE/secrets',
    strategic: true,
    status: false,
    scale: false,
    content: (dice) => ({
      stringData: data(dice),
      ...(dice.chance(0.2) ? { type: dice.pick(['Opaque', 'kubernetes.io/basic-auth']) } : {}),
    }),
    patch: (dice) => ({ data: { [dice.pick(labels)]: dice.pick(['MQ==', 'Mg==', null, 'not base64']) } }),
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    base: '/api/v1/namespaces/NAMESPACE/services',
    strategic: true,
    status: true,
    scale: false,
    content: (dice) => ({
      spec: {
        selector: { app: dice.pick(labels) },
        ports: dice.chance(0.7)
          ? [{ port: 80, ...(dice.chance(0.5) ? { targetPort: dice.pick([8080, 'http']) } : {}) }]
          : [
              { name: 'a', port: 80 },
              { name: 'b', port: 81, protocol: dice.pick(['TCP', 'UDP']) },
            ],
        ...(dice.chance(0.2) ? { clusterIP: 'None' } : {}),
      },
    }),
    patch: (dice) => ({
      spec: dice.pick([{ sessionAffinity: 'ClientIP' }, { selector: null }, { ports: [] }]),
    }),
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    base: '/apis/apps/v1/namespaces/NAMESPACE/deployments',
    strategic: true,
    status: true,
    scale: true,
    content: (dice) => ({
      spec: {
        ...(dice.chance(0.6) ? { replicas: dice.number(4) } : {}),
        selector: { matchLabels: { app: dice.chance(0.95) ? 'x' : 'y' } },
        ...(dice.chance(0.2) ? { strategy: { type: dice.pick(['Recreate', 'RollingUpdate']) } } : {}),
        ...(dice.chance(0.2) ? { unknownField: 1 } : {}),
        template: podTemplate(dice),
      },
    }),
    patch: (dice) => ({
      spec: dice.pick<object>([
        { replicas: dice.number(5) },
        { replicas: -1 },
        { paused: true },
        { template: { spec: { containers: [container(dice)] } } },
        { minReadySeconds: 5, strategy: null },
      ]),
    }),
  },
  {
    apiVersion: 'conformance.trueup.dev/v1',
    kind: 'Widget',
    base: '/apis/conformance.trueup.dev/v1/namespaces/NAMESPACE/widgets',
    strategic: false,
    status: true,
    scale: false,
    content: (dice) => ({
      spec: {
        ...(dice.chance(0.7) ? { size: dice.pick([1, 2, 0]) } : {}),
        ...(dice.chance(0.5)
          ? { parts: dice.some(labels).map((name) => ({ name, count: dice.number(3) })) }
          : {}),
        ...(dice.chance(0.3) ? { tags: dice.some(labels) } : {}),
        ...(dice.chance(0.3) ? { free: { any: dice.pick([1, 'x', [1, 2], { y: 1 }]) } } : {}),
        ...(dice.chance(0.2) ? { unknown: true } : {}),
      },
      ...(dice.chance(0.2) ? { status: { ready: dice.chance(0.5) } } : {}),
    }),
    patch: (dice) => ({
      spec: dice.pick<object>([
        { size: 3 },
        { size: null },
        { parts: [{ name: 'a' }] },
        { tags: ['b', 'b'] },
        { free: null },
      ]),
    }),
  },
];

/** The path of each kind, in the namespace of a seed. */
export const collectionsOf = (seed: number): readonly string[] =>
  kinds.map(({ base }) => base.replace('NAMESPACE', namespaceOf(seed)));

/** What defines `Widget`. */
export const widgetDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.conformance.trueup.dev' },
  spec: {
    group: 'conformance.trueup.dev',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  size: { type: 'integer', default: 1, minimum: 1 },
                  parts: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name'],
                    items: {
                      type: 'object',
                      required: ['name'],
                      properties: { name: { type: 'string' }, count: { type: 'integer' } },
                    },
                  },
                  tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
                  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                },
              },
              status: { type: 'object', properties: { ready: { type: 'boolean' } } },
            },
          },
        },
      },
    ],
  },
};

const names = ['one', 'two', 'three'];

/** The steps of one seed. */
export function* workload(seed: number, length: number): Iterable<Step> {
  const dice = new Dice(seed);
  for (let step = 0; step < length; step += 1) yield oneStep(dice, seed);
}

function oneStep(dice: Dice, seed: number): Step {
  const chosen = dice.pick(kinds);
  const kind = { ...chosen, base: chosen.base.replace('NAMESPACE', namespaceOf(seed)) };
  const name = dice.pick(names);
  const path = `${kind.base}/${name}`;
  const about = `${kind.kind} ${name}`;
  const manager = dice.pick(managers);
  const query = `fieldManager=${manager}${dice.chance(0.1) ? '&dryRun=All' : ''}${validation(dice)}`;
  const body = objectOf(dice, kind, name);
  const roll = dice.next();
  if (roll < 0.2)
    return {
      what: `create as ${manager}`,
      about,
      request: () => ({ method: 'POST', path: `${kind.base}?${query}`, body }),
    };
  if (roll < 0.42) {
    const force = dice.chance(0.4) ? '&force=true' : '';
    return {
      what: `apply as ${manager}${force}`,
      about,
      request: () => ({
        method: 'PATCH',
        path: `${path}?${query}${force}`,
        contentType: 'application/apply-patch+yaml',
        body,
      }),
    };
  }
  if (roll < 0.54) {
    const isStale = dice.chance(0.15);
    const change = kind.content(dice);
    return {
      what: `update as ${manager}${isStale ? ', stale' : ''}`,
      about,
      request: (live) => {
        const metadata =
          live === undefined ? { name } : { ...live.metadata, ...(isStale ? { resourceVersion: '1' } : {}) };
        return { method: 'PUT', path: `${path}?${query}`, body: { ...live, ...body, ...change, metadata } };
      },
    };
  }
  if (roll < 0.78) return patchStep(dice, kind, { name, path, about, manager, query });
  if (roll < 0.84 && kind.scale) {
    const more = 1 + dice.number(4);
    return {
      what: `scale by ${more} as ${manager}`,
      about,
      // Never to the number that it has: the real server stores that or not as the order of its maps has it.
      request: (live) => ({
        method: 'PATCH',
        path: `${path}/scale?fieldManager=${manager}`,
        contentType: 'application/merge-patch+json',
        body: { spec: { replicas: ((live?.['spec'] as { replicas?: number })?.replicas ?? 0) + more } },
      }),
    };
  }
  if (roll < 0.84 && kind.status) {
    const status = kind.kind === 'Widget' ? { ready: dice.chance(0.5) } : {};
    return {
      what: `status as ${manager}`,
      about,
      request: () => ({
        method: 'PATCH',
        path: `${path}/status?fieldManager=${manager}`,
        contentType: 'application/merge-patch+json',
        body: { metadata: { annotations: { seen: 'yes' } }, spec: { size: 9 }, status },
      }),
    };
  }
  if (roll < 0.94) return deleteStep(dice, { path, about });
  if (roll < 0.97) {
    const selector = dice.pick(['tier=a', 'tier!=a', 'tier in (a,b)', '!tier', 'tier notin (b),tier']);
    return {
      what: `list ${selector}`,
      about: kind.kind,
      request: () => ({ method: 'GET', path: `${kind.base}?labelSelector=${encodeURIComponent(selector)}` }),
    };
  }
  return { what: 'get', about, request: () => ({ method: 'GET', path }) };
}

const validation = (dice: Dice): string =>
  dice.pick(['', '&fieldValidation=Strict', '&fieldValidation=Ignore', '&fieldValidation=Warn']);

function objectOf(dice: Dice, { apiVersion, kind, content }: Kind, name: string): Record<string, unknown> {
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(dice.chance(0.4) ? { labels: { tier: dice.pick(labels) } } : {}),
      ...(dice.chance(0.3) ? { annotations: { note: dice.pick(labels) } } : {}),
      ...(dice.chance(0.15) ? { finalizers: ['conformance.trueup.dev/hold'] } : {}),
      ...(dice.chance(0.1)
        ? {
            ownerReferences: [
              {
                apiVersion: 'v1',
                kind: 'ConfigMap',
                name: 'owner',
                uid: '11111111-1111-4111-8111-111111111111',
              },
            ],
          }
        : {}),
    },
    ...content(dice),
  };
}

interface Target {
  readonly name: string;
  readonly path: string;
  readonly about: string;
  readonly manager: string;
  readonly query: string;
}

function patchStep(dice: Dice, kind: Kind, { path, about, manager, query }: Target): Step {
  const type = dice.pick(['merge', 'json', 'strategic']);
  const patch = dice.chance(0.3)
    ? { metadata: { labels: { tier: dice.pick<string | null>(['a', 'b', null]) } } }
    : dice.chance(0.2)
      ? { metadata: { finalizers: null } }
      : kind.patch(dice);
  const operations = dice.pick<readonly object[]>([
    [{ op: 'add', path: '/metadata/labels', value: { tier: dice.pick(labels) } }],
    [{ op: 'remove', path: '/metadata/annotations/note' }],
    [{ op: 'test', path: '/metadata/name', value: 'nobody' }],
    [{ op: 'replace', path: '/data', value: data(dice) }],
    [{ op: 'add', path: '/metadata/annotations', value: { note: 'json' } }],
  ]);
  return {
    what: `${type} patch as ${manager}`,
    about,
    request: () => ({
      method: 'PATCH',
      path: `${path}?${query}`,
      contentType: `application/${type === 'strategic' ? 'strategic-merge' : type === 'json' ? 'json' : 'merge'}-patch+json`,
      body: type === 'json' ? operations : patch,
    }),
  };
}

function deleteStep(dice: Dice, { path, about }: Pick<Target, 'path' | 'about'>): Step {
  const propagationPolicy = dice.pick([undefined, 'Background', 'Foreground', 'Orphan']);
  const precondition = dice.pick(['none', 'none', 'uid', 'wrong uid', 'version', 'wrong version']);
  const isDryRun = dice.chance(0.1);
  return {
    what: `delete ${propagationPolicy ?? ''} ${precondition}`,
    about,
    request: (live) => {
      const preconditions = {
        none: undefined,
        uid: { uid: live?.metadata.uid },
        'wrong uid': { uid: '22222222-2222-4222-8222-222222222222' },
        version: { resourceVersion: live?.metadata.resourceVersion },
        'wrong version': { resourceVersion: '1' },
      }[precondition];
      return {
        method: 'DELETE',
        path,
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          propagationPolicy,
          preconditions,
          ...(isDryRun ? { dryRun: ['All'] } : {}),
        },
      };
    },
  };
}
