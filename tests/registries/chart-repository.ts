/** A repository of charts as people run one: files behind https, with a login where it asks for one. */
import { createHash } from 'node:crypto';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

export interface ChartRepositoryOptions {
  readonly root: string;
  readonly tls: ServerOptions;
  readonly login?: { readonly username: string; readonly password: string };
}
export interface ChartRepository {
  readonly url: string;
  /** Paths that were asked for, with what was answered: `200 /index.yaml`. */
  readonly requests: string[];
  /** Headers of the last request. */
  readonly authorization: () => string | undefined;
  redirect(path: string, to: string): void;
  close(): Promise<void>;
}

export async function startChartRepository(options: ChartRepositoryOptions): Promise<ChartRepository> {
  const requests: string[] = [];
  const redirects = new Map<string, string>();
  let authorization: string | undefined;
  const { login } = options;
  const wanted =
    login === undefined
      ? undefined
      : `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
  const server: Server = createServer(options.tls, (request, response) => {
    const at = request.url ?? '/';
    authorization = request.headers.authorization;
    const answer = (status: number, headers: Record<string, string> = {}, body?: Uint8Array): void => {
      requests.push(`${status} ${at}`);
      response.writeHead(status, headers).end(body);
    };
    if (wanted !== undefined && authorization !== wanted)
      return answer(401, { 'www-authenticate': 'Basic realm="charts"' });
    const to = redirects.get(at);
    if (to !== undefined) return answer(302, { location: to });
    const send = async (): Promise<void> => {
      const content = await readFile(path.join(options.root, path.posix.normalize(at))).catch(
        () => undefined,
      );
      if (content === undefined) return answer(404);
      const etag = `"${createHash('sha256').update(content).digest('hex')}"`;
      if (request.headers['if-none-match'] === etag) answer(304, { etag });
      else answer(200, { etag }, content);
    };
    void send();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `https://localhost:${port}`,
    requests,
    authorization: () => authorization,
    redirect: (from, to) => void redirects.set(from, to),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
