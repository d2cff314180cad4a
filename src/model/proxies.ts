/** The proxy that the Secret of a repository names, and for which addresses it is used. */
import { isLinkLocalHost } from './hosts.ts';
import type { SecretRef } from './object.ts';
import type { SecretReader } from './ports.ts';

export interface Proxy {
  /** It may have a password: for whoever connects only (S14). */
  readonly url: string;
  /** Hosts that are reached without it. */
  readonly except: readonly string[];
}
export type ReadProxy =
  | { readonly ok: true; readonly proxy?: Proxy }
  | { readonly ok: false; readonly what: string; readonly hint: string };

/** As Argo CD has it in `proxy` and `noProxy`. Read at every use, so that a change works at once. */
export function readProxy(ref: SecretRef | undefined, secrets: SecretReader): ReadProxy {
  if (ref === undefined) return { ok: true };
  const data = secrets(ref);
  const no = (what: string, hint: string): ReadProxy => {
    return { ok: false, what: `Secret ${ref.namespace}/${ref.name} ${what}`, hint };
  };
  if (data === undefined) return no('with its proxy does not exist', 'create the Secret');
  const url = data['proxy']?.trim() ?? '';
  const { protocol = '', hostname = '', username, password } = URL.parse(url) ?? {};
  if (!/^https?:$/.test(protocol) || !isEncoded(`${username}:${password}`))
    return no('has a proxy that is no http:// or https:// address', 'correct proxy');
  if (isLinkLocalHost(hostname))
    return no('has a proxy at a link-local or metadata address', 'use the name of the proxy');
  const except = (data['noProxy'] ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  const range = except.find((entry) => entry.includes('/') && range4(entry) === undefined);
  if (range !== undefined)
    return no(`has ${range} in noProxy, which is no range of IPv4 addresses`, 'name the hosts');
  return { ok: true, proxy: { url, except } };
}

function isEncoded(text: string): boolean {
  try {
    return decodeURIComponent(text) !== '';
  } catch {
    return false;
  }
}

/** The proxy by which this host is reached, if by one: `*`, `host` with all below it, `.domain`, `host:port`, `10.0.0.0/8`. */
export function usedProxy(proxy: Proxy | undefined, host: string, port: number): Proxy | undefined {
  const name = bare(host);
  return proxy?.except.some((entry) => isMeant(entry.toLowerCase(), name, port)) === true ? undefined : proxy;
}

function isMeant(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  const range = range4(entry);
  if (range !== undefined) {
    const address = number4(host);
    return address !== undefined && Math.floor(address / range.size) === Math.floor(range.first / range.size);
  }
  const [, name = '', wanted] = /^(\[[^\]]*\]|[^:]*|.*:.*:.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (wanted !== undefined && Number(wanted) !== port) return false;
  const suffix = name.replace(/^\*(?=\.)/, '');
  if (suffix.startsWith('.')) return host.endsWith(suffix);
  return host === bare(suffix) || host.endsWith(`.${suffix}`);
}

const bare = (host: string): string => host.toLowerCase().replace(/^\[|\]$/g, '');

function range4(entry: string): { readonly first: number; readonly size: number } | undefined {
  const [address = '', bits = '', more] = entry.split('/');
  const first = number4(address);
  const isRange = /^\d\d?$/.test(bits) && Number(bits) <= 32 && more === undefined;
  return first === undefined || !isRange ? undefined : { first, size: 2 ** (32 - Number(bits)) };
}

function number4(address: string): number | undefined {
  const parts = address.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  if (parts.length !== 4 || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
