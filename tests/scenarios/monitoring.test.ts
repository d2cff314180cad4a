/**
 * What a running Trueup counts of itself; and the alerts of examples/monitoring, by a real Prometheus that scrapes it. That
 * needs `prometheus` and `promtool` (Debian: apt-get install prometheus); .ci/run installs them, and elsewhere these
 * scenarios are left out where they are missing.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, yaml } from './manifests.ts';
import { freePort } from '../free-port.ts';
import { repositoryRoot, runToEnd } from './trueup-process.ts';
import { kustomizationKind, useWorld, waitFor } from './world.ts';

const example = join(repositoryRoot, 'examples/monitoring');
const isHere = (await runToEnd('sh', ['-c', 'command -v prometheus && command -v promtool'])).code === 0;
if (!isHere && process.env['CI'] !== undefined)
  throw new Error('needs prometheus and promtool: apt-get install prometheus');

interface Alert {
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
}

describe.runIf(isHere)('the alerts', () => {
  // Of its own: while others show what a Lease of Flux's controllers does, nothing of Flux's kinds is reconciled.
  const world = useWorld({ controlNamespace: 'flux-system' });
  let prometheus: ChildProcess;
  let output = '';
  let origin: string;

  const query = async (path: string): Promise<{ readonly alerts: readonly Alert[] }> => {
    const answer = (await (await fetch(`${origin}/api/v1/${path}`)).json()) as { data: never };
    return answer.data;
  };
  const alert = (name: string, of: string): Promise<Alert> =>
    waitFor(
      `the alert ${name} of ${of} to fire`,
      async () =>
        (await query('alerts')).alerts.find(
          ({ state, labels }) => state === 'firing' && labels['alertname'] === name && labels['name'] === of,
        ),
      { seen: () => query('alerts') },
    );
  const quiet = (of: string): Promise<unknown> =>
    waitFor(
      `no alert of ${of}`,
      async () => (await query('alerts')).alerts.every(({ labels }) => labels['name'] !== of),
      { seen: () => query('alerts') },
    );

  beforeAll(async () => {
    // The rules as they are, but for how long something has to be so: nobody waits five minutes here.
    const rules = await readFile(join(example, 'rules.yaml'), 'utf8');
    const hurried = rules.replaceAll('for: 5m', 'for: 1s');
    expect(hurried).not.toBe(rules);
    await writeFile(join(world.directory, 'rules.yaml'), hurried);
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yaml'],
      scrape_configs: [{ job_name: 'trueup', static_configs: [{ targets: [new URL(world.origin).host] }] }],
    };
    await writeFile(join(world.directory, 'prometheus.yaml'), stringify(config));
    const port = await freePort();
    origin = `http://127.0.0.1:${port}`;
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${join(world.directory, 'prometheus.yaml')}`,
        `--storage.tsdb.path=${join(world.directory, 'prometheus')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    prometheus.stderr?.on('data', (text: Buffer) => (output = `${output}${text.toString()}`.slice(-4000)));
    await waitFor('Prometheus to be ready', async () => (await fetch(`${origin}/-/ready`)).ok, {
      seen: () => Promise.resolve(output),
    });
  });
  afterAll(async () => {
    if (prometheus !== undefined && prometheus.exitCode === null) {
      const ended = once(prometheus, 'exit');
      prometheus.kill('SIGTERM');
      await ended;
    }
  });

  it('are valid, and ask what people ask of Argo CD and Flux', async () => {
    const file = join(world.directory, 'as-they-are.yaml');
    await copyFile(join(example, 'rules.yaml'), file);
    const checked = await runToEnd('promtool', ['check', 'rules', file]);
    expect(checked, checked.stderr).toMatchObject({ code: 0 });
    expect(checked.stdout).toContain('2 rules found');
    const config = await runToEnd('promtool', ['check', 'config', join(example, 'prometheus.yaml')]);
    expect(config, config.stderr).toMatchObject({ code: 0 });
    const text = await readFile(file, 'utf8');
    expect(text).toContain('expr: argocd_app_info{sync_status="OutOfSync"} == 1\n');
    expect(text).toContain('expr: gotk_reconcile_condition{type="Ready", status="False"} == 1\n');
  });

  it('an Application that is out of sync fires, and is quiet when it is synced or gone', async () => {
    const [place, second] = [await world.place(), await world.place()];
    for (const each of [place, second]) {
      await each.push({ 'app/a.yaml': yaml(configMap('a', { a: '1' })) });
      await each.createApplication({ spec: { syncPolicy: {} } });
    }
    const { labels } = await alert('ApplicationOutOfSync', place.name);
    expect(labels).toMatchObject({
      autosync_enabled: 'false',
      dest_namespace: place.namespace,
      health_status: 'Missing',
      namespace: world.controlNamespace,
      project: 'default',
      repo: place.repository.url,
      severity: 'warning',
      sync_status: 'OutOfSync',
    });
    await alert('ApplicationOutOfSync', second.name);
    const synced = await world.trueup('app', 'sync', place.name);
    expect(synced, synced.stderr).toMatchObject({ code: 0 });
    await quiet(place.name);
    await world.api.remove('argoproj.io/v1alpha1/Application', world.controlNamespace, second.name);
    await quiet(second.name);
    const metrics = await (await fetch(`${world.origin}/metrics`)).text();
    expect(metrics).not.toContain(`name="${second.name}"`);
    expect(metrics).toMatch(new RegExp(`^argocd_app_sync_total\\{.*name="${place.name}".* 1$`, 'm'));
  });

  it('a Kustomization that cannot be applied fires, and is quiet when it can, or is gone', async () => {
    const place = await world.place();
    const { name, repository, namespace: targetNamespace } = place;
    const metadata = { name, namespace: world.controlNamespace };
    await place.push({ 'app/a.yaml': 'not: a manifest\n' });
    await world.api.create({
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'GitRepository',
      metadata,
      spec: { interval: '1h', url: repository.url, ref: { branch: 'main' } },
    });
    const sourceRef = { kind: 'GitRepository', name };
    await world.api.create({
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata,
      spec: { interval: '1h', path: './app', prune: true, targetNamespace, sourceRef },
    });
    const { labels } = await alert('ReconciliationFailing', name);
    expect(labels).toMatchObject({
      kind: 'Kustomization',
      namespace: world.controlNamespace,
      status: 'False',
      type: 'Ready',
    });
    await place.pushAndHint({ 'app/a.yaml': yaml(configMap('a', { a: '1' })) });
    await quiet(name);
    const text = async (): Promise<string> => (await fetch(`${world.origin}/metrics`)).text();
    expect(await text()).toMatch(
      new RegExp(
        `^gotk_reconcile_condition\\{kind="Kustomization",name="${name}".*status="True",type="Ready"\\} 1$`,
        'm',
      ),
    );
    await place.pushAndHint({ 'app/a.yaml': 'not: a manifest\n' });
    await alert('ReconciliationFailing', name);
    await world.api.remove(kustomizationKind, world.controlNamespace, name);
    await quiet(name);
    expect(await text()).not.toContain(`kind="Kustomization",name="${name}"`);
  });

  it('what Trueup says is what promtool takes for good metrics', async () => {
    const text = await (await fetch(`${world.origin}/metrics`)).text();
    const checked = await runToEnd('promtool', ['check', 'metrics'], { stdin: text });
    expect(checked.stderr + checked.stdout).not.toMatch(/error/i);
  });
});

describe('what Trueup counts of itself', () => {
  const world = useWorld();

  interface Sample {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }
  async function samples(name: string): Promise<readonly Sample[]> {
    const text = await (await fetch(`${world.origin}/metrics`)).text();
    return text.split('\n').flatMap((line) => {
      const [, labels = '', value] = /^\w+(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      if (value === undefined || !/^\w+/.exec(line)![0].startsWith(name)) return [];
      const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text]);
      return [
        { labels: { ...Object.fromEntries(pairs), name: /^\w+/.exec(line)![0] }, value: Number(value) },
      ];
    });
  }
  /** The sum of those with these labels. */
  async function count(name: string, wanted: Readonly<Record<string, string>>): Promise<number> {
    const found = (await samples(name)).filter(({ labels }) =>
      Object.entries(wanted).every(([key, value]) => labels[key] === value),
    );
    return found.reduce((sum, { value }) => sum + value, 0);
  }

  it('requests to Git servers: as many fetches as they answer, and none where nothing has moved', async () => {
    const place = await world.place();
    const asked = (type: string): Promise<number> =>
      count('argocd_git_request_total', { repo: place.repository.url, request_type: type });
    await place.push({ 'app/a.yaml': yaml(configMap('a', { a: '1' })) });
    expect([await asked('ls-remote'), await asked('fetch')]).toEqual([0, 0]);
    await place.createApplication();
    await place.synced();
    const before = { lists: await asked('ls-remote'), fetches: await asked('fetch') };
    const servers = world.git.counts(place.name).fetches;
    expect(before.lists).toBeGreaterThan(0);
    expect(before.fetches).toBeGreaterThan(0);
    await place.pushAndHint({ 'app/a.yaml': yaml(configMap('a', { a: '2' })) });
    await waitFor('the change to be applied', async () => {
      const { data } = (await place.get('v1/ConfigMap', 'a')) as unknown as { readonly data: object };
      return JSON.stringify(data) === '{"a":"2"}';
    });
    const fetched = (await asked('fetch')) - before.fetches;
    expect(fetched).toBeGreaterThan(0);
    // As the server counts them.
    expect(fetched).toBe(world.git.counts(place.name).fetches - servers);
    const lists = (await asked('ls-remote')) - before.lists;
    expect(lists).toBeGreaterThan(0);
    await world.hint(place.repository);
    await waitFor('the hint to be followed', async () => (await asked('ls-remote')) > before.lists + lists);
    expect((await asked('fetch')) - before.fetches).toBe(fetched);
  });

  it('requests to the Kubernetes API, by what was asked and answered', async () => {
    const asked = (labels: Readonly<Record<string, string>>): Promise<number> =>
      count('trueup_kube_requests_total', labels);
    const place = await world.place();
    await place.push({
      'app/s.yaml': yaml({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 's' } }),
    });
    const applied = { resource: 'serviceaccounts', verb: 'apply' };
    expect(await asked(applied)).toBe(0);
    await place.createApplication();
    await place.synced();
    // The counts of the thread that watches the cluster arrive up to a second late.
    await waitFor('the apply to be counted', async () => (await asked({ ...applied, code: '201' })) > 0);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await asked(applied)).toBe(1);
    // It is seen by a watch, and not asked for again.
    const all = await asked({});
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect((await asked({})) - all).toBeLessThan(10);
    expect(all).toBeGreaterThan(10);
  });

  it('Units that wait for their turn, and that none waits when all have had it', async () => {
    const depth = (): Promise<number> => count('workqueue_depth', {});
    const counted = async (): Promise<{ readonly waiting: number; readonly units: number }> => ({
      waiting: await depth(),
      units: await count('trueup_units', {}),
    });
    // Flux's resources of other scenarios are Units here too; a Git server of theirs that does not answer is waited for.
    const patience = { seen: counted, timeoutMs: 75_000 };
    await waitFor('the queue to be empty', async () => (await depth()) === 0, patience);
    const place = await world.place();
    await place.push({ 'app/a.yaml': yaml(configMap('a', { a: '1' })) });
    world.git.hold();
    try {
      for (let index = 0; index < 20; index += 1) {
        const name = `${place.name}-${index}`;
        const application = place.application({ spec: { syncPolicy: {} } });
        await world.api.create({
          ...application,
          metadata: { ...(application['metadata'] as object), name },
        });
      }
      // Sixteen are looked at side by side, and Git holds up each.
      await waitFor(
        'all but sixteen to wait, of these Applications at least four',
        async () => {
          const { waiting, units } = await counted();
          return waiting >= 4 && waiting <= units - 16;
        },
        patience,
      );
    } finally {
      world.git.release();
    }
    await waitFor('the queue to be empty', async () => (await depth()) === 0, patience);
  }, 240_000);

  it('how long the event loop is held up', async () => {
    const name = 'nodejs_eventloop_lag';
    // Each answer tells of the time since the one before.
    await samples(name);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const lags = await samples(name);
    const of = (part: string): number =>
      lags.find(({ labels }) => labels['name'] === `${name}${part}_seconds`)?.value ?? NaN;
    for (const part of ['', '_min', '_mean', '_stddev', '_p50'])
      expect(of(part), part).toBeGreaterThanOrEqual(0);
    // An idle process: half of the looks found it in time.
    expect(of('_p50')).toBeLessThan(0.1);
    expect(of('_max')).toBeGreaterThan(0);
    expect(of('_max')).toBeGreaterThanOrEqual(of('_p99'));
    expect(of('_p99')).toBeGreaterThanOrEqual(of('_p90'));
    expect(of('_p90')).toBeGreaterThanOrEqual(of('_p50'));
  });
});
