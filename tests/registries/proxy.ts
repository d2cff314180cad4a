/** A forward proxy on loopback: it connects whoever gives its password, and says to where. */
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface ForwardProxy {
  /** With its user and password. */
  readonly url: string;
  /** `host:port` of each connection that was asked for. */
  readonly asked: string[];
  close(): Promise<void>;
}

export async function startProxy(password = 'pr0xy-canary'): Promise<ForwardProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const expected = `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`;
  const server = createServer((_, response) => void response.writeHead(405).end());
  server.on('connect', ({ url = '', headers: sent }, client: Socket) => {
    if (sent['proxy-authorization'] !== expected) {
      const headers = 'Proxy-Authenticate: Basic realm="proxy"\r\nContent-Length: 0\r\nConnection: close';
      client.end(`HTTP/1.1 407 Proxy Authentication Required\r\n${headers}\r\n\r\n`);
      return;
    }
    asked.push(url);
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(url) ?? [];
    const upstream = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(upstream);
      upstream.pipe(client);
    });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => [client, upstream].forEach((one) => one.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://ada:${password}@localhost:${port}`,
    asked,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
