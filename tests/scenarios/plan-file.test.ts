/** Plan files: what is applied is what was written down, or nothing. */
import { userInfo } from 'node:os';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configMap, yaml } from './manifests.ts';
import type { Place } from './world.ts';
import { useWorld } from './world.ts';

const world = useWorld();
const settings = (value: string) => ({ 'app/settings.yaml': yaml(configMap('settings', { value })) });
const valueOf = async (place: Place) =>
  (await place.get('v1/ConfigMap', 'settings'))?.['data'].value as string | undefined;
const fileOf = (place: Place): string => join(world.directory, `${place.name}.plan`);

/** Synced at '1'; Git says '2', and a plan of that is written down. */
async function written(): Promise<Place> {
  const place = await world.place();
  await place.push(settings('1'));
  await place.createApplication();
  await place.synced();
  await place.change({ spec: { syncPolicy: { automated: null } } });
  await place.pushAndHint(settings('2'));
  await place.waitForApplication('a look', ({ status }) => status?.sync?.status === 'OutOfSync');
  const plan = await world.trueup('plan', '--app', place.name, '--out', fileOf(place));
  expect(plan, plan.stderr).toMatchObject({ code: 0 });
  expect(await valueOf(place)).toBe('1');
  return place;
}

describe('trueup apply', () => {
  it('applies the plan of an Application, though it is not synced by itself', async () => {
    const place = await written();
    expect(await readFile(fileOf(place), 'utf8')).toMatch(/"digest": "sha256:[0-9a-f]{64}"/);
    const applied = await world.trueup('apply', fileOf(place), '--timeout', '30');
    expect(applied, applied.stderr).toMatchObject({ code: 0 });
    expect(applied.stdout).toMatch(/Succeeded: applied 1/);
    expect(await valueOf(place)).toBe('2');
    expect((await place.read()).metadata.annotations?.['trueup.dev/approved-plan']).toBeUndefined();
    const history = await world.trueup('app', 'history', place.name);
    expect(history.stdout).toMatch(new RegExp(`main@.* ${userInfo().username} +applied 1`));
  });

  it('is stale when Git moved: says from where to where, and applies nothing', async () => {
    const place = await written();
    await place.push(settings('3'));
    const stale = await world.trueup('apply', fileOf(place));
    expect(stale.code).toBe(1);
    expect(stale.stderr).toMatch(/is stale, and nothing was applied/);
    expect(stale.stderr).toMatch(/moved from main@[0-9a-f]{8} to main@[0-9a-f]{8}/);
    expect(stale.stderr).toMatch(/now: ~ ConfigMap .*settings/);
    expect(await valueOf(place)).toBe('1');
  });

  it('is stale when somebody changed what it would change', async () => {
    const place = await written();
    await world.kubectl(
      'patch',
      'configmap',
      'settings',
      '-n',
      place.namespace,
      '--type=merge',
      '-p',
      '{"data":{"value":"hand"}}',
    );
    const stale = await world.trueup('apply', fileOf(place));
    expect(stale).toMatchObject({ code: 1, stderr: expect.stringMatching(/is stale[^]*"hand"/) });
    expect(await valueOf(place)).toBe('hand');
  });

  it('of a directory without an Application is carried out at once; applied again it is stale', async () => {
    const place = await world.place();
    await place.push(settings('1'));
    const where = ['--repo', place.repository.url, '--path', 'app', '--dest-namespace', place.namespace];
    const plan = await world.trueup('plan', ...where, '--out', fileOf(place));
    expect(plan, plan.stderr).toMatchObject({ code: 0 });
    const applied = await world.trueup('apply', fileOf(place));
    expect(applied, applied.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^applied: 1 to create/),
    });
    expect(await valueOf(place)).toBe('1');
    expect((await world.trueup('apply', fileOf(place))).stderr).toMatch(/is stale/);
  });

  it('what is no plan file is a wrong call: 64', async () => {
    expect((await world.trueup('apply', 'package.json')).code).toBe(64);
  });
});
