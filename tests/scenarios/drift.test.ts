/** Changes that did not come from Git. */
import { describe, expect, it } from 'vitest';
import { configMap, deployment, yaml } from './manifests.ts';
import type { Place } from './world.ts';
import { useWorld, waitFor, writesAreCounted } from './world.ts';

const world = useWorld();
const deploymentKind = 'apps/v1/Deployment';

async function webPlace(overrides?: Parameters<Place['createApplication']>[0]): Promise<Place> {
  const place = await world.place();
  await place.push({
    'app/web.yaml': yaml(deployment('web', { replicas: 2, env: [{ name: 'MODE', value: 'calm' }] })),
    'app/settings.yaml': yaml(configMap('settings', { value: '1', other: '1' })),
  });
  await place.createApplication(overrides);
  await place.waitForApplication(
    'to be Synced and Healthy',
    ({ status }) => status?.sync?.status === 'Synced' && status.health?.status === 'Healthy',
  );
  return place;
}
const replicasOf = async (place: Place) =>
  (await place.live(deploymentKind, 'web'))['spec'].replicas as number;

/** What is kept of what happened: as the history command tells it. */
async function historyOf(place: Place): Promise<string> {
  const { stdout, stderr, code } = await world.trueup('app', 'history', place.name);
  expect(code, stderr).toBe(0);
  return stdout;
}
const historySays = (place: Place, pattern: RegExp) =>
  waitFor(`the history to say ${pattern}`, async () => pattern.test(await historyOf(place)), {
    seen: () => historyOf(place),
  });

describe('a manual change is healed', () => {
  it('scaled by kubectl: healed, and kubectl named', async () => {
    const place = await webPlace();
    const scaled = await world.kubectl('scale', 'deployment/web', '--replicas=5', '-n', place.namespace);
    expect(scaled.code, scaled.stderr).toBe(0);
    await waitFor('the replicas to be healed', async () => (await replicasOf(place)) === 2);
    await historySays(place, /\bkubectl\b/);
    await historySays(place, /replicas/);
    await place.synced();
  });

  it('a value set by kubectl: healed, and the tool that set it named', async () => {
    const place = await webPlace();
    await world.kubectl('set', 'env', 'deployment/web', 'MODE=wild', '-n', place.namespace);
    await waitFor('the value to be healed', async () => {
      const live = await place.live(deploymentKind, 'web');
      return live['spec'].template.spec.containers[0].env[0].value === 'calm';
    });
    await historySays(place, /kubectl-set/);
  });

  it('a field that was taken away is put back, by an unknown writer: a removal leaves no owner', async () => {
    const place = await webPlace();
    await world.api.patch(
      'v1/ConfigMap',
      place.namespace,
      'settings',
      [{ op: 'remove', path: '/data/other' }],
      {
        type: 'json',
      },
    );
    await waitFor(
      'the key',
      async () => (await place.live('v1/ConfigMap', 'settings'))['data'].other === '1',
    );
    await historySays(place, /unknown/i);
  });

  it('a field that Git does not speak of is left alone', async () => {
    const place = await webPlace();
    await world.kubectl('annotate', 'deployment/web', 'team=blue', '-n', place.namespace);
    await world.api.patch('v1/ConfigMap', place.namespace, 'settings', { data: { further: 'kept' } });
    await world.kubectl('scale', 'deployment/web', '--replicas=4', '-n', place.namespace);
    await waitFor('the replicas to be healed', async () => (await replicasOf(place)) === 2);
    await place.refresh();
    expect((await place.live(deploymentKind, 'web')).metadata.annotations?.['team']).toBe('blue');
    expect((await place.live('v1/ConfigMap', 'settings'))['data'].further).toBe('kept');
  });

  it('an object that was deleted is made again', async () => {
    const place = await webPlace();
    const before = await place.live('v1/ConfigMap', 'settings');
    await world.kubectl('delete', 'configmap', 'settings', '-n', place.namespace);
    const after = await waitFor('the object', () => place.get('v1/ConfigMap', 'settings'));
    expect(after.metadata.uid).not.toBe(before.metadata.uid);
    expect(after['data']).toEqual({ value: '1', other: '1' });
    await historySays(place, /deleted/);
    await place.synced();
  });

  it('a secret value is healed, and appears nowhere (S14)', async () => {
    const place = await world.place();
    const word = 'canary-of-the-cage';
    await place.push({
      'app/secret.yaml': yaml({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'word' },
        stringData: { word },
      }),
    });
    await place.createApplication();
    await place.synced();
    const wrong = Buffer.from('another-canary').toString('base64');
    await world.api.patch('v1/Secret', place.namespace, 'word', { data: { word: wrong } });
    const right = Buffer.from(word).toString('base64');
    await waitFor('the value', async () => (await place.live('v1/Secret', 'word'))['data'].word === right);
    const history = await historyOf(place);
    const told = [history, await world.log(), JSON.stringify(await place.read())].join('\n');
    for (const value of [word, right, wrong, 'another-canary']) expect(told).not.toContain(value);
  });
});

