/** Stands between a client and a server: connections can be cut, or fall silent while new ones are served. */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Every connection there is; the client may connect again. */
  cut(): void;
  /** Nothing passes any more on the connections there are, and none of them is closed; returns how many they are. */
  silence(): number;
  close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [socket, other] of [pair, [far, near] as const]) {
      socket.pipe(other);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        pairs.delete(pair);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      for (const [near] of pairs) near.destroy();
    },
    silence() {
      const { size } = pairs;
      for (const [near, far] of pairs) {
        near.unpipe(far).pause();
        far.unpipe(near).pause();
      }
      return size;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const [near] of pairs) near.destroy();
      await closed;
    },
  };
}
