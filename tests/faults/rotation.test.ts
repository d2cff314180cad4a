/**
 * What Trueup shows to the API server, and what it trusts, is replaced in its files while it runs (F25): tokens,
 * client certificates, the authority of the server. What is replaced stops working.
 */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canTry } from '../programs.ts';
import { openClusterApi } from '../scenarios/cluster-api.ts';
import { configMap, yaml } from '../scenarios/manifests.ts';
import { startTrueup, type RunningTrueup } from '../scenarios/trueup-process.ts';
import { useWorld, waitFor, type Place } from '../scenarios/world.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

const world = useWorld({
  stopped: true,
  controlPlane: { flags: ['-no-scheduler', '-no-kwok', '-no-controllers'], audit: true },
});
/** An API server believes for so long what it found out about a token. */
const cachedMs = 30_000;

let proxy: TcpProxy;
let running: RunningTrueup | undefined;
beforeAll(async () => {
  proxy = await startTcpProxy(world.controlPlane.port);
  // Of nobody yet: for what is asked with one token or certificate.
  const text = await readFile(world.kubeconfig, 'utf8');
  await writeFile(at('bare.kubeconfig'), text.replace(/user: \{token: .*\}/, 'user: {}'));
});
afterAll(async () => {
  await running?.stop();
  await proxy?.close();
});

const at = (...names: readonly string[]): string => join(world.directory, ...names);
/** As whoever rotates does it: never half a file. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
async function start(name: string, cluster: object, user: object): Promise<void> {
  await running?.stop();
  const kubeconfig = at(`${name}.kubeconfig`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: `https://127.0.0.1:${proxy.port}`, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'c',
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  running = await startTrueup({
    kubeconfig,
    dataDirectory: at(`${name}-data`),
    logFile: at(`${name}.log`),
    namespace: world.controlNamespace,
    further: ['--poll-interval', '5s'],
  });
}
async function arrives(place: Place, value: string, timeoutMs?: number): Promise<void> {
  const commit = await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value })) });
  await place.synced(commit, timeoutMs);
  expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ value });
}
async function kubectl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await world.kubectl(...args, '-n', world.controlNamespace);
  expect(code, stderr).toBe(0);
  return stdout.trim();
}
/** Whom the API server took Trueup for, in the order of its requests. */
async function usersSince(mark: number): Promise<ReadonlySet<string>> {
  const lines = (await readFile(world.auditLog, 'utf8')).slice(mark).split('\n');
  const events = lines
    .filter((line) => line.endsWith('}'))
    .map(
      (line) =>
        JSON.parse(line) as { readonly userAgent?: string; readonly user?: { readonly username?: string } },
    );
  return new Set(
    events.filter(({ userAgent }) => userAgent?.startsWith('trueup')).map(({ user }) => user?.username ?? ''),
  );
}

describe('a token of a file', () => {
  /** Bound to a Secret: when that is deleted, the token is no good any more. */
  const token = async (name: string): Promise<string> => {
    const created = await world.api.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: world.controlNamespace },
    });
    const bound = ['--bound-object-kind=Secret', `--bound-object-name=${name}`];
    return kubectl('create', 'token', 'trueup', ...bound, `--bound-object-uid=${created.metadata.uid}`);
  };
  const revoke = async (name: string, text: string): Promise<void> => {
    await world.api.remove('v1/Secret', world.controlNamespace, name);
    await waitFor(
      'the API server to refuse it',
      async () => {
        const asked = await world.kubectl(
          'auth',
          'whoami',
          '--token',
          text,
          '--kubeconfig',
          at('bare.kubeconfig'),
        );
        return /Unauthorized|must be logged in/.test(asked.stderr);
      },
      { timeoutMs: cachedMs },
    );
  };

  it('is replaced and revoked: the next commit arrives; revoked first, it does when the new one is there (F25)', async () => {
    await kubectl('create', 'serviceaccount', 'trueup');
    const name = `trueup-${world.id}`;
    const who = `--serviceaccount=${world.controlNamespace}:trueup`;
    await kubectl('create', 'clusterrolebinding', name, '--clusterrole=cluster-admin', who);
    const [first, second, third] = [await token('first'), await token('second'), await token('third')];
    await writeFile(at('token'), first);
    await start(
      'token',
      { 'certificate-authority': join(world.controlPlane.directory, 'ca.crt') },
      { tokenFile: at('token') },
    );
    const place = await world.place();
    await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: '1' })) });
    await place.createApplication();
    await place.synced();

    await replace(at('token'), second);
    await revoke('first', first);
    await arrives(place, '2');
    expect(await running?.log()).not.toMatch(/Unauthorized/);

    await revoke('second', second);
    const commit = await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: '3' })) });
    await waitFor('the log to say so', async () => /Unauthorized/.test((await running?.log()) ?? ''));
    expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ value: '2' });
    await replace(at('token'), third);
    await place.synced(commit, 60_000);
  }, 120_000);
});

