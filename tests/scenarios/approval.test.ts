/** A plan that waits for a person: approved by command line or API, recorded with who and when, and never another one. */
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configMap, yaml } from './manifests.ts';
import {
  gitRepositoryKind,
  kustomizationKind,
  useWorld,
  waitFor,
  type Application,
  type Place,
} from './world.ts';

// Of its own: while others show what a Lease of Flux's controllers does, nothing of Flux's kinds is reconciled.
const world = useWorld({ controlNamespace: 'flux-system' });
const user = userInfo().username;
const other = `sha256:${'0'.repeat(64)}`;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const manual = { spec: { syncPolicy: {} } };

const settings = (value: string) => ({ 'app/settings.yaml': yaml(configMap('settings', { value })) });
const fileOf = (index: number) => `app/item-${index}.yaml`;
const many = Object.fromEntries(
  Array.from({ length: 12 }, (_, index) => [fileOf(index), yaml(configMap(`item-${index}`, { a: '1' }))]),
);
const fewer = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [fileOf(index), null]));
async function names(place: Place): Promise<readonly string[]> {
  const found = await world.api.list('v1/ConfigMap', place.namespace);
  return found.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('item-'));
}

/** The digest that a condition of this type names. */
function digestIn({ status }: Application, wanted: string): string | undefined {
  const condition = status?.conditions?.find(({ type }) => type === wanted);
  return /sha256:[0-9a-f]{64}/.exec(condition?.message ?? '')?.[0];
}
async function waits(place: Place, wanted: 'Waiting' | 'Held'): Promise<string> {
  const now = await place.waitForApplication(
    'a plan to wait',
    (application) => digestIn(application, wanted) !== undefined,
  );
  return digestIn(now, wanted)!;
}
/** The last sync in its history. */
async function lastSync(ref: string): Promise<unknown> {
  const { stdout } = await world.trueup('history', ref, '-o', 'json');
  return (JSON.parse(stdout) as { readonly kind: string }[]).findLast(({ kind }) => kind === 'sync');
}
async function askForSync(place: Place, plan: string): Promise<unknown> {
  const token = await readFile(join(world.directory, 'data', 'token'), 'utf8');
  const answer = await fetch(`${world.origin}/api/v1/applications/${place.name}/sync`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token.trim()}` },
    body: JSON.stringify({ infos: [{ name: 'trueup.dev/plan', value: plan }] }),
  });
  const { code, message } = (await answer.json()) as { code?: number; message?: string };
  return { status: answer.status, code, message };
}

describe('an Application whose automated sync is off', () => {
  async function waiting(): Promise<{ readonly place: Place; readonly plan: string }> {
    const place = await world.place();
    await place.push(settings('1'));
    await place.createApplication(manual);
    return { place, plan: await waits(place, 'Waiting') };
  }
  const isApplied = async (place: Place): Promise<boolean> =>
    (await place.get('v1/ConfigMap', 'settings')) !== undefined;

  it('waits with the digest and the summary of its plan, and is approved on the command line', async () => {
    const { place, plan } = await waiting();
    await place.condition(/automated sync is off: 1 to create, 0 to change, 0 to delete; .*sha256:/);
    expect(await isApplied(place)).toBe(false);
    const done = await world.trueup('approve', place.name, '--plan', plan, '--timeout', '30');
    expect(done, done.stderr).toMatchObject({ code: 0, stdout: `${place.name}: Succeeded: applied 1\n` });
    expect(await isApplied(place)).toBe(true);
    const { status, metadata } = await place.read();
    expect(status?.operationState).toMatchObject({
      operation: {
        initiatedBy: { username: user },
        info: [
          { name: 'trueup.dev/plan', value: plan },
          { name: 'trueup.dev/approved-by', value: user },
          { name: 'trueup.dev/approved-at', value: expect.stringMatching(time) },
        ],
      },
    });
    expect(status?.history?.at(-1)).toMatchObject({ initiatedBy: { username: user } });
    expect(Object.keys(metadata.annotations ?? {}).filter((name) => /approved/.test(name))).toEqual([]);
    const history = await world.trueup('app', 'history', place.name);
    expect(history.stdout).toMatch(new RegExp(`${user} +applied 1; approved by ${user} at 20`));
  });

  it('is approved by the API, in the name of whose token it is', async () => {
    const { place, plan } = await waiting();
    expect(await askForSync(place, plan)).toMatchObject({ status: 200 });
    await waitFor('it to be applied', () => isApplied(place));
    const { status } = await place.waitForApplication(
      'its end',
      (now) => now.status?.operationState?.phase === 'Succeeded',
    );
    expect(status?.operationState).toMatchObject({
      operation: {
        initiatedBy: { username: 'admin' },
        info: [{ name: 'trueup.dev/plan', value: plan }],
      },
    });
    expect(await lastSync(place.name)).toMatchObject({ by: 'admin', plan, approved: { plan, by: 'admin' } });
  });

  it('is not synced by the digest of another plan: both are named, and nothing is applied', async () => {
    const { place, plan } = await waiting();
    await place.pushAndHint(settings('2'));
    const next = await waitFor('the next plan to wait', async () => {
      const digest = digestIn(await place.read(), 'Waiting');
      return digest === plan ? undefined : digest;
    });
    const both = expect.stringMatching(new RegExp(`${plan} is stale: what waits .* is plan ${next}`));
    expect(await askForSync(place, plan)).toMatchObject({ status: 409, code: 10, message: both });
    for (const words of [
      ['approve', place.name, '--plan', plan],
      ['app', 'sync', place.name, '--approve', plan],
    ])
      expect(await world.trueup(...words)).toMatchObject({ code: 1, stderr: both });
    expect(await askForSync(place, other)).toMatchObject({ status: 409 });
    await place.refresh();
    const { operation, metadata } = await place.read();
    expect([operation, metadata.annotations?.['trueup.dev/approved-plan']]).toEqual([undefined, undefined]);
    expect(await isApplied(place)).toBe(false);
  });
});

describe('a held prune (F9)', () => {
  it('of an Application is approved by the API', async () => {
    const place = await world.place();
    const commit = await place.push(many);
    await place.createApplication();
    await place.synced(commit);
    await place.pushAndHint(fewer);
    const plan = await waits(place, 'Held');
    expect(await askForSync(place, other)).toMatchObject({ status: 409 });
    expect(await names(place)).toHaveLength(12);
    expect(await askForSync(place, plan)).toMatchObject({ status: 200 });
    await waitFor('what left Git to be gone', async () => (await names(place)).length === 2);
    await place.synced();
    expect(await lastSync(place.name)).toMatchObject({ by: 'admin', approved: { plan, by: 'admin' } });
  });

  it('of a Kustomization is approved on the command line, and by a plan file', async () => {
    const place = await world.place();
    await place.push(many);
    const ref = `kustomization/${world.controlNamespace}/${place.name}`;
    const metadata = { name: place.name, namespace: world.controlNamespace };
    const sourceRef = { kind: 'GitRepository', name: place.name };
    const statusOf = async () =>
      (await world.api.get(kustomizationKind, world.controlNamespace, place.name))?.['status'] ?? {};
    const held = async (): Promise<string> => {
      const message = await waitFor(
        'it to be held',
        async () =>
          (await statusOf()).conditions?.find(({ reason }: { reason: string }) => reason === 'Held')?.message,
        { seen: statusOf },
      );
      return /plan (sha256:[0-9a-f]{64})/.exec(String(message))![1]!;
    };
    await world.api.create({
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: gitRepositoryKind.split('/').at(-1)!,
      metadata,
      spec: { interval: '1h', url: place.repository.url, ref: { branch: 'main' } },
    });
    await world.api.create({
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata,
      spec: { interval: '1h', path: './app', prune: true, targetNamespace: place.namespace, sourceRef },
    });
    await waitFor('all to be there', async () => (await names(place)).length === 12);
    await place.pushAndHint(fewer);
    const plan = await held();
    const stale = await world.trueup('approve', ref, '--plan', other);
    expect(stale).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`what waits for approval is plan ${plan}`),
    });
    expect(await names(place)).toHaveLength(12);
    const done = await world.trueup('approve', ref, '--timeout', '30');
    expect(done, done.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Succeeded: .*pruned 10\n$/),
    });
    expect(await names(place)).toHaveLength(2);
    expect((await statusOf()).history[0]).toMatchObject({
      digest: plan,
      metadata: { approvedBy: user, approvedAt: expect.stringMatching(time) },
    });
    expect(await lastSync(ref)).toMatchObject({ by: user, approved: { plan, by: user } });

    await place.pushAndHint(many);
    await waitFor('all to be there again', async () => (await names(place)).length === 12);
    await place.pushAndHint(fewer);
    await held();
    const file = join(world.directory, `${place.name}.plan`);
    const shown = await world.trueup('plan', ref, '--out', file);
    expect(shown).toMatchObject({ code: 1, stderr: expect.stringContaining('[PruneHeld]') });
    const applied = await world.trueup('apply', file, '--timeout', '30');
    expect(applied, applied.stderr).toMatchObject({ code: 0 });
    expect(await names(place)).toHaveLength(2);
  });
});
