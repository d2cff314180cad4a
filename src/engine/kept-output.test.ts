/** What was rendered is kept: nothing is rendered twice, and what templates make up is applied once. */
import { describe, expect, it } from 'vitest';
import { configMap, EngineWorld, filesOf, repository } from '../../tests/fakes/engine-world.ts';
import type { Files } from '../../tests/fakes/repositories.ts';

const approvalAnnotation = 'trueup.dev/approved-plan';
const source = (path: string, more: object = {}) => ({
  source: { repoURL: repository, path, targetRevision: 'main', ...more },
});
const manual = { syncPolicy: {} };
const chart = (template: string): Files => ({
  'chart/Chart.yaml': 'apiVersion: v2\nname: c\nversion: 1.0.0\n',
  'chart/values.yaml': 'length: 8\n',
  'chart/templates/password.yaml': template,
});
const random = chart(
  'apiVersion: v1\nkind: Secret\nmetadata: {name: password}\nstringData: {p: {{ randAlphaNum (int .Values.length) | quote }}}\n',
);

/** Takes the password that stands there, and makes one up where there is none. */
const lookingUp = chart(`{{- $there := lookup "v1" "Secret" .Release.Namespace "password" }}
apiVersion: v1
kind: Secret
metadata: {name: password}
data:
  p: {{ if $there }}{{ $there.data.p }}{{ else }}{{ randAlphaNum 8 | b64enc }}{{ end }}
`);

async function randomWorld(spec: object = {}, files = random): Promise<EngineWorld> {
  const world = new EngineWorld();
  await world.start();
  await world.pushFiles(files);
  await world.create(world.application('web', { ...source('chart'), ...spec }));
  return world;
}
const password = (world: EngineWorld): string => {
  const data = world.cluster.get('Secret', 'payments', 'password')?.['data'] as { p: string } | undefined;
  return Buffer.from(data?.p ?? '', 'base64').toString('utf8');
};
const cluster = (world: EngineWorld, version: string): Promise<void> => {
  world.cluster.kubeVersion = version;
  world.cluster.kindsChanged();
  return world.settle();
};
/** Somebody changes what stands there, so that it has to be planned and compared. */
async function drift(world: EngineWorld): Promise<void> {
  world.cluster.edit(
    'Secret',
    'payments',
    'password',
    (draft) => (draft.data.p = Buffer.from('changed').toString('base64')),
    'kubectl',
  );
  await world.settle();
}

describe('a restart renders nothing that did not change', () => {
  it('also where nothing is applied, where it drifted, and where a branch went back and forth', async () => {
    const world = new EngineWorld();
    await world.start();
    const files = { ...filesOf([configMap('one')], 'one'), ...filesOf([configMap('two')], 'two') };
    await world.pushFiles(files);
    await world.create(world.application('waits', { ...source('one'), ...manual }));
    await world.create(world.application('drifts', source('two')));
    expect(world.renders).toBe(2);

    world.crash();
    world.cluster.edit('ConfigMap', 'payments', 'two', (draft) => (draft.data.a = '9'), 'kubectl');
    await world.start();
    expect(world.data('two')).toEqual({ a: '1' });
    expect(world.status('waits').sync?.status).toBe('OutOfSync');
    expect(world.renders).toBe(2);

    await world.pushFiles({ ...files, ...filesOf([configMap('two', { a: '2' })], 'two') });
    expect(world.renders).toBe(3);
    await world.restart();
    await world.pushFiles(files);
    expect(world.data('two')).toEqual({ a: '1' });
    expect(world.renders).toBe(3);
    expect(world.errors).toEqual([]);
  });

  it('F17: and everything where nothing can be kept', async () => {
    const world = new EngineWorld();
    world.kept.isFull = true;
    await world.start();
    await world.push([configMap('one')]);
    await world.create(world.application('waits', manual));
    await world.restart();
    expect(world.renders).toBe(2);
    expect(world.errors).toEqual([]);
  });
});

