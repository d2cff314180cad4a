/**
 * What a newcomer meets: `npm start` in a clone, without a cluster. Driven with kubectl, git and curl through the three
 * things to try, as the start prints them, and through a restart.
 *
 * TRUEUP_FIRST_RUN names the clone; without it, this repository.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildControlPlane, systemKubectl } from '../cluster/control-plane.ts';
import { repositoryRoot, runToEnd } from '../scenarios/trueup-process.ts';
import { waitFor } from '../scenarios/wait-for.ts';
import { freePort } from '../free-port.ts';

const clone = process.env['TRUEUP_FIRST_RUN'] ?? repositoryRoot;
const readyWithinMs = 20_000;

let directory: string;
let port: number;
let trueup: Started;
let kubectlProgram: string;

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly readyMs: number;
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

/** `npm start`, until it says that it is ready. */
async function start(...options: readonly string[]): Promise<Started> {
  const dataDir = join(directory, 'data');
  const beganMs = performance.now();
  const child = spawn(
    'npm',
    ['start', '--silent', '--', '--port', String(port), '--data-dir', dataDir, ...options],
    { cwd: clone, env: { ...process.env, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  let readyMs = Number.NaN;
  const take = (text: Buffer): void => {
    output += text.toString();
    if (Number.isNaN(readyMs) && output.includes('Trueup is ready: ')) readyMs = performance.now() - beganMs;
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ready = waitFor('Trueup to be ready', () => !Number.isNaN(readyMs), {
    timeoutMs: 120_000,
    seen: () => Promise.resolve(output.slice(-3000)),
  });
  await Promise.race([
    ready,
    exited.then((code) => Promise.reject(new Error(`ended with ${code}: ${output}`))),
  ]);
  return {
    child,
    output: () => output,
    readyMs,
    stop: (signal) => {
      child.kill(signal);
      return exited;
    },
  };
}

const kubeconfig = (): string => join(directory, 'data/kubeconfig');

async function kubectl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(kubectlProgram, ['--kubeconfig', kubeconfig(), ...args]);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function git(...args: readonly string[]): Promise<string> {
  const identity = ['-c', 'user.name=Newcomer', '-c', 'user.email=newcomer@localhost'];
  const { code, stdout, stderr } = await runToEnd('git', [...identity, ...args]);
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const replicas = (namespace: string, name: string): Promise<string> =>
  kubectl(
    'get',
    'deployment',
    name,
    '-n',
    namespace,
    '-o',
    'jsonpath={.spec.replicas} {.status.availableReplicas}',
  );

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'trueup-first-run-'));
  // Whatever kubectl a newcomer has; else the one that comes with the test control plane.
  kubectlProgram = await systemKubectl().catch(async () =>
    join(dirname(await buildControlPlane()), 'kubectl'),
  );
  port = await freePort();
  trueup = await start();
}, 900_000);

afterAll(async () => {
  await trueup?.stop('SIGTERM');
  await rm(directory, { recursive: true, force: true });
});

describe('the first run', () => {
  const example = (): string => join(directory, 'example');

  it('is ready within 20 s, with the example synced and healthy, and says what to try', async () => {
    expect(trueup.readyMs).toBeLessThan(readyWithinMs);
    expect(trueup.output()).toContain(`Trueup is ready: http://127.0.0.1:${port}`);
    expect(trueup.output()).toContain(`git clone http://127.0.0.1:${port}/git/example.git`);
    const rows = (await kubectl('get', 'applications', '-n', 'argocd', '--no-headers')).trim().split('\n');
    expect(rows.length).toBeGreaterThanOrEqual(4);
    for (const row of rows) expect(row).toMatch(/Synced\s+Healthy/);
    expect((await stat(join(directory, 'data/token'))).mode & 0o777).toBe(0o600);
    expect((await stat(kubeconfig())).mode & 0o777).toBe(0o600);
  });

  it('shows the applications on a page', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    const text = await answer.text();
    expect(answer.status).toBe(200);
    for (const word of ['web', 'shop-prod', 'orders', 'Synced', 'Healthy']) expect(text).toContain(word);
  });

  it('answers scripts that know Argo CD, with the token that is in a file', async () => {
    const applications = `http://127.0.0.1:${port}/api/v1/applications`;
    const token = (await readFile(join(directory, 'data/token'), 'utf8')).trim();
    const answer = await fetch(applications, { headers: { authorization: `Bearer ${token}` } });
    const { items } = (await answer.json()) as { readonly items: readonly { status: object }[] };
    expect(items.length).toBeGreaterThanOrEqual(4);
    for (const { status } of items)
      expect(status).toMatchObject({ sync: { status: 'Synced' }, health: { status: 'Healthy' } });
    expect((await fetch(applications)).status).toBe(401);
  });

  it('1. a pushed change arrives', async () => {
    await git('clone', '-q', `http://127.0.0.1:${port}/git/example.git`, example());
    const file = join(example(), 'shop/base/shop.properties');
    await writeFile(file, `${await readFile(file, 'utf8')}OPEN=always\n`);
    await git('-C', example(), 'commit', '-qam', 'Always open');
    await git('-C', example(), 'push', '-q');
    await waitFor('the ConfigMap', async () =>
      (await kubectl('get', 'configmaps', '-n', 'shop-prod', '-o', 'yaml')).includes('OPEN: always'),
    );
  });

  it('2. what somebody broke is healed, and the tool is named', async () => {
    await kubectl('scale', 'deployment', 'web', '-n', 'web', '--replicas=5');
    await waitFor('the replicas to be back', async () => (await replicas('web', 'web')) === '2 2');
    const history = await runToEnd(join(clone, 'bin/trueup'), [
      'app',
      'history',
      'web',
      '--kubeconfig',
      kubeconfig(),
    ]);
    expect(history.stdout).toContain('kubectl');
    expect(history.stdout).toContain('replicas');
  });

  it('an image that cannot be pulled is seen, and says why', async () => {
    await git('-C', example(), 'pull', '-q');
    const file = join(example(), 'web/deployment.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/image: .*/, 'image: registry.example/web:does-not-exist'));
    await git('-C', example(), 'commit', '-qam', 'An image that is not there');
    await git('-C', example(), 'push', '-q');
    await waitFor('the pod to fail', async () => /ImagePull/.test(await kubectl('get', 'pods', '-n', 'web')));
    await git('-C', example(), 'revert', '--no-edit', 'HEAD');
    await git('-C', example(), 'push', '-q');
    await waitFor('the deployment to be well again', async () => {
      const rows = await kubectl('get', 'application', 'web', '-n', 'argocd', '--no-headers');
      return /Synced\s+Healthy/.test(rows);
    });
  });

  it('3. a reverted commit is taken back', async () => {
    const [first = ''] = (await git('-C', example(), 'log', '--format=%H', '--grep=^Always open')).split(
      '\n',
    );
    await git('-C', example(), 'revert', '--no-edit', first);
    await git('-C', example(), 'push', '-q');
    await waitFor(
      'the ConfigMap to go',
      async () =>
        !(await kubectl('get', 'configmaps', '-n', 'shop-prod', '-o', 'yaml')).includes('OPEN: always'),
    );
  });

  it('a push to a new name makes a repository', async () => {
    await git('-C', example(), 'push', '-q', `http://127.0.0.1:${port}/git/mine.git`, 'HEAD:main');
    expect(await git('ls-remote', `http://127.0.0.1:${port}/git/mine.git`)).toContain('refs/heads/main');
  });

  it('ends with 0, and a restart finds what was there', async () => {
    await kubectl('create', 'configmap', 'kept', '-n', 'default', '--from-literal=a=b');
    const uid = await kubectl('get', 'deployment', 'web', '-n', 'web', '-o', 'jsonpath={.metadata.uid}');
    expect(await trueup.stop('SIGINT')).toBe(0);
    trueup = await start();
    expect(await kubectl('get', 'configmap', 'kept', '-n', 'default', '-o', 'jsonpath={.data.a}')).toBe('b');
    expect(await kubectl('get', 'deployment', 'web', '-n', 'web', '-o', 'jsonpath={.metadata.uid}')).toBe(
      uid,
    );
    expect(await git('ls-remote', `http://127.0.0.1:${port}/git/mine.git`)).toContain('refs/heads/main');
    expect(await trueup.stop('SIGTERM')).toBe(0);
  });

  it('takes another port for its API where the last one is taken, and still ends with 0', async () => {
    const serverIn = async (): Promise<string> =>
      /https:\/\/127\.0\.0\.1:(\d+)/.exec(await readFile(kubeconfig(), 'utf8'))![1]!;
    const before = await serverIn();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(Number(before), '127.0.0.1', resolve));
    try {
      trueup = await start();
      expect(await serverIn()).not.toBe(before);
      expect(await kubectl('get', 'namespaces')).toContain('argocd');
      expect(await trueup.stop('SIGTERM')).toBe(0);
      expect(trueup.output()).not.toMatch(/ended by itself|a bug/);
    } finally {
      await new Promise((resolve) => taken.close(resolve));
    }
  });

  it('reconciles a repository of the user’s own instead, and serves HTTPS if told to', async () => {
    await rm(join(directory, 'data'), { recursive: true });
    trueup = await start('--repo', `file://${example()}`, '--path', 'web', '--tls');
    const polled = await runToEnd(
      'bash',
      [join(repositoryRoot, 'tests/scenarios/seed/poll-applications.sh')],
      {
        env: {
          ARGOCD_SERVER: `localhost:${port}`,
          ARGOCD_TOKEN: (await readFile(join(directory, 'data/token'), 'utf8')).trim(),
          CURL_CA_BUNDLE: join(directory, 'data/ca.crt'),
        },
      },
    );
    expect(polled).toEqual({ code: 0, stdout: '', stderr: '' });
    await kubectl('get', 'deployment', 'web', '-n', 'default');
    expect(
      (await kubectl('get', 'applications', '-n', 'argocd', '--no-headers')).trim().split('\n'),
    ).toHaveLength(1);
  });
});
