/** Requests for objects: which verb of the API they mean, and how its outcome is answered. */
import { isObject } from '#model/json.ts';
import {
  inVersion,
  type Api,
  type Deleted,
  type DeleteOptions,
  type Propagation,
  type WriteOptions,
  type Written,
} from './api.ts';
import { isPod } from './discovery.ts';
import type { WriteVerb } from './machinery.ts';
import { valueAt, type Stored } from './objects.ts';
import { Pages } from './pages.ts';
import { formOf, type IncludeObject, type Presentation } from './presentation.ts';
import type { Resource, Subresource } from './resources.ts';
import type { Route } from './route.ts';
import { fieldSelector, labelSelector, type Matches } from './selectors.ts';
import { noSuchPath, refused, unsupported } from './status.ts';
import { parsedBody } from './body.ts';
import type { Store } from './store.ts';
import type { Users } from './users.ts';
import type { Watching } from './watching.ts';

export interface Asked {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly accept: string;
  /** Without parameters. */
  readonly contentType: string;
  readonly userAgent: string;
  readonly body: string;
}
export interface Answered {
  readonly body: object | string | ReadableStream<Uint8Array>;
  readonly code: number;
  readonly type: string;
  readonly warnings: readonly string[];
}
export interface RequestParts {
  readonly api: Api;
  readonly store: Store;
  readonly presentation: Presentation;
  readonly watching: Watching;
  readonly users: Users;
  /** What a pod's container would have printed. */
  readonly logOf: (pod: Stored, container: string | undefined) => string;
}

const patchVerbs: Readonly<Record<string, Exclude<WriteVerb, 'create' | 'update'>>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};
const managerCharsMax = 128;
const watchTimeoutMs = 30 * 60_000;

const answer = (body: Answered['body'], code = 200, warnings: readonly string[] = []): Answered => ({
  body,
  code,
  type: 'application/json',
  warnings,
});

export class ResourceRequests {
  readonly #parts: RequestParts;
  readonly #pages = new Pages();

  constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  answer(route: Route, asked: Asked): Answered {
    if (asked.method === 'PUT' || asked.method === 'POST') checkBody(asked);
    if (route.subresource !== '') return this.#subresource(route, asked);
    if (route.name === '') return this.#collection(route, asked);
    switch (asked.method) {
      case 'GET':
        if (isTrue(asked, 'watch')) return this.#watch(route, asked);
        return answer(this.#present(route, this.#parts.api.get(route), asked));
      case 'PUT':
      case 'PATCH':
        return this.#change(route, asked);
      case 'DELETE':
        return deleted(this.#parts.api.delete(route, this.#deleteOptions(route, asked)));
      default:
        throw methodNotAllowed();
    }
  }

  #collection(route: Route, asked: Asked): Answered {
    const { api } = this.#parts;
    switch (asked.method) {
      case 'GET':
        return isTrue(asked, 'watch') ? this.#watch(route, asked) : this.#list(route, asked);
      case 'POST': {
        if (route.resource.namespaced && route.namespace === '') throw noSuchPath();
        const written = api.create(route.resource, route.namespace, asked.body, writeOptions(asked));
        return answer(this.#present(route, written.object, asked), 201, written.warnings);
      }
      case 'DELETE': {
        const options = this.#deleteOptions(route, asked);
        const items = this.#selected(route, asked).map((object) => {
          const { name, namespace = '' } = object.metadata;
          api.delete({ resource: route.resource, namespace, name }, options);
          return object;
        });
        return answer({ kind: 'List', apiVersion: 'v1', metadata: {}, items });
      }
      default:
        throw methodNotAllowed();
    }
  }

