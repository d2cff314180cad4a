/**
 * The HTTP edge of the embedded cluster: a request in, a response out, as kubectl and our own client speak to an API
 * server. It listens nowhere itself.
 */
import { jsonText } from '#model/json.ts';
import type { Log } from '#model/ports.ts';
import { forbidden, type Action, type Authorization, type User } from './authorization.ts';
import { parsedBody } from './body.ts';
import {
  aggregated,
  aggregatedType,
  apiVersions,
  groupEntry,
  groupList,
  groupsOf,
  resourceList,
} from './discovery.ts';
import { impersonated } from './impersonation.ts';
import type { Machinery } from './machinery.ts';
import { legacyDocument, type OpenApi } from './open-api.ts';
import type { Registry } from './registry.ts';
import { isTrue } from './request-options.ts';
import { ResourceRequests } from './resource-requests.ts';
import type { Resource } from './resources.ts';
import { review, reviewAt } from './reviews.ts';
import { routeOf, type Route } from './route.ts';
import { methodNotAllowed, NoSuchPath, noSuchPath, refused, StatusError, type Status } from './status.ts';

export const kubernetesVersion = 'v1.36.3';

export interface EdgeParts {
  readonly registry: Registry;
  readonly machinery: Machinery;
  readonly openApi: OpenApi;
  readonly resources: ResourceRequests;
  readonly log: Log;
  readonly authorization: Authorization;
  /** Who a bearer token stands for; undefined: nobody. */
  readonly userOf: (token: string) => User | undefined;
}

/** An answer that is not about objects. */
interface Fixed {
  readonly body: object | Uint8Array<ArrayBuffer>;
  readonly type?: string;
}

const protobufType = 'application/vnd.kubernetes.protobuf';
/** As much as the API server reads of one request. */
const bodyBytesMax = 3 * 1024 * 1024;

export class Edge {
  readonly #parts: EdgeParts;

  constructor(parts: EdgeParts) {
    this.#parts = parts;
  }

  async handle(request: Request): Promise<Response> {
    try {
      return await this.#answer(request);
    } catch (error) {
      if (error instanceof NoSuchPath)
        return new Response(NoSuchPath.page, { status: 404, headers: { 'content-type': 'text/plain' } });
      if (error instanceof StatusError) return statusResponse(error.status, error.warnings);
      this.#parts.log.error(
        { url: request.url, stack: String((error as Error).stack) },
        'a request failed: a bug',
      );
      return statusResponse(refused(500, 'InternalError', 'internal error; the log says more').status, []);
    }
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const path = url.pathname.replace(/\/+$/, '');
    if (['/healthz', '/livez', '/readyz'].includes(path)) return new Response('ok');
    const user = this.#authenticate(request);
    const contentType = (request.headers.get('content-type') ?? '').split(';')[0]!.trim();
    const sent = await bytesOf(request);
    const isProtobuf = contentType === protobufType;
    const body = isProtobuf ? this.#parts.machinery.fromProtobuf(sent) : sent.toString('utf8');
    const fixed = this.#fixed(request, url);
    if (fixed !== undefined && request.method !== 'GET') throw methodNotAllowed();
    if (fixed !== undefined) {
      if (!(fixed.body instanceof Uint8Array)) return json(fixed.body, 200, fixed.type);
      return new Response(fixed.body, { headers: [['content-type', fixed.type ?? '']] });
    }
    const asked = request.method === 'POST' ? reviewAt(path) : undefined;
    if (asked !== undefined)
      return json(review(asked, path, parsedBody(body), user, this.#parts.authorization), 201);
    const route = routeOf(path, this.#parts.registry);
    if (route === undefined) throw noSuchPath();
    const action = actionOf(request.method, url.searchParams, route);
    if (!this.#parts.authorization.mayDo(user, action)) throw forbidden(user, action);
    const {
      body: found,
      code,
      type,
      warnings,
    } = this.#parts.resources.answer(route, {
      method: request.method,
      query: url.searchParams,
      accept: request.headers.get('accept') ?? '',
      contentType: isProtobuf ? 'application/json' : contentType,
      userAgent: request.headers.get('user-agent') ?? '',
      body,
    });
    const headers = warningHeaders([...deprecations(route.resource), ...warnings]);
    if (found instanceof ReadableStream || typeof found === 'string')
      return new Response(found, { status: code, headers: [['content-type', type], ...headers] });
    return json(found, code, type, headers);
  }

  /** Whose request it is: the bearer's of the token, or of somebody whom that one may impersonate. */
  #authenticate({ headers }: Request): User {
    const [, token] = /^Bearer (.+)$/i.exec(headers.get('authorization') ?? '') ?? [];
    const user = token === undefined ? undefined : this.#parts.userOf(token.trim());
    if (user === undefined) throw refused(401, 'Unauthorized', 'Unauthorized');
    return impersonated(user, headers, this.#parts.authorization);
  }

  /** What is not objects: versions, discovery, OpenAPI. */
  #fixed(request: Request, url: URL): Fixed | undefined {
    const { registry, openApi } = this.#parts;
    const path = url.pathname.replace(/\/+$/, '');
    const wantsAggregated = (request.headers.get('accept') ?? '').includes('as=APIGroupDiscoveryList');
    if (path === '/version') return { body: versionInfo() };
    if (path === '/api' || path === '/apis') {
      const isCore = path === '/api';
      if (wantsAggregated) return { body: aggregated(registry, isCore), type: aggregatedType };
      return { body: isCore ? apiVersions(url.host) : groupList(registry) };
    }
    if (path === '/openapi/v2') return legacyDocument(request.headers.get('accept') ?? '');
    if (path === '/openapi/v3') return { body: openApi.index() };
    if (path.startsWith('/openapi/v3/')) {
      const document = openApi.document(path.slice('/openapi/v3/'.length));
      if (document === undefined) throw noSuchPath();
      return { body: document };
    }
    const [root, ...parts] = path.split('/').slice(1);
    const [group = '', version] = root === 'api' ? ['', ...parts] : parts;
    if (root === 'apis' && parts.length === 1) {
      const known = groupsOf(registry).find((candidate) => candidate.group === group);
      if (known === undefined) throw noSuchPath();
      return { body: { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(known) } };
    }
    const isVersion = (root === 'api' && parts.length === 1) || (root === 'apis' && parts.length === 2);
    if (!isVersion || version === undefined) return undefined;
    const found = resourceList(registry, group, version);
    if (found === undefined) throw noSuchPath();
    return { body: found };
  }
}

