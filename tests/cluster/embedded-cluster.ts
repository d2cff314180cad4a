/** The embedded cluster as scenarios need it: kubeconfigs of two users, and an audit log like the API server's. */
import { appendFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { openEmbedded, type Embedded } from '#embedded/embedded.ts';
import { loadMachinery, openMachinery } from '#embedded/machinery.ts';
import { routeOf } from '#embedded/route.ts';
import { forgetful } from '#embedded/store.ts';
import { administrator } from '#embedded/users.ts';
import { loopbackCertificates } from '#host/certificates.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { openLog } from '#host/log.ts';
import { systemRandom } from '#host/random.ts';

export interface EmbeddedCluster {
  readonly kubeconfig: string;
  /** Of somebody who is authenticated and has no rights. */
  readonly nobodyKubeconfig: string;
  readonly auditLog: string;
  readonly embedded: Embedded;
  stop(): Promise<void>;
}

const adminToken = 'admin-of-the-scenarios';
const nobodyToken = 'nobody-of-the-scenarios';

export interface EmbeddedOptions {
  /** Whether workloads progress; they do unless told otherwise. */
  readonly controllers?: boolean;
}

export async function startEmbeddedCluster(options: EmbeddedOptions = {}): Promise<EmbeddedCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'trueup-embedded-'));
  const auditLog = join(directory, 'audit.log');
  await writeFile(auditLog, '');
  const embedded = openEmbedded({
    machinery: openMachinery(await loadMachinery(), systemClock, systemRandom),
    keeper: forgetful,
    controllers: options.controllers ?? true,
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    log: openLog('error'),
    users: new Map([
      [adminToken, administrator],
      [nobodyToken, { name: 'nobody', groups: ['system:authenticated'] }],
    ]),
  });
  const certificates = loopbackCertificates(systemClock);
  const fetch = async (request: Request): Promise<Response> => {
    const answer = await embedded.handle(request);
    const line = auditLine(request, answer.status, embedded);
    if (line !== undefined) appendFileSync(auditLog, line);
    return answer;
  };
  const serverOptions = { key: certificates.key, cert: certificates.certificate };
  const { server, port } = await new Promise<{ server: ReturnType<typeof serve>; port: number }>(
    (resolve) => {
      const started = serve({ fetch, hostname: '127.0.0.1', port: 0, createServer, serverOptions }, (at) =>
        resolve({ server: started, port: at.port }),
      );
    },
  );
  const kubeconfig = join(directory, 'kubeconfig');
  const nobodyKubeconfig = join(directory, 'nobody.kubeconfig');
  const authority = Buffer.from(certificates.authority).toString('base64');
  for (const [file, token] of [
    [kubeconfig, adminToken],
    [nobodyKubeconfig, nobodyToken],
  ] as const)
    await writeFile(file, kubeconfigText(`https://127.0.0.1:${port}`, authority, token));
  return {
    kubeconfig,
    nobodyKubeconfig,
    auditLog,
    embedded,
    stop: async () => {
      embedded.close();
      const closed = new Promise((resolve) => server.close(resolve));
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const writingVerbs: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

function auditLine(request: Request, code: number, { registry }: Embedded): string | undefined {
  const url = new URL(request.url);
  const isWatch = url.searchParams.get('watch') === 'true' || url.searchParams.get('watch') === '1';
  const route = routeOf(url.pathname, registry);
  const reading = isWatch ? 'watch' : route?.name === '' ? 'list' : 'get';
  const event = {
    verb: writingVerbs[request.method] ?? reading,
    userAgent: request.headers.get('user-agent') ?? '',
    requestURI: `${url.pathname}${url.search}`,
    responseStatus: { code },
    ...(route === undefined
      ? {}
      : {
          objectRef: {
            resource: route.resource.name,
            // As the real one has it: a Namespace is in itself.
            namespace: route.resource.name === 'namespaces' ? route.name : route.namespace,
            name: route.name,
            subresource: route.subresource,
          },
        }),
  };
  return `${JSON.stringify(event)}\n`;
}

const kubeconfigText = (server: string, authority: string, token: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'embedded', cluster: { server, 'certificate-authority-data': authority } }],
    users: [{ name: 'user', user: { token } }],
    contexts: [{ name: 'embedded', context: { cluster: 'embedded', user: 'user' } }],
    'current-context': 'embedded',
  });
