/** Charts that make up a password: it is made up once, and kept in the data directory where nobody can read it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useWorld, waitFor, type Place } from './world.ts';

const world = useWorld();
const chart = {
  'app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n',
  'app/templates/password.yaml':
    'apiVersion: v1\nkind: Secret\nmetadata: {name: password}\nstringData: {p: {{ randAlphaNum 20 | quote }}}\n',
};

/** Takes the password that stands there, and makes one up where there is none. */
const lookingUp = {
  ...chart,
  'app/templates/password.yaml': `{{- $there := lookup "v1" "Secret" .Release.Namespace "password" }}
apiVersion: v1
kind: Secret
metadata: {name: password}
data:
  p: {{ if $there }}{{ $there.data.p }}{{ else }}{{ randAlphaNum 20 | b64enc }}{{ end }}
`,
};

async function passwordPlace(files = chart): Promise<Place> {
  const place = await world.place();
  const commit = await place.push(files);
  await place.createApplication();
  await place.synced(commit);
  return place;
}
const passwordOf = async (place: Place): Promise<string> => {
  const { p } = (await place.live('v1/Secret', 'password'))['data'];
  return Buffer.from(p, 'base64').toString('utf8');
};
const setPassword = (place: Place, value: string) =>
  world.api.patch('v1/Secret', place.namespace, 'password', {
    data: { p: Buffer.from(value).toString('base64') },
  });

describe('what a chart makes up', () => {
  it('stays through a restart, another commit and drift, and is not readable on the disk (S14)', async () => {
    const place = await passwordPlace();
    const first = await passwordOf(place);
    expect(first).toMatch(/^\w{20}$/);
    const { uid } = (await place.live('v1/Secret', 'password')).metadata;
    await world.stop();
    await world.start();
    await place.refresh();
    expect(await passwordOf(place)).toBe(first);

    const commit = await place.pushAndHint({ 'README.md': 'text' });
    await place.refresh();
    await place.synced(commit);
    expect(await passwordOf(place)).toBe(first);

    await setPassword(place, 'somebody');
    await waitFor('the heal', async () => (await passwordOf(place)) === first);
    expect((await place.live('v1/Secret', 'password')).metadata.uid).toBe(uid);

    const kept = join(world.directory, 'data', 'rendered');
    const files = await readdir(kept);
    expect(files).not.toEqual([]);
    for (const file of files) expect((await readFile(join(kept, file))).includes(first)).toBe(false);
  });

  it('is not replaced without approval when the data directory is lost (F17)', async () => {
    const place = await passwordPlace();
    await world.stop();
    await world.start('--data-dir', join(world.directory, 'lost'));
    await place.refresh();
    await setPassword(place, 'somebody');
    await place.condition(/password are not kept here.*\[RandomTemplate\]/);
    expect(await passwordOf(place)).toBe('somebody');

    const synced = await world.trueup('app', 'sync', place.name, '--approve');
    expect(synced, synced.stderr).toMatchObject({ code: 0 });
    expect(await passwordOf(place)).toMatch(/^\w{20}$/);
    await place.synced();
  });
});

describe('what a chart makes up where it finds nothing', () => {
  it('is found from then on: it stays, comes back when it is deleted, and may be set by others', async () => {
    const place = await passwordPlace(lookingUp);
    const first = await passwordOf(place);
    expect(first).toMatch(/^\w{20}$/);
    await world.stop();
    await world.start('--data-dir', join(world.directory, 'lost'));
    await place.refresh('hard');
    const commit = await place.pushAndHint({ 'app/values.yaml': 'a: 1\n' });
    await place.synced(commit);
    expect(await passwordOf(place)).toBe(first);

    await setPassword(place, 'somebody');
    await place.refresh();
    await place.synced();
    expect(await passwordOf(place)).toBe('somebody');

    await world.stop();
    await world.start();
    const { uid } = (await place.live('v1/Secret', 'password')).metadata;
    await world.kubectl('delete', 'secret', 'password', '--namespace', place.namespace);
    await waitFor('the Secret to come back', async () => {
      const again = await place.get('v1/Secret', 'password');
      return again !== undefined && again.metadata.uid !== uid;
    });
    await place.synced();
    expect(await passwordOf(place)).toMatch(/^\w{20}$/);
  });
});