/** Every answer about a deprecated kind says so. */
const deprecations = ({ group, name }: Resource): readonly string[] =>
  group === '' && name === 'endpoints'
    ? ['v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice']
    : [];

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

function actionOf(method: string, query: URLSearchParams, route: Route): Action {
  const { resource, namespace, name, subresource } = route;
  const many: Readonly<Record<string, string>> = {
    GET: isTrue(query, 'watch') ? 'watch' : 'list',
    DELETE: 'deletecollection',
  };
  return {
    verb: (name === '' ? many[method] : undefined) ?? verbs[method] ?? method.toLowerCase(),
    group: resource.group,
    resource: resource.name,
    subresource,
    namespace,
    name,
  };
}

function versionInfo(): object {
  const [major, minor] = kubernetesVersion.slice(1).split('.');
  return {
    major,
    minor,
    gitVersion: `${kubernetesVersion}+embedded`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'gc',
    platform: 'wasip1/wasm',
  };
}

async function bytesOf(request: Request): Promise<Buffer> {
  if (request.body === null) return Buffer.alloc(0);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of request.body) {
    bytes += part.byteLength;
    if (bytes > bodyBytesMax)
      throw refused(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${bodyBytesMax}`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function json(
  body: object,
  code: number,
  type = 'application/json',
  headers: readonly [string, string][] = [],
): Response {
  return new Response(`${jsonText(body)}\n`, { status: code, headers: [['content-type', type], ...headers] });
}

function statusResponse(status: Status, warnings: readonly string[]): Response {
  const seconds = status.details?.['retryAfterSeconds'];
  const again: readonly [string, string][] =
    typeof seconds === 'number' ? [['retry-after', String(seconds)]] : [];
  // The rest of the body is not read: whoever sends it must not think that the connection is good for more.
  const last: readonly [string, string][] = status.code === 413 ? [['connection', 'close']] : [];
  return json(status, status.code ?? 200, 'application/json', [
    ...again,
    ...last,
    ...warningHeaders(warnings),
  ]);
}

const warningHeaders = (warnings: readonly string[]): readonly [string, string][] =>
  warnings.map((text) => ['warning', `299 - ${quoted(text)}`]);

/** A quoted-string of HTTP, in ASCII. */
const quoted = (text: string): string =>
  `"${text.replaceAll(/[\\"]/g, (sign) => `\\${sign}`).replaceAll(/[^\x20-\x7e]/g, '?')}"`;