  #list(route: Route, asked: Asked): Answered {
    const limit = Number(asked.query.get('limit') ?? 0);
    const token = asked.query.get('continue') ?? '';
    const { objects, metadata } = this.#pages.page(limit, token, this.#parts.store.version, () =>
      this.#selected(route, asked),
    );
    const page = { objects, metadata };
    return answer(this.#parts.presentation.list(route.resource, page, formOf(asked.accept), include(asked)));
  }

  #watch(route: Route, asked: Asked): Answered {
    const { resource, name } = route;
    const form = formOf(asked.accept);
    const wanted = Number(asked.query.get('timeoutSeconds') ?? 0) * 1000;
    const selects = this.#matches(route, asked);
    const stream = this.#parts.watching.stream({
      resource,
      namespace: route.namespace,
      matches: name === '' ? selects : (object) => object.metadata.name === name && selects(object),
      version: asked.query.get('resourceVersion') ?? '',
      sendInitialEvents: isTrue(asked, 'sendInitialEvents'),
      bookmarks: isTrue(asked, 'allowWatchBookmarks'),
      timeoutMs: wanted > 0 ? wanted : watchTimeoutMs,
      present: (object) =>
        this.#parts.presentation.object(resource, inVersion(object, resource), form, include(asked)),
    });
    return answer(stream);
  }

  #change(route: Route, asked: Asked, subresource?: Subresource): Answered {
    const verb = asked.method === 'PUT' ? 'update' : patchVerbs[asked.contentType];
    if (verb === undefined) throw wrongType(asked.contentType, Object.keys(patchVerbs));
    const options = writeOptions(asked, subresource);
    if (verb === 'apply' && asked.query.get('fieldManager') === null)
      throw refused(
        422,
        'Invalid',
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      );
    const written = this.#parts.api.change(route, verb, asked.body, options);
    return this.#written(route, asked, written);
  }

  #written(route: Route, asked: Asked, { object, created, warnings }: Written): Answered {
    return answer(this.#present(route, object, asked), created ? 201 : 200, warnings);
  }

  #subresource(route: Route, asked: Asked): Answered {
    const { resource, subresource } = route;
    if (isPod(resource) && subresource === 'log' && asked.method === 'GET') {
      const container = asked.query.get('container') ?? undefined;
      return { ...answer(this.#parts.logOf(this.#parts.api.get(route), container)), type: 'text/plain' };
    }
    if (isPod(resource) && subresource === 'eviction' && asked.method === 'POST') {
      this.#parts.api.delete(route, {});
      return answer({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, 201);
    }
    if (resource.name === 'serviceaccounts' && subresource === 'token' && asked.method === 'POST')
      return answer(this.#token(route, parsedBody(asked.body)), 201);
    if (resource.name === 'namespaces' && subresource === 'finalize' && asked.method === 'PUT')
      return this.#finalize(route, asked);
    const known = resource.subresources.find((name) => name === subresource);
    if (known === undefined) {
      if (isPod(resource) || subresource === 'proxy') throw unsupported(`${resource.name}/${subresource}`);
      throw noSuchPath();
    }
    if (known === 'scale') return this.#scale(route, asked);
    if (asked.method === 'GET') return answer(this.#present(route, this.#parts.api.get(route), asked));
    return this.#change(route, asked, known);
  }

  #token(route: Route, review: Readonly<Record<string, unknown>>): object {
    const account = this.#parts.api.get(route);
    const seconds = valueAt(review, ['spec', 'expirationSeconds']);
    const lifetimeMs = typeof seconds === 'number' ? seconds * 1000 : undefined;
    const { token, expires } = this.#parts.users.issue(account.metadata, lifetimeMs);
    return { ...review, status: { token, expirationTimestamp: expires } };
  }

  #finalize(route: Route, asked: Asked): Answered {
    const live = this.#parts.api.get(route);
    const finalizers = valueAt(parsedBody(asked.body), ['spec', 'finalizers']);
    const spec = Array.isArray(finalizers) && finalizers.length > 0 ? { finalizers } : {};
    return answer(this.#parts.api.replaceAsIs(route.resource, { ...live, spec }));
  }

  #scale(route: Route, asked: Asked): Answered {
    const live = this.#parts.api.get(route);
    if (asked.method === 'GET') return answer(scaleOf(live, route.resource));
    const replicas = valueAt(parsedBody(asked.body), ['spec', 'replicas']);
    const isPatch = asked.method === 'PATCH';
    if (
      isPatch &&
      !['application/merge-patch+json', 'application/strategic-merge-patch+json'].includes(asked.contentType)
    )
      throw unsupported(`${asked.contentType} on scale`);
    if (!isPatch && asked.method !== 'PUT') throw methodNotAllowed();
    if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0)
      throw refused(
        422,
        'Invalid',
        `Scale.autoscaling "${route.name}" is invalid: spec.replicas: Invalid value: ${JSON.stringify(replicas ?? null)}: must be greater than or equal to 0`,
      );
    const written = this.#parts.api.scale(route, replicas, writeOptions(asked));
    return answer(scaleOf(written.object, route.resource));
  }

  #present(route: Route, object: Stored, asked: Asked): object {
    return this.#parts.presentation.object(route.resource, object, formOf(asked.accept), include(asked));
  }

  #selected(route: Route, asked: Asked): readonly Stored[] {
    const matches = this.#matches(route, asked);
    const { resource, namespace } = route;
    return this.#parts.api.list(resource, namespace === '' ? undefined : namespace).filter(matches);
  }

  #matches({ resource }: Route, { query }: Asked): Matches {
    const byLabel = labelSelector(query.get('labelSelector') ?? undefined);
    const byField = fieldSelector(query.get('fieldSelector') ?? undefined, resource);
    return (object) => byLabel(object) && byField(object);
  }

  #deleteOptions({ resource }: Route, asked: Asked): DeleteOptions {
    const given = asked.body === '' ? {} : parsedBody(asked.body);
    const text = (path: readonly string[], name: string): string | undefined => {
      const value = valueAt(given, path) ?? asked.query.get(name) ?? undefined;
      return value === undefined ? undefined : String(value);
    };
    const policy = text(['propagationPolicy'], 'propagationPolicy');
    const isOrphaned = text(['orphanDependents'], 'orphanDependents') === 'true';
    const grace = text(['gracePeriodSeconds'], 'gracePeriodSeconds');
    const uid = valueAt(given, ['preconditions', 'uid']);
    const version = valueAt(given, ['preconditions', 'resourceVersion']);
    // Jobs are the one kind whose dependents stay unless the request says otherwise.
    const byDefault = resource.group === 'batch' && resource.name === 'jobs' ? 'Orphan' : undefined;
    const propagation = policy ?? (isOrphaned ? 'Orphan' : byDefault);
    return {
      ...(isPropagation(propagation) ? { propagation } : {}),
      ...(typeof uid === 'string' ? { uid } : {}),
      ...(typeof version === 'string' ? { resourceVersion: version } : {}),
      ...(grace === undefined ? {} : { gracePeriodSeconds: Number(grace) }),
      dryRun: isDryRun(asked, given),
    };
  }
}

