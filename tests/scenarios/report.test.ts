/** `trueup report`: what happened in front of it, counted, and nothing else. */
import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configMap, deployment, yaml } from './manifests.ts';
import { runToEnd, trueupProgram, type Finished } from './trueup-process.ts';
import { useWorld, waitFor } from './world.ts';
import type { Place } from './world.ts';

const world = useWorld();

async function report(...args: readonly string[]): Promise<Finished> {
  const place = ['--server', world.origin, '--data-dir', join(world.directory, 'data')];
  const own = args.includes('-n') ? [] : ['-n', world.controlNamespace];
  return runToEnd(trueupProgram, ['report', ...place, ...own, ...args]);
}
const reported = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await report(...args, '-o', 'json');
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
};
/** Labelled by hand: by a tool, on an object that Git labels too. */
async function relabel(place: Place, value: string): Promise<void> {
  const labelled = await world.kubectl(
    'label', 'configmap', 'settings', `team=${value}`, '--overwrite', '-n', place.namespace,
  ); // prettier-ignore
  expect(labelled.code, labelled.stderr).toBe(0);
}
const labelOf = async (place: Place) =>
  (await place.live('v1/ConfigMap', 'settings')).metadata.labels?.['team'];
const settings = (value: string) => ({
  'app/settings.yaml': yaml({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings', labels: { team: 'blue' } },
    data: { value },
  }),
});
const fixed = (value: string) => ({
  'app/fixed.yaml': yaml({ ...configMap('fixed', { value }), immutable: true }),
});

