/**
 * Requests to repositories of charts and to registries: to no address that is off limits, also by redirect (S10); with
 * credentials for the origin that they were given for; within a deadline and a size.
 */
import { isIPv6, type LookupFunction } from 'node:net';
import { getCACertificates } from 'node:tls';
import { Agent, EnvHttpProxyAgent, ProxyAgent, request, type Dispatcher } from 'undici';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { isLinkLocalHost } from '#model/hosts.ts';
import type { Clock, Meter, Timers } from '#model/ports.ts';
import { usedProxy, type Proxy } from '#model/proxies.ts';
import { refusal } from './failures.ts';

export interface ClientPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly meter: Meter;
  /** The addresses of a host; empty if there are none. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
  /** Proxies, by the names of their variables. */
  readonly environment: Readonly<Record<string, string>>;
}

/** How a connection is made, and who says so. */
export interface Identity {
  readonly basic?: { readonly username: string; readonly password: string };
  /** PEM. */
  readonly certificates?: string;
  readonly client?: { readonly certificate: string; readonly key: string };
  readonly proxy?: Proxy;
  /** The login goes to every origin that the index names, too. */
  readonly passCredentials?: boolean;
}
export interface Ask {
  readonly url: string;
  readonly identity: Identity;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: 'GET' | 'POST';
  readonly bytesMax: number;
  /** The origin that the identity is meant for; its login goes nowhere else. */
  readonly origin: string;
  /** A code of the server that is an answer, besides 200. */
  readonly accepts?: readonly number[];
}
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

const deadlineMs = 60_000;
const redirectsMax = 5;

export class Client {
  readonly #ports: ClientPorts;
  readonly #dispatchers = new Map<string, Dispatcher>();

  constructor(ports: ClientPorts) {
    this.#ports = ports;
  }

  async ask(ask: Ask): Promise<Result<Reply>> {
    const { clock, meter } = this.#ports;
    const startedMs = clock.monotonic();
    const host = URL.parse(ask.url)?.host ?? '';
    const reply = await this.#follow(ask);
    const result = reply.ok ? 'ok' : reply.failure.code;
    meter.count('trueup_registry_requests_total', { host, result });
    meter.observe('trueup_registry_request_seconds', (clock.monotonic() - startedMs) / 1000, { host });
    return reply;
  }