describe('a chart that makes values up', () => {
  it('is applied once, with a warning, and stays through restarts, other commits, and drift', async () => {
    const world = await randomWorld();
    const first = password(world);
    expect(first).toMatch(/^\w{8}$/);
    expect(world.status().sync?.status).toBe('Synced');
    expect(world.condition('Warning')).toMatch(/randAlphaNum.*RandomTemplate/);
    const mark = world.mark;
    await world.restart();
    await world.pushFiles({ ...random, 'README.md': 'x' });
    await world.refresh('web', 'hard');
    expect(world.writesSince(mark)).toEqual([]);

    await drift(world);
    expect(password(world)).toBe(first);
    world.crash();
    await drift(world);
    await world.start();
    expect(password(world)).toBe(first);
    expect(world.renders).toBe(1);
    expect(world.errors).toEqual([]);
  });

  it('makes up others when its values change', async () => {
    const world = await randomWorld();
    await world.pushFiles({ ...random, 'chart/values.yaml': 'length: 12\n' });
    expect(password(world)).toMatch(/^\w{12}$/);
    expect(world.status().sync?.status).toBe('Synced');
  });

  it('keeps them when another version of the cluster answers it otherwise, and so when they are lost then', async () => {
    const asking = { ...random, 'chart/templates/NOTES.txt': '{{ .Capabilities.KubeVersion }}' };
    const world = await randomWorld({}, asking);
    const first = password(world);
    await cluster(world, 'v1.37.0');
    await drift(world);
    expect(password(world)).toBe(first);
    world.kept.values.clear();
    await cluster(world, 'v1.38.0');
    await drift(world);
    expect(password(world)).toBe('changed');
    expect(world.condition('Held')).toMatch(/RandomTemplate/);
    expect(world.errors).toEqual([]);
  });

  it('F17: is held when what was kept is lost, and a person may accept new values', async () => {
    const world = await randomWorld();
    const first = password(world);
    world.kept.values.clear();
    await world.restart();
    expect(world.status().sync?.status).toBe('Synced');

    await drift(world);
    expect(password(world)).toBe('changed');
    const held = world.condition('Held') ?? '';
    expect(held).toMatch(/Secret payments\/password are not kept here.*--approve.*\[RandomTemplate\]/);
    expect(held).not.toContain(first);
    await world.sync();
    await world.restart();
    expect(password(world)).toBe('changed');
    expect(world.condition('Held')).toBe(held);

    const [digest] = /sha256:[0-9a-f]{64}/.exec(held) ?? [];
    await world.change('web', (draft) => (draft.metadata.annotations = { [approvalAnnotation]: digest }));
    expect(password(world)).toMatch(/^\w{8}$/);
    expect(password(world)).not.toBe(first);
    expect(world.condition('Held')).toBeUndefined();
    expect(world.status().sync?.status).toBe('Synced');
    expect(world.errors).toEqual([]);
  });
});

