/**
 * The alerts of examples/monitoring, by a real Prometheus that scrapes a running Trueup. It needs `prometheus` and
 * `promtool` (Debian: apt-get install prometheus); .ci/run installs them, and elsewhere these scenarios are left out
 * where they are missing.
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