  async #follow(ask: Ask): Promise<Result<Reply>> {
    let url = ask.url;
    for (let hop = 0; hop <= redirectsMax; hop += 1) {
      const target = URL.parse(url);
      const refused = target === null ? invalid(url) : refuse(target, ask.origin);
      if (target === null || refused !== undefined) return fail(refused!);
      const reply = await this.#send(target, ask);
      if (!reply.ok) return reply;
      const { location } = reply.value.headers;
      if (![301, 302, 303, 307, 308].includes(reply.value.status) || typeof location !== 'string')
        return judged(reply.value, ask);
      url = URL.parse(location, url)?.href ?? location;
    }
    return fail(refusal('RegistryAnswer', `${ask.url}: it redirects without end`, 'name the last address'));
  }

  async #send(target: URL, ask: Ask): Promise<Result<Reply>> {
    const { identity, bytesMax, method = 'GET' } = ask;
    const isMeant = target.origin === ask.origin || identity.passCredentials === true;
    const { basic } = identity;
    const authorization =
      basic === undefined
        ? undefined
        : `Basic ${Buffer.from(`${basic.username}:${basic.password}`, 'utf8').toString('base64')}`;
    // What is asked with a token of its own says so by its header; neither goes to another origin.
    const { authorization: own, ...headers } = ask.headers ?? {};
    const sent = isMeant ? (own ?? authorization) : undefined;
    const cancelling = new AbortController();
    const cancel = this.#ports.timers.after(deadlineMs, () => cancelling.abort());
    try {
      const reply = await request(target, {
        method,
        dispatcher: this.#dispatcher(isMeant ? identity : { ...identity, client: undefined }, target),
        headers: {
          'user-agent': 'trueup',
          ...headers,
          ...(sent === undefined ? {} : { authorization: sent }),
        },
        signal: cancelling.signal,
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      const body = await readAll(reply.body, bytesMax);
      if (body === undefined) {
        cancelling.abort();
        const size = `${Math.round(bytesMax / 2 ** 20)} MiB`;
        return fail(refusal('ArchiveRefused', `${ask.url}: it is larger than ${size}`, 'make it smaller'));
      }
      return ok({ status: reply.statusCode, headers: reply.headers, body });
    } catch (error) {
      return fail(connectionFailure(ask.url, error, cancelling.signal.aborted));
    } finally {
      cancel();
    }
  }

  /** One a way to connect: connections are kept between polls. */
  #dispatcher(
    {
      certificates,
      client,
      proxy: named,
    }: Pick<Identity, 'certificates' | 'proxy'> & { readonly client?: Identity['client'] | undefined },
    { hostname, port, protocol }: URL,
  ): Dispatcher {
    const proxy = usedProxy(named, hostname, Number(port) || (protocol === 'http:' ? 80 : 443));
    // What the Secret says goes before the environment, also where it says that none is used.
    const proxies = named === undefined ? proxiesOf(this.#ports.environment) : undefined;
    const key = JSON.stringify([certificates, client, proxy?.url, proxies === undefined]);
    let dispatcher = this.#dispatchers.get(key);
    if (dispatcher !== undefined) return dispatcher;
    const lookup = guarded(this.#ports.lookup);
    const connect = {
      lookup,
      ...(certificates === undefined ? {} : { ca: [...getCACertificates('default'), certificates] }),
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
    };
    dispatcher =
      proxy !== undefined
        ? new ProxyAgent({ uri: proxy.url, proxyTls: { lookup }, requestTls: connect })
        : proxies === undefined
          ? new Agent({ connect, connections: 6 })
          : new EnvHttpProxyAgent({ ...proxies, connect, requestTls: connect });
    this.#dispatchers.set(key, dispatcher);
    return dispatcher;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
    this.#dispatchers.clear();
  }
}

/** What is connected to is what was looked at: the name is resolved once. */
function guarded(lookup: ClientPorts['lookup']): LookupFunction {
  return (host, options, answer) => {
    void lookup(host).then((addresses) => {
      const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
      const [first] = found;
      const no = (code: string): void => answer(Object.assign(new Error(code), { code }), []);
      if (first === undefined) return no('ENOTFOUND');
      if (addresses.some(isLinkLocalHost)) return no('EFORBIDDEN');
      return options.all === true ? answer(null, found) : answer(null, first.address, first.family);
    });
  };
}

function refuse(target: URL, origin: string): Failure | undefined {
  if (isLinkLocalHost(target.hostname)) return forbidden(target.href, target.hostname);
  const isPlain = target.protocol === 'http:' && origin.startsWith('https:');
  if (target.protocol === 'https:' || (target.protocol === 'http:' && !isPlain)) return undefined;
  return refusal(
    'UnsupportedRegistry',
    `${shown(target.href)}: ${isPlain ? 'an encrypted source leads to one that is not' : 'this is no https address'}`,
    'use its https:// address',
  );
}

function forbidden(url: string, host: string): Failure {
  const message = `${shown(url)}: ${host} is a link-local or metadata address, which no source may reach`;
  return refusal('ForbiddenHost', message, 'use the public name of the server');
}

function invalid(url: string): Failure {
  return refusal('UnsupportedRegistry', `${JSON.stringify(shown(url))} is no address`, 'correct it');
}

/** Without user, password and signed queries (S14). */
export function shown(url: string): string {
  return url.replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/?#]*@/, '$1').replace(/[?#].*$/, '');
}

function judged(reply: Reply, { url, accepts = [] }: Ask): Result<Reply> {
  const { status } = reply;
  if (status === 200 || accepts.includes(status)) return ok(reply);
  const at = shown(url);
  if (status === 401 || status === 403)
    return fail(
      refusal(
        'RegistryAuthenticationFailed',
        `${at}: the server refused the credentials, or asks for some`,
        'check the Secret with the username and password of this repository',
      ),
    );
  if (status === 404)
    return fail(refusal('ChartNotFound', `${at}: there is no such thing`, 'check the address and the name'));
  const isTransient = status === 429 || status >= 500;
  return fail(
    refusal(
      'RegistryAnswer',
      `${at}: the server answered ${status}`,
      isTransient ? 'it is tried again' : 'check the address',
      isTransient ? 'transient' : 'terminal',
    ),
  );
}

async function readAll(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function connectionFailure(url: string, error: unknown, timedOut: boolean): Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const at = shown(url);
  if (code === 'EFORBIDDEN') return forbidden(url, URL.parse(url)?.hostname ?? '');
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO|ALERT/.test(code))
    return refusal(
      'RegistryTlsFailed',
      `${at}: no trusted TLS connection could be made (${code})`,
      'put the authority of the server into ConfigMap argocd-tls-certs-cm, under the name of its host',
    );
  const why = timedOut ? 'it did not answer in time' : `it cannot be reached (${code || 'no answer'})`;
  return refusal(
    'RegistryUnreachable',
    `${at}: ${why}`,
    'check the network and the server; it is tried again',
    'transient',
  );
}

function proxiesOf(environment: ClientPorts['environment']): object | undefined {
  const of = (name: string): string | undefined =>
    environment[name.toLowerCase()] ?? environment[name.toUpperCase()];
  const [httpProxy, httpsProxy, noProxy] = [of('http_proxy'), of('https_proxy'), of('no_proxy')];
  if (httpProxy === undefined && httpsProxy === undefined) return undefined;
  return {
    ...(httpProxy === undefined ? {} : { httpProxy }),
    ...(httpsProxy === undefined ? {} : { httpsProxy }),
    ...(noProxy === undefined ? {} : { noProxy }),
  };
}
