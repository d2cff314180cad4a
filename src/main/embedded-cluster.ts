/** The embedded cluster as a first run has it: a worker thread, and the files by which kubectl finds it. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { stringify } from 'yaml';
import { loopbackCertificates, type Certificates } from '#host/certificates.ts';
import { systemClock } from '#host/clock.ts';
import type { LogLevel } from '#host/log.ts';
import { systemRandom } from '#host/random.ts';
import type { EmbeddedMessage, EmbeddedWorkerSettings } from './embedded-worker.ts';

export interface EmbeddedCluster {
  readonly kubeconfig: string;
  readonly server: string;
  /** Called when the thread ends by itself, which is a bug or a lack of memory. */
  onEnd(listener: (why: string) => void): void;
  close(): Promise<void>;
}

const tokenBytes = 24;

export async function openEmbeddedCluster(dataDir: string, logLevel: LogLevel): Promise<EmbeddedCluster> {
  const kubeconfig = path.join(dataDir, 'kubeconfig');
  const identity = identityIn(dataDir);
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

/** The same at every start, so that a kubeconfig that somebody copied stays good. */
function identityIn(dataDir: string): Identity {
  const files = {
    authority: path.join(dataDir, 'ca.crt'),
    certificate: path.join(dataDir, 'server.crt'),
    key: path.join(dataDir, 'server.key'),
    token: path.join(dataDir, 'token'),
  };
  try {
    const [authority, certificate, key, token] = [
      files.authority,
      files.certificate,
      files.key,
      files.token,
    ].map((file) => readFileSync(file, 'utf8'));
    return {
      certificates: { authority: authority!, certificate: certificate!, key: key! },
      token: token!.trim(),
    };
  } catch {
    const certificates = loopbackCertificates(systemClock);
    const token = Buffer.from(systemRandom.bytes(tokenBytes)).toString('base64url');
    writePrivate(files.authority, certificates.authority);
    writePrivate(files.certificate, certificates.certificate);
    writePrivate(files.key, certificates.key);
    writePrivate(files.token, `${token}\n`);
    return { certificates, token };
  }
}

function writePrivate(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600 });
  // The mode above is for a new file only.
  chmodSync(file, 0o600);
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