describe('a chart that makes up what it does not find', () => {
  it('is applied once, and stays as it is found, also when nothing is kept any more', async () => {
    const world = await randomWorld({}, lookingUp);
    const first = password(world);
    expect(first).toMatch(/^\w{8}$/);
    await world.advance(60_000);
    expect(world.status().sync?.status).toBe('Synced');
    expect(world.condition('Warning')).toBeUndefined();
    const { mark, renders } = world;
    await world.restart();
    await world.pushFiles({ ...lookingUp, 'README.md': 'x' });
    await world.advance(60_000);
    expect(world.renders).toBe(renders);
    world.kept.values.clear();
    await world.refresh('web', 'hard');
    await world.pushFiles({ ...lookingUp, 'chart/values.yaml': 'length: 9\n' });
    await world.advance(60_000);
    expect(world.writesSince(mark)).toEqual([]);
    expect(password(world)).toBe(first);
    expect(world.errors).toEqual([]);
  });

  it('gets the same again when that is deleted, and takes what somebody else puts there', async () => {
    const world = await randomWorld({}, lookingUp);
    const first = password(world);
    await world.advance(10_000);
    world.cluster.drop('Secret', 'payments', 'password');
    await world.settle();
    await world.advance(10_000);
    expect(password(world)).toBe(first);

    await drift(world);
    await world.advance(10_000);
    expect(password(world)).toBe('changed');
    expect(world.status().sync?.status).toBe('Synced');
    const mark = world.mark;
    await world.restart();
    await world.advance(60_000);
    expect(world.writesSince(mark)).toEqual([]);
    expect(world.errors).toEqual([]);
  });

  it.each(['drift', 'a restart'])(
    'never undoes what somebody else puts there by what it found before: %s',
    async (what) => {
      const world = await randomWorld({}, lookingUp);
      await world.advance(10_000);
      world.client.followersLag = true;
      await drift(world);
      expect(password(world)).toBe('changed');
      await world.advance(20_000);
      expect(password(world)).toBe('changed');
      if (what === 'drift') world.client.followersCatchUp();
      else await world.restart();
      await world.advance(20_000);
      expect(password(world)).toBe('changed');
      expect(world.status().sync?.status).toBe('Synced');
      expect(world.errors).toEqual([]);
    },
  );

  it('S14: leaves no value where it may be read', async () => {
    const world = await randomWorld({}, lookingUp);
    await world.advance(10_000);
    const first = password(world);
    const records = [...world.cluster.objects.values()].filter(({ kind }) => kind !== 'Secret');
    const text = JSON.stringify([records, world.state(), world.status()]);
    expect(text).not.toContain(first);
    expect(text).not.toContain(Buffer.from(first).toString('base64'));
  });
});

describe('while the cluster does not say what a chart looks up', () => {
  const asking = chart(
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\ndata: {a: "{{ (lookup "v1" "Service" "default" "shared").spec.a }}"}\n',
  );
  const shared = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'shared', namespace: 'default' } };
  async function cutOff(meanwhile: (world: EngineWorld) => void = () => undefined): Promise<EngineWorld> {
    const world = new EngineWorld();
    world.cluster.put({ ...shared, spec: { a: 'one' } });
    await world.start();
    await world.pushFiles(asking);
    await world.create(world.application('web', source('chart')));
    expect(world.data('own')).toEqual({ a: 'one' });
    world.crash();
    world.cluster.forbidden.add('/Service');
    world.cluster.edit('ConfigMap', 'payments', 'own', (draft) => (draft.data.a = 'drift'), 'kubectl');
    meanwhile(world);
    await world.start();
    expect(world.errors).toEqual([]);
    return world;
  }

  it('drift is healed from what was rendered (F8)', async () => {
    const world = await cutOff();
    expect(world.condition('ComparisonError')).toContain('LookupForbidden');
    expect(world.data('own')).toEqual({ a: 'one' });
    expect(world.renders).toBe(1);
    world.cluster.put({ ...shared, spec: { a: 'two' } });
    world.cluster.forbidden.clear();
    world.client.retry();
    await world.settle();
    expect(world.data('own')).toEqual({ a: 'two' });
    expect(world.condition('ComparisonError')).toBeUndefined();
  });
  it('drift is left where that is not kept', async () => {
    const world = await cutOff(({ kept }) => kept.values.clear());
    expect(world.condition('ComparisonError')).toContain('LookupForbidden');
    expect(world.data('own')).toEqual({ a: 'drift' });
  });
  it('drift is left where the project permits the question no more (S5)', async () => {
    const world = await cutOff(({ cluster }) =>
      cluster.put({
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'AppProject',
        metadata: { name: 'default', namespace: 'argocd' },
        spec: { sourceRepos: ['*'], destinations: [{ server: '*', namespace: 'payments' }] },
      }),
    );
    expect(JSON.stringify(world.status().conditions)).toContain('ProjectDenies');
    expect(world.data('own')).toEqual({ a: 'drift' });
  });
});
