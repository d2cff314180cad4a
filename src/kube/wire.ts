/** What carries requests to one API server: sockets in production, simulated ones where every fault has its turn. */
import { Agent, request } from 'undici';
import type { Access } from './access.ts';
import type { TlsTexts } from './certificates.ts';

export interface WireRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With the prefix of the server's address, and the query. */
  readonly path: string;
  /** Names and values in turns. */
  readonly headers: readonly string[];
  readonly body: string | undefined;
  /** A watch: it holds its connection for minutes. */
  readonly isWatch: boolean;
  readonly signal: AbortSignal;
}
export type WireHeaders = Readonly<Record<string, string | string[] | undefined>>;
export interface WireAnswer {
  readonly statusCode: number;
  readonly headers: WireHeaders;
  /** To be read once, in one of the two ways. */
  readonly body: AsyncIterable<Uint8Array> & { text(): Promise<string> };
}
export interface Wire {
  /** The head of the answer. Rejects with what broke, under the system's code, also when the signal aborts. */
  request(asked: WireRequest): Promise<WireAnswer>;
  close(): Promise<void>;
}

/**
 * HTTP/1.1. Calls share few connections; watches have an agent of their own that is never capped. Undici's own time
 * limits are off: deadlines run on the injected timers. Other certificates are for new connections: what is under way
 * on old ones ends there.
 */
export function openWire(access: Access, connections: number, certificates: () => TlsTexts): Wire {
  const { origin } = new URL(access.server);
  let agents = openAgents(access, connections, certificates());
  const retired = new Set<Agents>();
  const current = (): Agents => {
    const tls = certificates();
    if (tls === agents.tls) return agents;
    const old = agents;
    retired.add(old);
    void Promise.all([old.calls.close(), old.watches.close()]).finally(() => retired.delete(old));
    agents = openAgents(access, connections, tls);
    return agents;
  };
  return {
    request: ({ method, path, headers, body, isWatch, signal }) =>
      request(`${origin}${path}`, {
        dispatcher: isWatch ? current().watches : current().calls,
        method,
        headers: [...headers],
        body: body ?? null,
        signal,
      }),
    close: async () => {
      const all = [agents, ...retired].flatMap(({ calls, watches }) => [calls, watches]);
      await Promise.all(all.map((agent) => agent.destroy()));
    },
  };
}

interface Agents {
  readonly tls: TlsTexts;
  readonly calls: Agent;
  readonly watches: Agent;
}

function openAgents(access: Access, connections: number, tls: TlsTexts): Agents {
  const connect = {
    rejectUnauthorized: !access.insecure,
    timeout: 10_000,
    keepAlive: true,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.certificate === undefined ? {} : { cert: tls.certificate, key: tls.key }),
    ...(access.serverName === undefined ? {} : { servername: access.serverName }),
  };
  const shared = { connect, allowH2: false, headersTimeout: 0, bodyTimeout: 0, pipelining: 1 };
  return {
    tls,
    calls: new Agent({ ...shared, connections, keepAliveTimeout: 30_000 }),
    watches: new Agent({ ...shared, connections: null }),
  };
}