describe.runIf(canTry('openssl'))('certificates of files', () => {
  const openssl = (...args: readonly string[]): void =>
    void execFileSync('openssl', args, { cwd: at('issued'), stdio: 'ignore' });
  /** Makes NAME.crt and NAME.key; signed by itself unless there is an issuer. */
  const issue = (name: string, subject: string, extension: string, issuer?: string): void => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
    const by = issuer === undefined ? [] : ['-CA', `${issuer}.crt`, '-CAkey', `${issuer}.key`];
    const what = ['-subj', subject, '-addext', extension, '-days', '30', '-out', `${name}.crt`];
    openssl('req', '-x509', ...key, ...by, ...what);
  };
  const issued = (file: string): Promise<string> => readFile(at('issued', file), 'utf8');
  const ofServer = (file: string): string => join(world.controlPlane.directory, file);
  /** What it is shown on a new connection. */
  const shown = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: proxy.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().issuer.CN));
        socket.destroy();
      });
      socket.on('error', reject);
    });

  let place: Place;
  beforeAll(async () => {
    await mkdir(at('issued'));
    for (const [from, to] of [
      ['ca.crt', 'ca.crt'],
      ['admin.crt', 'client.crt'],
      ['admin.key', 'client.key'],
    ] as const)
      await copyFile(ofServer(from), at(to));
    const authority = { 'certificate-authority': at('ca.crt') };
    await start('certificates', authority, {
      'client-certificate': at('client.crt'),
      'client-key': at('client.key'),
    });
    place = await world.place();
    await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: '1' })) });
    await place.createApplication();
    await place.synced();
  });

  it('of the client: replaced, and its authority trusted no more: the next commit arrives (F25)', async () => {
    await copyFile(at('client.crt'), at('old.crt'));
    await copyFile(at('client.key'), at('old.key'));
    issue('clients', '/CN=clients', 'basicConstraints=critical,CA:true');
    issue('second', '/O=system:masters/CN=second', 'extendedKeyUsage=clientAuth', 'clients');
    // As it happens with two files: for a moment they do not belong together.
    await replace(at('client.crt'), await issued('second.crt'));
    await replace(at('client.key'), await issued('second.key'));
    await writeFile(ofServer('ca.crt'), await issued('clients.crt'));
    await waitFor('the API server to refuse the old one', async () => {
      const old = [`--client-certificate=${at('old.crt')}`, `--client-key=${at('old.key')}`];
      const asked = await world.kubectl('auth', 'whoami', ...old, '--kubeconfig', at('bare.kubeconfig'));
      return /Unauthorized|must be logged in/.test(asked.stderr);
    });
    const mark = await world.mark();
    await arrives(place, '2');
    expect(await usersSince(mark)).toContain('second');
    expect(await running?.log()).not.toMatch(/Unauthorized/);
  }, 90_000);

  it('of the server: another authority signs it; trusted again once the file says so (F25)', async () => {
    issue('servers', '/CN=servers', 'basicConstraints=critical,CA:true');
    issue('server', '/CN=kube-apiserver', 'subjectAltName=IP:127.0.0.1', 'servers');
    await world.api.close();
    world.api = await openClusterApi(await observerConfig(await issued('servers.crt')));
    await writeFile(ofServer('server.crt'), await issued('server.crt'));
    await writeFile(ofServer('server.key'), await issued('server.key'));
    await waitFor('the API server to show the new one', async () => (await shown()) === 'servers');

    proxy.cut();
    await waitFor('the log to say so', async () => /is not trusted/.test((await running?.log()) ?? ''));
    await replace(at('ca.crt'), await issued('servers.crt'));
    await arrives(place, '3', 60_000);
  }, 120_000);

  /** Of an administrator who trusts the server before and after. */
  async function observerConfig(authority: string): Promise<string> {
    const config = JSON.parse((await world.kubectl('config', 'view', '--raw', '-o', 'json')).stdout);
    const both = `${await readFile(at('ca.crt'), 'utf8')}${authority}`;
    config.clusters[0].cluster['certificate-authority-data'] = Buffer.from(both).toString('base64');
    await writeFile(at('observer.kubeconfig'), JSON.stringify(config));
    return at('observer.kubeconfig');
  }
});
