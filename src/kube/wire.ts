/** What carries requests to one API server: sockets in production, simulated ones where every fault has its turn. */
import { Agent, request } from 'undici';
import type { Access } from './access.ts';

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
 * limits are off: deadlines run on the injected timers.
 */
export function openWire(access: Access, connections: number): Wire {
  const { origin } = new URL(access.server);
  const connect = {
    rejectUnauthorized: !access.insecure,
    timeout: 10_000,
    keepAlive: true,
    ...(access.ca === undefined ? {} : { ca: access.ca }),
    ...(access.certificate === undefined ? {} : { cert: access.certificate, key: access.key }),
    ...(access.serverName === undefined ? {} : { servername: access.serverName }),
  };
  const shared = { connect, allowH2: false, headersTimeout: 0, bodyTimeout: 0, pipelining: 1 };
  const calls = new Agent({ ...shared, connections, keepAliveTimeout: 30_000 });
  const watches = new Agent({ ...shared, connections: null });
  return {
    request: ({ method, path, headers, body, isWatch, signal }) =>
      request(`${origin}${path}`, {
        dispatcher: isWatch ? watches : calls,
        method,
        headers: [...headers],
        body: body ?? null,
        signal,
      }),
    close: async () => {
      await Promise.all([calls.destroy(), watches.destroy()]);
    },
  };
}
