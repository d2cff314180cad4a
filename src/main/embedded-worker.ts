/** The worker thread of the embedded cluster: what it computes never holds the engine up (F16). */
import { createServer } from 'node:https';
import path from 'node:path';
import { workerData, type MessagePort } from 'node:worker_threads';
import { serve, type ServerType } from '@hono/node-server';
import { openEmbedded } from '#embedded/embedded.ts';
import { loadMachinery, openMachinery } from '#embedded/machinery.ts';
import { administrator } from '#embedded/users.ts';
import type { Certificates } from '#host/certificates.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { openLog, type LogLevel } from '#host/log.ts';
import { openObjectKeeper } from '#host/object-keeper.ts';
import { systemRandom } from '#host/random.ts';

export interface EmbeddedWorkerSettings {
  readonly port: MessagePort;
  readonly dataDir: string;
  readonly certificates: Certificates;
  readonly token: string;
  /** Where it listened before; another if that is taken. */
  readonly lastPort: number;
  readonly logLevel: LogLevel;
}
/** From the worker: it listens. To it: it is to stop; then it answers that it has. */
export type EmbeddedMessage =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'stopped' };

const loopback = '127.0.0.1';

const { port, dataDir, certificates, token, lastPort, logLevel } = workerData as EmbeddedWorkerSettings;
const log = openLog(logLevel);
const keeper = openObjectKeeper(path.join(dataDir, 'cluster.db'), log);
const embedded = openEmbedded({
  machinery: openMachinery(await loadMachinery(), systemClock, systemRandom),
  keeper,
  controllers: true,
  clock: systemClock,
  timers: systemTimers,
  random: systemRandom,
  log,
  users: new Map([[token, administrator]]),
});

let server: ServerType;
const listen = (wanted: number): void => {
  server = serve(
    {
      fetch: (request: Request) => embedded.handle(request),
      hostname: loopback,
      port: wanted,
      createServer,
      serverOptions: { key: certificates.key, cert: certificates.certificate },
    },
    (address) => port.postMessage({ kind: 'listening', port: address.port } satisfies EmbeddedMessage),
  );
  server.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE' || wanted === 0) throw error;
    listen(0);
  });
};
listen(lastPort);
// Once, however many ports were tried.
port.on('message', (message: EmbeddedMessage) => {
  if (message.kind !== 'stop') return;
  server.close();
  embedded.close();
  keeper.close();
  port.postMessage({ kind: 'stopped' } satisfies EmbeddedMessage);
});
