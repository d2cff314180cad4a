/** The embedded cluster as a first run has it: a worker thread, and the files by which kubectl finds it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { stringify } from 'yaml';
import type { Certificates } from '#host/certificates.ts';
import type { LogLevel } from '#host/log.ts';
import type { EmbeddedMessage, EmbeddedWorkerSettings } from './embedded-worker.ts';
import { certificatesIn, tokenIn, writePrivate } from './local-identity.ts';

export interface EmbeddedCluster {
  readonly kubeconfig: string;
  readonly server: string;
  /** Called when the thread ends by itself, which is a bug or a lack of memory. */
  onEnd(listener: (why: string) => void): void;
  close(): Promise<void>;
}

export async function openEmbeddedCluster(dataDir: string, logLevel: LogLevel): Promise<EmbeddedCluster> {
  const kubeconfig = path.join(dataDir, 'kubeconfig');
  const identity = { certificates: certificatesIn(dataDir), token: tokenIn(dataDir) };
  const calls = new MessageChannel();
  const settings: EmbeddedWorkerSettings = {
    ...identity,
    port: calls.port1,
    dataDir,
    lastPort: lastPortIn(kubeconfig),
    logLevel,
  };
  const worker = new Worker(new URL('./embedded-worker.ts', import.meta.url), {
    workerData: settings,
    transferList: [calls.port1],
  });
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('error', reject);
    calls.port2.once('message', (message: EmbeddedMessage) => {
      if (message.kind === 'listening') resolve(message.port);
    });
  });
  const server = `https://127.0.0.1:${port}`;
  writePrivate(kubeconfig, kubeconfigText(server, identity));
  let closing = false;
  return {
    kubeconfig,
    server,
    onEnd: (listener) => {
      worker.on('error', (error) => listener(String(error)));
      worker.on('exit', (code) => {
        if (!closing) listener(`it exited with ${code}`);
      });
    },
    close: async () => {
      closing = true;
      const stopped = new Promise<void>((resolve) => calls.port2.once('message', () => resolve()));
      calls.port2.postMessage({ kind: 'stop' } satisfies EmbeddedMessage);
      await stopped;
      calls.port2.close();
      await worker.terminate();
    },
  };
}

interface Identity {
  readonly certificates: Certificates;
  readonly token: string;
}

function lastPortIn(kubeconfig: string): number {
  try {
    return Number(/https:\/\/127\.0\.0\.1:(\d+)/.exec(readFileSync(kubeconfig, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function kubeconfigText(server: string, { certificates, token }: Identity): string {
  const name = 'trueup';
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server,
          'certificate-authority-data': Buffer.from(certificates.authority).toString('base64'),
        },
      },
    ],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name, context: { cluster: name, user: 'admin' } }],
    'current-context': name,
  });
}
