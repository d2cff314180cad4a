/** How Trueup starts, refuses to start, and stops. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { freePort } from '../free-port.ts';
import { openClusterApi } from './cluster-api.ts';
import { repositoryRoot, runToEnd, startArguments, trueup, trueupProgram } from './trueup-process.ts';
import type { Finished } from './trueup-process.ts';
import { waitFor } from './wait-for.ts';
import { useWorld } from './world.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'trueup-start-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const world = useWorld();

async function start(change: Partial<Parameters<typeof startArguments>[0]> = {}): Promise<readonly string[]> {
  return startArguments({
    kubeconfig: inject('kubeconfig'),
    dataDirectory: join(directory, 'data'),
    namespace: world.controlNamespace,
    port: await freePort(),
    ...change,
  });
}

function expectRefused({ code, stderr }: Finished, ...patterns: readonly RegExp[]): void {
  expect(code, stderr).toBe(1);
  expect(stderr.trim().split('\n'), stderr).toHaveLength(1);
  for (const pattern of patterns) expect(stderr).toMatch(pattern);
}

describe('refuses to start, with one line that says why', () => {
  it('a kubeconfig that is not there', async () => {
    expectRefused(await trueup(await start({ kubeconfig: '/nonexistent/config' })), /\/nonexistent\/config/);
  });

  it('a kubeconfig that is none', async () => {
    const kubeconfig = join(directory, 'bad.kubeconfig');
    await writeFile(kubeconfig, 'this: is\nnot: [a kubeconfig');
    expectRefused(await trueup(await start({ kubeconfig })), /bad\.kubeconfig/);
    await writeFile(kubeconfig, 'apiVersion: v1\nkind: Config\n');
    expectRefused(await trueup(await start({ kubeconfig })), /bad\.kubeconfig|context/);
  });

  it('a context that the kubeconfig does not have', async () => {
    expectRefused(await trueup(await start({ further: ['--context', 'elsewhere'] })), /elsewhere/);
  });

  it('a port that is in use', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      expectRefused(await trueup(await start({ port })), new RegExp(`${port}`), /in use/i);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('a data directory that cannot be written', async () => {
    // Below a file: not even root can write there.
    await writeFile(join(directory, 'file'), '');
    const dataDirectory = join(directory, 'file', 'data');
    expectRefused(await trueup(await start({ dataDirectory })), /file\/data/);
  });

  it('no git', async () => {
    const path = join(directory, 'path-without-git');
    await mkdir(path);
    for (const tool of ['sh', 'dirname', 'readlink', 'find', 'node', 'npm']) {
      const { stdout } = await runToEnd('sh', ['-c', `command -v ${tool}`]);
      await symlink(stdout.trim(), join(path, tool));
    }
    expectRefused(await runToEnd(trueupProgram, await start(), { env: { PATH: path } }), /git/i);
  });
});

describe('a cluster without the definitions', () => {
  let bare: ControlPlane;
  beforeAll(async () => {
    bare = await startControlPlane({ flags: ['-no-scheduler', '-no-kwok'] });
  });
  afterAll(() => bare.stop());

  it('is refused, with the command that installs them; that adds the absent ones only (F31)', async () => {
    const args = await start({ kubeconfig: bare.kubeconfig });
    expectRefused(await trueup(args), /install --crds/);

    // One is there already, in a form of its own.
    const api = await openClusterApi(bare.kubeconfig);
    try {
      const definition = 'apiextensions.k8s.io/v1/CustomResourceDefinition';
      await api.create(olderApplicationDefinition);
      const before = await api.get(definition, '', 'applications.argoproj.io');
      const install = () => trueup(['install', '--crds', '--kubeconfig', bare.kubeconfig]);
      const installed = await install();
      expect(installed, installed.stderr).toMatchObject({ code: 0 });
      const names = async () => (await api.list(definition, '')).map(({ metadata }) => metadata.name);
      expect(await names()).toEqual(
        expect.arrayContaining(['appprojects.argoproj.io', 'applications.argoproj.io']),
      );
      expect((await names()).some((name) => name.endsWith('.trueup.dev'))).toBe(true);
      const versions = async () =>
        (await api.list(definition, '')).map(({ metadata }) => [metadata.name, metadata.generation]);
      const first = await versions();
      const second = await install();
      expect(second, second.stderr).toMatchObject({ code: 0 });
      expect(await versions()).toEqual(first);
      const after = await api.get(definition, '', 'applications.argoproj.io');
      expect(after?.['spec']).toEqual(before?.['spec']);
      expect(after?.metadata.uid).toBe(before?.metadata.uid);
    } finally {
      await api.close();
    }
  });
});

describe('runs', () => {
  it('says that it is alive, ready and how it does, on loopback only', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      const answer = await fetch(`${world.origin}${path}`);
      expect(answer.status, path).toBe(200);
      await answer.text();
    }
    const metrics = await (await fetch(`${world.origin}/metrics`)).text();
    expect(metrics).toMatch(/^# TYPE /m);
    const { port } = new URL(world.origin);
    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4');
    if (outside !== undefined)
      await expect(fetch(`http://${outside.address}:${port}/healthz`)).rejects.toThrow();
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends with 0 when %s reaches the process group of `npm start`',
    async (signal) => {
      const port = await freePort();
      const args = await start({ port, dataDirectory: join(directory, signal) });
      const [, ...withoutVerb] = args;
      const child = spawn('npm', ['start', '-s', '--', ...withoutVerb], {
        cwd: repositoryRoot,
        detached: true,
        stdio: 'ignore',
      });
      const ended = new Promise<number | string>((resolve) => {
        child.on('exit', (code, by) => resolve(code ?? by ?? 'nothing'));
      });
      await waitFor('it to be ready', async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok);
      process.kill(-(child.pid ?? 0), signal);
      expect(await ended).toBe(0);
      await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
    },
  );

  it('outlives a restart of the API server, and goes on (F5)', async () => {
    const own = await startControlPlane({ flags: ['-no-scheduler', '-no-kwok'] });
    const api = await openClusterApi(own.kubeconfig);
    const port = await freePort();
    const log = join(directory, 'outlives.log');
    try {
      const installed = await trueup(['install', '--crds', '--kubeconfig', own.kubeconfig]);
      expect(installed, installed.stderr).toMatchObject({ code: 0 });
      await runToEnd(own.kubectl, ['--kubeconfig', own.kubeconfig, 'create', 'namespace', 'control']);
      const args = startArguments({
        kubeconfig: own.kubeconfig,
        dataDirectory: join(directory, 'outlives'),
        namespace: 'control',
        port,
      });
      const child = spawn('sh', ['-c', 'exec "$@" >"$0" 2>&1', log, trueupProgram, ...args], {
        stdio: 'ignore',
      });
      const ended = new Promise((resolve) => child.on('exit', resolve));
      await waitFor('it to be ready', async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok);
      await own.restart();
      await api.create({
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Application',
        metadata: { name: 'later', namespace: 'control' },
        spec: {
          project: 'default',
          source: { repoURL: world.git.url('nothing'), path: '.' },
          destination: {},
        },
      });
      await waitFor(
        'the new Application to be seen',
        async () => (await api.get('argoproj.io/v1alpha1/Application', 'control', 'later'))?.['status'],
        { timeoutMs: 60_000, seen: () => readFile(log, 'utf8').then((text) => text.slice(-3000)) },
      );
      child.kill('SIGTERM');
      expect(await ended).toBe(0);
    } finally {
      await api.close();
      await own.stop();
    }
  });
});

const olderApplicationDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'applications.argoproj.io', labels: { 'installed-by': 'somebody-else' } },
  spec: {
    group: 'argoproj.io',
    names: {
      kind: 'Application',
      listKind: 'ApplicationList',
      plural: 'applications',
      singular: 'application',
      shortNames: ['app'],
    },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