describe('two who write the same field', () => {
  it('healing stops after a while, names who contends with whom, and goes on when somebody asks', async () => {
    const place = await webPlace();
    const setTo = (value: string): Promise<unknown> =>
      world.api.patch('v1/ConfigMap', place.namespace, 'settings', { data: { value } }, { manager: 'rival' });
    const valueIs = (value: string): Promise<unknown> =>
      waitFor(
        `the value ${value}`,
        async () => (await place.live('v1/ConfigMap', 'settings'))['data'].value === value,
      );
    for (let round = 0; round < 5; round++) {
      await setTo('theirs');
      await valueIs('1');
    }
    await setTo('theirs');
    const message = await place.condition(/rival/, /HealingSuspended/);
    expect(message).toContain(
      `add to spec.ignoreDifferences: - {kind: ConfigMap, namespace: ${place.namespace}, name: settings, jsonPointers: [/data/value]}`,
    );
    const mark = await world.mark();
    await setTo('still theirs');
    await world.kubectl('scale', 'deployment/web', '--replicas=5', '-n', place.namespace);
    await waitFor('the replicas to be healed', async () => (await replicasOf(place)) === 2);
    expect((await place.live('v1/ConfigMap', 'settings'))['data'].value).toBe('still theirs');
    const writes = await place.writesSince(mark);
    expect(writes.filter(({ resource }) => resource === 'configmaps')).toEqual([]);
    await place.waitForApplication(
      'to be well, and not in sync',
      ({ status }) => status?.sync?.status === 'OutOfSync' && status.health?.status === 'Healthy',
    );
    await world.trueup('app', 'sync', place.name);
    await valueIs('1');
    await place.synced();
  });
});

describe('with selfHeal off', () => {
  it.runIf(writesAreCounted)('a manual change is reported, and nothing is touched', async () => {
    const place = await webPlace({ spec: { syncPolicy: { automated: { prune: true } } } });
    const mark = await world.mark();
    await world.kubectl('scale', 'deployment/web', '--replicas=5', '-n', place.namespace);
    await world.kubectl('delete', 'configmap', 'settings', '-n', place.namespace);
    await place.waitForApplication('to be OutOfSync', ({ status }) => status?.sync?.status === 'OutOfSync');
    await place.condition(/kubectl/);
    await place.refresh();
    await place.refresh('hard');
    expect(await replicasOf(place)).toBe(5);
    expect(await place.get('v1/ConfigMap', 'settings')).toBeUndefined();
    expect(await place.writesSince(mark)).toEqual([]);
  });

  it('a new commit is still applied, and takes the change back', async () => {
    const place = await webPlace({ spec: { syncPolicy: { automated: { prune: true } } } });
    await world.kubectl('scale', 'deployment/web', '--replicas=5', '-n', place.namespace);
    await place.waitForApplication('to be OutOfSync', ({ status }) => status?.sync?.status === 'OutOfSync');
    const commit = await place.pushAndHint({
      'app/settings.yaml': yaml(configMap('settings', { value: '2' })),
    });
    await place.synced(commit);
    expect(await replicasOf(place)).toBe(2);
    expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ value: '2' });
  });

  it('without automation a push only shows as OutOfSync, and `app sync` applies it', async () => {
    const place = await world.place();
    await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: '1' })) });
    await place.createApplication({ spec: { syncPolicy: {} } });
    await place.waitForApplication('to be OutOfSync', ({ status }) => status?.sync?.status === 'OutOfSync');
    await place.refresh();
    expect(await place.get('v1/ConfigMap', 'settings')).toBeUndefined();
    const { code, stderr } = await world.trueup('app', 'sync', place.name);
    expect(code, stderr).toBe(0);
    await place.synced();
    expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ value: '1' });
  });
});

describe('when Git is down (F12)', () => {
  it('drift is still repaired, from the last good set, and it is said', async () => {
    const place = await webPlace();
    await world.git.stop();
    try {
      await place.change({ metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } });
      await place.condition(/refused|reach|connect/i);
      await world.kubectl('scale', 'deployment/web', '--replicas=7', '-n', place.namespace);
      await waitFor('the replicas to be healed', async () => (await replicasOf(place)) === 2);
      await world.kubectl('delete', 'configmap', 'settings', '-n', place.namespace);
      await waitFor('the object to be made again', () => place.get('v1/ConfigMap', 'settings'));
    } finally {
      await world.git.start();
    }
    const commit = await place.pushAndHint({
      'app/settings.yaml': yaml(configMap('settings', { value: 'after' })),
    });
    await place.synced(commit, 60_000);
  });

  it('drift is repaired also when Trueup was started while Git was down', async () => {
    const place = await webPlace();
    await world.git.stop();
    try {
      expect(await world.stop()).toBe(0);
      await world.kubectl('scale', 'deployment/web', '--replicas=7', '-n', place.namespace);
      await world.start();
      await waitFor('the replicas to be healed', async () => (await replicasOf(place)) === 2);
    } finally {
      await world.git.start();
    }
    await place.refresh();
    await place.synced(undefined, 60_000);
  });
});