const isPropagation = (text: string | undefined): text is Propagation =>
  text === 'Background' || text === 'Foreground' || text === 'Orphan';

function isDryRun(asked: Asked, given: unknown = {}): boolean {
  const inBody = valueAt(given, ['dryRun']);
  return asked.query.get('dryRun') === 'All' || (Array.isArray(inBody) && inBody.includes('All'));
}

const isTrue = ({ query }: Asked, name: string): boolean => ['true', '1'].includes(query.get(name) ?? '');

function include({ query }: Asked): IncludeObject {
  const asked = query.get('includeObject');
  return asked === 'None' || asked === 'Object' ? asked : 'Metadata';
}

function writeOptions(asked: Asked, subresource?: Subresource): WriteOptions {
  const { query, userAgent } = asked;
  const named = query.get('fieldManager') ?? '';
  const validation = query.get('fieldValidation');
  return {
    manager: named !== '' ? named : userAgent.split('/')[0]!.slice(0, managerCharsMax),
    force: isTrue(asked, 'force'),
    dryRun: isDryRun(asked),
    ...(subresource === undefined ? {} : { subresource }),
    ...(validation === null ? {} : { fieldValidation: validation }),
  };
}

function checkBody({ contentType }: Asked): void {
  if (contentType !== '' && contentType !== 'application/json')
    throw wrongType(contentType, ['application/json']);
}

const wrongType = (type: string, accepted: readonly string[]): Error =>
  refused(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format (${type}) - accepted media types include: ${accepted.join(', ')}`,
  );

const methodNotAllowed = (): Error =>
  refused(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');

const deleted = (outcome: Deleted): Answered => answer('left' in outcome ? outcome.left : outcome.gone);

function scaleOf(object: Stored, { scaled }: Resource): object {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const { wanted = ['spec', 'replicas'], present = ['status', 'replicas'] } = scaled ?? {};
  const selector = scaled === undefined ? selectorOf(object) : valueAt(object, scaled.selector ?? ['']);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: valueAt(object, wanted) ?? 0 },
    status: {
      replicas: valueAt(object, present) ?? 0,
      ...(typeof selector === 'string' ? { selector } : {}),
    },
  };
}

function selectorOf(object: Stored): string {
  const labels = valueAt(object, ['spec', 'selector', 'matchLabels']);
  if (!isObject(labels)) return '';
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(',');
}
