/** Requests for objects: which verb of the API they mean, and how its outcome is answered. */
import { isObject, jsonText } from '#model/json.ts';
import { inVersion, type Api, type Deleted, type Written } from './api.ts';
import { isPod } from './discovery.ts';
import type { WriteVerb } from './machinery.ts';
import { valueAt, type Stored } from './objects.ts';
import { Pages } from './pages.ts';
import { formOf, type IncludeObject, type Page, type Presentation } from './presentation.ts';
import {
  checkVersion,
  deleteOptions,
  fromGiven,
  isTrue,
  lifetimeMs,
  listOptions,
  watchOptions,
  writeOptions,
} from './request-options.ts';
import type { Resource, Subresource } from './resources.ts';
import type { Route } from './route.ts';
import { fieldSelector, labelSelector, type Matches } from './selectors.ts';
import { badRequest, conflict, methodNotAllowed, noSuchPath, refused, unsupported } from './status.ts';
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

const patchVerbs: ReadonlyMap<string, Exclude<WriteVerb, 'create' | 'update'>> = new Map([
  ['application/json-patch+json', 'json'],
  ['application/merge-patch+json', 'merge'],
  ['application/strategic-merge-patch+json', 'strategic'],
  ['application/apply-patch+yaml', 'apply'],
]);
const replicasMax = 2 ** 31 - 1;
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
        checkVersion(asked.query.get('resourceVersion') ?? '', this.#parts.store.version);
        return answer(this.#present(route, this.#parts.api.get(route), asked));
      case 'PUT':
      case 'PATCH':
        return this.#change(route, asked);
      case 'DELETE':
        return deleted(this.#parts.api.delete(route, deleteOptions(route.resource, asked)));
      default:
        throw methodNotAllowed();
    }
  }

  #collection(route: Route, asked: Asked): Answered {
    const { api } = this.#parts;
    switch (asked.method) {
      case 'GET':
        return isTrue(asked.query, 'watch') ? this.#watch(route, asked) : this.#list(route, asked);
      case 'POST': {
        if (route.resource.namespaced && route.namespace === '') throw noSuchPath();
        const written = api.create(
          route.resource,
          route.namespace,
          asked.body,
          writeOptions(asked, 'create'),
        );
        return answer(this.#present(route, written.object, asked), 201, written.warnings);
      }
      case 'DELETE': {
        const options = deleteOptions(route.resource, asked);
        const objects = this.#selected(route, asked);
        const metadata = { resourceVersion: String(this.#parts.store.version) };
        for (const {
          metadata: { name, namespace = '' },
        } of objects)
          api.delete({ resource: route.resource, namespace, name }, options);
        return answer(this.#presentList(route, asked, { objects, metadata }));
      }
      default:
        throw methodNotAllowed();
    }
  }

  #list(route: Route, asked: Asked): Answered {
    const { version } = this.#parts.store;
    const options = listOptions(asked.query, version);
    const { resource, namespace } = route;
    const scope = [resource.group, resource.version, resource.name, namespace].join('/');
    const page = this.#pages.page({ ...options, scope, version }, () => this.#selected(route, asked));
    return answer(this.#presentList(route, asked, page));
  }

  #presentList({ resource }: Route, asked: Asked, page: Page): object {
    return this.#parts.presentation.list(resource, page, formOf(asked.accept), include(asked));
  }

  #watch(route: Route, asked: Asked): Answered {
    const { resource, namespace } = route;
    const form = formOf(asked.accept);
    const { timeoutMs = watchTimeoutMs, ...options } = watchOptions(asked.query);
    const stream = this.#parts.watching.stream({
      ...options,
      resource,
      namespace,
      matches: this.#matches(route, asked),
      timeoutMs,
      present: (object) =>
        this.#parts.presentation.object(resource, inVersion(object, resource), form, include(asked)),
    });
    return answer(stream);
  }

  #change(route: Route, asked: Asked, subresource?: Subresource): Answered {
    if (asked.method !== 'PUT' && asked.method !== 'PATCH') throw methodNotAllowed();
    const verb = asked.method === 'PUT' ? 'update' : patchVerbs.get(asked.contentType);
    if (verb === undefined) throw wrongType(asked.contentType, [...patchVerbs.keys()]);
    const kind = verb === 'update' || verb === 'apply' ? verb : 'patch';
    const options = writeOptions(asked, kind, subresource);
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
      const { dryRun } = writeOptions(asked, 'create');
      const options = fromGiven(resource, valueAt(parsedBody(asked.body), ['deleteOptions']));
      this.#parts.api.delete(route, { ...options, dryRun: dryRun === true || options.dryRun === true });
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
    const { token, expires } = this.#parts.users.issue(account.metadata, lifetimeMs(review));
    return { ...review, status: { token, expirationTimestamp: expires } };
  }

  #finalize(route: Route, asked: Asked): Answered {
    const live = this.#parts.api.get(route);
    const finalizers = valueAt(parsedBody(asked.body), ['spec', 'finalizers']);
    const spec = Array.isArray(finalizers) && finalizers.length > 0 ? { finalizers } : {};
    const finalized = { ...live, spec };
    if (writeOptions(asked, 'update').dryRun === true) return answer(finalized);
    return answer(this.#parts.api.replaceAsIs(route.resource, finalized));
  }

  #scale(route: Route, asked: Asked): Answered {
    const live = this.#parts.api.get(route);
    if (asked.method === 'GET') return answer(scaleOf(live, route.resource));
    const body = parsedBody(asked.body);
    const replicas = valueAt(body, ['spec', 'replicas']);
    const isPatch = asked.method === 'PATCH';
    if (
      isPatch &&
      !['application/merge-patch+json', 'application/strategic-merge-patch+json'].includes(asked.contentType)
    )
      throw unsupported(`${asked.contentType} on scale`);
    if (!isPatch && asked.method !== 'PUT') throw methodNotAllowed();
    if (typeof replicas === 'bigint' || (typeof replicas === 'number' && replicas > replicasMax))
      throw badRequest(
        `Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal number ${replicas} into Go struct field ScaleSpec.spec.replicas of type int32`,
      );
    if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0)
      throw refused(
        422,
        'Invalid',
        `Scale.autoscaling "${route.name}" is invalid: spec.replicas: Invalid value: ${jsonText(replicas ?? null)}: must be greater than or equal to 0`,
      );
    const version = valueAt(body, ['metadata', 'resourceVersion']) ?? '';
    if (version !== '' && version !== live.metadata.resourceVersion)
      throw conflict(
        route.resource,
        route.name,
        'the object has been modified; please apply your changes to the latest version and try again',
      );
    const written = this.#parts.api.scale(route, replicas, writeOptions(asked, isPatch ? 'patch' : 'update'));
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
}

function include({ query }: Asked): IncludeObject {
  const asked = query.get('includeObject');
  return asked === 'None' || asked === 'Object' ? asked : 'Metadata';
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