describe('trueup report', () => {
  it('counts a deployment, drift that was healed, a sync that failed, and a rollback with its time', async () => {
    const place = await world.place();
    const first = await place.push({ ...settings('1'), ...fixed('1') }, { message: 'Begin' });
    await place.createApplication();
    await place.synced(first);
    await place.waitForApplication('health', ({ status }) => status?.health?.status === 'Healthy');

    await relabel(place, 'red');
    await waitFor('the label', async () => (await labelOf(place)) === 'blue');

    // The API server refuses to change what is immutable.
    await place.pushAndHint(fixed('2'), { message: 'Change what is fixed' });
    await place.waitForApplication('a failed sync', ({ status }) =>
      /; retrying attempt #/.test(status?.operationState?.message ?? ''),
    );
    await place.push(fixed('1'), { message: 'Revert "Change what is fixed"' });
    const back = await place.pushAndHint(settings('2'), {
      message: 'Revert "Change what is fixed" and more',
    });
    await place.synced(back);

    const app = ['--app', place.name];
    const made = await waitFor('the rollback in the report', async () => {
      const now = await reported(...app, '--events');
      return now.rollbacks.medianMs === undefined ? undefined : now;
    });
    const { failed } = made.deployments;
    expect(failed).toBeGreaterThan(0);
    expect(made.deployments).toMatchObject({
      succeeded: 2,
      count: 2 + failed,
      successRate: 2 / (2 + failed),
    });
    expect(made.drift).toMatchObject({ incidents: 1, healed: 1, open: 0, medianHealMs: expect.any(Number) });
    expect(made.drift).not.toHaveProperty('perMonth');
    expect(made.rollbacks).toMatchObject({ count: 1, last: [{ owner: { name: place.name } }] });
    expect(made.events.drift).toMatchObject([
      {
        object: { kind: 'ConfigMap', name: 'settings' },
        by: [{ manager: 'kubectl-label', operation: 'Update' }],
        fields: ['.metadata.labels.team'],
        ended: { how: 'healed' },
      },
    ]);
    expect(made.events.deployments).toHaveLength(2 + failed);
    expect(made.objects).toMatchObject({ objects: 2, explained: 2, groups: [], isCut: false, unread: [] });

    const text = await report(...app, '--events');
    expect(text.code, text.stderr).toBe(0);
    for (const line of [
      new RegExp(`^deployments +${2 + failed} \\(2 succeeded, ${failed} failed\\), median `, 'm'),
      new RegExp(`^sync success rate +[0-9.]+ % \\(2 of ${2 + failed}\\)$`, 'm'),
      /^drift +1 incident, a rate a month needs a day of records \(1 healed, median .*, 0 open\)$/m,
      new RegExp(
        `^rollback time +median .* \\(1 rollback: ${world.controlNamespace}/${place.name} main@\\w+ .*\\)$`,
        'm',
      ),
      /^live objects explained by Git +100\.0 % \(2 of 2 in 1 namespace; /m,
      /kubectl-label \(Update\) +\.metadata\.labels\.team$/m,
    ])
      expect(text.stdout).toMatch(line);
    expect((await report(...app, '-o', 'markdown')).stdout).toMatch(/^\| figure \| value \|\n\|---\|---\|\n/);

    // Nothing of the time before, and of nothing no figure.
    const before = await report(...app, '--since', '2020-01-01', '--until', '2020-02-01', '--no-objects');
    expect(before.stdout).toMatch(/^deployments +none in this time$/m);
    expect(before.stdout).toMatch(/^sync success rate +not measured/m);
    expect(before.stdout).toMatch(/^rollback time +not measured: no rollback/m);
  });

  it('names what Git does not explain, by who made it, and what stands otherwise', async () => {
    const place = await world.place();
    await place.push({ ...settings('1'), 'app/web.yaml': yaml(deployment('web', { replicas: 1 })) });
    await place.createApplication({ spec: { syncPolicy: { automated: { prune: true } } } });
    await place.synced();
    for (const name of ['stray-1', 'stray-2']) {
      const made = ['create', 'configmap', name, '--from-literal=a=1', '-n', place.namespace];
      expect((await world.kubectl(...made)).code).toBe(0);
    }
    const made = () => reported('--app', place.name);
    const strays = await waitFor('its ReplicaSet', async () => {
      const now = await made();
      return now.objects.explained >= 3 ? now.objects : undefined;
    });
    expect(strays.groups).toEqual([
      {
        group: '',
        kind: 'ConfigMap',
        namespace: place.namespace,
        manager: 'kubectl-create',
        why: 'unknown',
        count: 2,
        examples: ['stray-1', 'stray-2'],
      },
    ]);
    expect(strays.objects).toBe(strays.explained + 2);

    await relabel(place, 'red');
    await place.waitForApplication('drift', ({ status }) => status?.sync?.status === 'OutOfSync');
    const drifted = await waitFor('open drift', async () => {
      const now = await made();
      return now.drift.open === 1 ? now : undefined;
    });
    expect(drifted.drift).toMatchObject({ incidents: 1, healed: 0 });
    expect(drifted.objects.groups).toContainEqual(
      expect.objectContaining({ kind: 'ConfigMap', why: 'differs', count: 1, examples: ['settings'] }),
    );
    const text = (await report('--app', place.name, '--events')).stdout;
    expect(text).toMatch(/not in Git: 2 ConfigMap in .*, made by kubectl-create: stray-1, stray-2/);
    expect(text).toMatch(/not as Git says: 1 ConfigMap in .*: settings/);
    expect(text).toMatch(/open: self-heal is off/);
    expect((await world.trueup('app', 'sync', place.name)).code).toBe(0);
    const healed = await waitFor('its end', async () => {
      const now = await made();
      return now.drift.open === 0 ? now : undefined;
    });
    expect(healed.drift).toMatchObject({ incidents: 1, healed: 1 });
  });

  it('is the same after a restart and a kill, and can be read when nothing runs', async () => {
    const place = await world.place();
    await place.push(settings('1'));
    await place.createApplication();
    await place.synced();
    const app = ['--app', place.name, '--no-objects'];
    const counted = async () => (await reported(...app)).deployments;
    const before = await waitFor('its deployment', async () => {
      const now = await counted();
      return now.count === 1 ? now : undefined;
    });
    await world.kill();
    await world.start();
    expect(await counted()).toEqual(before);
    const data = join(world.directory, 'data');
    const token = await readFile(join(data, 'token'), 'utf8');
    const elsewhere = await mkdtemp(join(world.directory, 'elsewhere-'));
    const refused = await runToEnd(trueupProgram, [
      'report',
      '--server',
      world.origin,
      '--data-dir',
      elsewhere,
    ]);
    expect(refused).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/TRUEUP_TOKEN.*\[ServerRefused\]/),
    });
    const env = { TRUEUP_TOKEN: token.trim(), TRUEUP_SERVER: world.origin };
    expect(await runToEnd(trueupProgram, ['report', '--data-dir', elsewhere], { env })).toMatchObject({
      code: 0,
    });
    const origin = world.origin;
    await world.stop();
    const gone = await runToEnd(trueupProgram, ['report', '--server', origin, '--data-dir', data]);
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringMatching(/\[ServerUnreachable\]/) });
    await world.start();
  });
});
