/** What cannot or must not be applied: nothing is written, and the message says what and where. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { brokenManifest, configMap, deployment, yaml } from './manifests.ts';
import type { Manifest } from './manifests.ts';
import type { Place, World } from './world.ts';
import { useWorld, waitFor, writesAreCounted } from './world.ts';

const good = yaml(configMap('good', { a: '1' }));

/** A place that was in sync with one good object. */
async function goodPlace(world: World): Promise<Place> {
  const place = await world.place();
  await place.push({ 'app/good.yaml': good });
  await place.createApplication();
  await place.synced();
  return place;
}

describe('a source that cannot be read as Kubernetes would', () => {
  const world = useWorld();

  /** Pushes a bad file beside a change of the good one, and expects the message and no write. */
  async function expectRefused(file: string, text: string, ...patterns: readonly RegExp[]): Promise<Place> {
    const place = await goodPlace(world);
    await place.pushAndHint({ [`app/${file}`]: text, 'app/good.yaml': yaml(configMap('good', { a: '2' })) });
    const [first = /./, ...others] = patterns;
    const message = await place.condition(first);
    for (const pattern of others) expect(message).toMatch(pattern);
    const { status } = await place.refresh();
    expect(status?.sync?.status).not.toBe('Synced');
    expect(status?.health?.status).not.toBe('Healthy');
    expect((await place.live('v1/ConfigMap', 'good'))['data']).toEqual({ a: '1' });
    return place;
  }

  it('bad YAML: file and line', async () => {
    const place = await expectRefused(
      'bad.yaml',
      'apiVersion: v1\nkind: ConfigMap\ndata: {unclosed\n',
      /bad\.yaml:\d+/,
    );
    // The fix is applied without anybody's help.
    const commit = await place.pushAndHint({ 'app/bad.yaml': null });
    await place.synced(commit);
    expect((await place.live('v1/ConfigMap', 'good'))['data']).toEqual({ a: '2' });
  });

  it('a document that is no object: file and line', async () => {
    await expectRefused('list.yaml', `${good}---\n- just\n- a list\n`, /list\.yaml/);
  });

  it('a file that is no manifest at all is passed over', async () => {
    const place = await goodPlace(world);
    const commit = await place.pushAndHint({
      'app/values.yaml': 'replicas: 3\nimage: web\n',
      'app/notes.md': '# Notes',
    });
    const { status } = await place.synced(commit);
    expect(status?.resources?.map(({ name }) => name)).toEqual(['good']);
  });

  it('an object without kind or name: file and what is missing', async () => {
    await expectRefused(
      'nameless.yaml',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n',
      /nameless\.yaml/,
      /name/,
    );
  });

  it('a manifest of 10 MB: file and limit (F20)', async () => {
    const large = yaml(configMap('large', { text: 'x'.repeat(10 << 20) }));
    await expectRefused('large.yaml', large, /large\.yaml/, /\d+(\.\d+)? ?(MB|MiB|bytes)/i);
  });

  it('a YAML bomb: file, in time (F21)', async () => {
    const levels = Array.from({ length: 12 }, (_, index) =>
      index === 0
        ? 'a0: &a0 [x, x, x, x, x, x, x, x, x]'
        : `a${index}: &a${index} [${'*a'.concat(String(index - 1), ', ').repeat(9)}]`,
    );
    const bomb = ['apiVersion: v1', 'kind: ConfigMap', 'metadata: {name: bomb}', ...levels].join('\n');
    await expectRefused('bomb.yaml', bomb, /bomb\.yaml/, /alias/i);
    expect((await fetch(`${world.origin}/healthz`)).status).toBe(200);
  });

  it('an unknown kind: kind, version and file', async () => {
    const text = 'apiVersion: example.com/v1\nkind: Gadget\nmetadata:\n  name: one\n';
    await expectRefused('gadget.yaml', text, /gadget\.yaml/, /Gadget/, /example\.com\/v1/);
  });

  it('one object twice: the later one counts, and both places are named', async () => {
    const place = await goodPlace(world);
    const later = yaml(configMap('good', { a: 'later' }));
    const commit = await place.pushAndHint({ 'app/later.yaml': later });
    const { status } = await place.synced(commit);
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({
        type: 'RepeatedResourceWarning',
        message: expect.stringMatching(/later\.yaml.*good\.yaml/),
      }),
    );
    expect((await place.get('v1/ConfigMap', 'good'))?.data).toEqual({ a: 'later' });
  });

  it.each([
    ['an octal number', 'defaultMode: 0400', (mode: unknown) => mode === 256],
    // The field has 32 bits, and the API server takes the last of 2^53 + 1; what was rounded on the way would be 0.
    ['an integer beyond 2^53', 'defaultMode: 9007199254740993', (mode: unknown) => mode === 1],
  ])('%s: as Kubernetes reads it, or refused', async (_, line, isRight) => {
    const place = await goodPlace(world);
    const text = yaml(deployment('web')).replace(
      /containers:/,
      `volumes:\n        - name: v\n          configMap: {name: good, ${line}}\n      containers:`,
    );
    await place.pushAndHint({ 'app/web.yaml': text });
    await place.waitForApplication(
      'to be judged',
      ({ status }) =>
        JSON.stringify([status?.conditions, status?.operationState?.message]).includes('web.yaml') ||
        status?.resources?.some(({ name }) => name === 'web') === true,
    );
    const live = await place.get('apps/v1/Deployment', 'web');
    if (live !== undefined)
      expect(isRight(live['spec'].template.spec.volumes[0].configMap.defaultMode)).toBe(true);
  });

  it('a symbolic link that leaves the repository is not followed (F13, S2)', async () => {
    const place = await goodPlace(world);
    const outside = join(world.directory, 'outside.yaml');
    await writeFile(outside, yaml(configMap('outside', { stolen: 'yes' })));
    await place.repository.link('app/outside.yaml', outside);
    await place.repository.link('app/up.yaml', '../../../../../../etc/hostname');
    await place.pushAndHint({});
    await place.refresh();
    expect(await place.get('v1/ConfigMap', 'outside')).toBeUndefined();
    expect(JSON.stringify((await place.read()).status)).not.toContain('stolen');
  });

  it('another Application is not held up by a bad one (F16, F28)', async () => {
    const bad = await goodPlace(world);
    await bad.pushAndHint({ 'app/bad.yaml': brokenManifest });
    await bad.condition(/bad\.yaml/);
    const place = await goodPlace(world);
    const commit = await place.pushAndHint({ 'app/good.yaml': yaml(configMap('good', { a: 'new' })) });
    await place.synced(commit);
  });
});

describe('an object that the API server refuses', () => {
  const world = useWorld();
  const invalid = yaml(configMap('z-bad', { 'not a valid key!': 'x' }));

  it('names it, keeps what was applied in the inventory, and prunes that later (F18)', async () => {
    const place = await goodPlace(world);
    await place.pushAndHint({
      'app/a-added.yaml': yaml(configMap('a-added', { a: '1' })),
      'app/z-bad.yaml': invalid,
    });
    const { status } = await place.waitForApplication('the failure', (app) =>
      /; retrying attempt #/.test(app.status?.operationState?.message ?? ''),
    );
    expect(JSON.stringify([status?.operationState, status?.conditions])).toMatch(/z-bad/);
    await waitFor('the valid one', () => place.get('v1/ConfigMap', 'a-added'));
    const commit = await place.pushAndHint({ 'app/a-added.yaml': null, 'app/z-bad.yaml': null });
    await place.synced(commit, 60_000);
    await waitFor('the prune', async () => (await place.get('v1/ConfigMap', 'a-added')) === undefined);
  });

  it('a dry run names it before anything is written', async () => {
    const place = await goodPlace(world);
    await place.change({ spec: { syncPolicy: null } });
    await place.pushAndHint({
      'app/a-added.yaml': yaml(configMap('a-added', { a: '1' })),
      'app/z-bad.yaml': invalid,
    });
    const tried = await world.trueup('app', 'sync', place.name, '--dry-run');
    expect(tried, tried.stderr).toMatchObject({ code: 1 });
    expect(tried.stdout).toMatch(/Failed: dry run: 2 to create.*; 1 failed: .*z-bad/);
    expect(await place.get('v1/ConfigMap', 'a-added')).toBeUndefined();
  });

  it('`app sync` ends with 1, and a fix in Git is applied without waiting for the next retry', async () => {
    const place = await goodPlace(world);
    await place.pushAndHint({ 'app/z-bad.yaml': invalid });
    await place.waitForApplication('the failure', (app) =>
      /; retrying attempt #/.test(app.status?.operationState?.message ?? ''),
    );
    const { code } = await world.trueup('app', 'sync', place.name);
    expect(code).toBe(1);
    const commit = await place.pushAndHint({ 'app/z-bad.yaml': null });
    await place.synced(commit);
  });

  it('an object beyond the size that the API takes is named with its file (F20)', async () => {
    const place = await goodPlace(world);
    await place.pushAndHint({
      'app/z-large.yaml': yaml(configMap('z-large', { text: 'x'.repeat(1_400_000) })),
    });
    await place.waitForApplication('the failure', ({ status }) =>
      JSON.stringify([status?.operationState?.message, status?.conditions]).includes('z-large'),
    );
    expect(await place.get('v1/ConfigMap', 'z-large')).toBeUndefined();
  });

  it('a change of an immutable field is reported, not forced', async () => {
    const place = await world.place();
    await place.push({ 'app/web.yaml': yaml(deployment('web')) });
    await place.createApplication();
    await place.synced();
    const before = await place.live('apps/v1/Deployment', 'web');
    const other = deployment('web') as { readonly spec: { readonly template: object } };
    const labels = { app: 'web', tier: 'front' };
    const spec = {
      ...other.spec,
      selector: { matchLabels: labels },
      template: { ...other.spec.template, metadata: { labels } },
    };
    await place.pushAndHint({ 'app/web.yaml': yaml({ ...other, spec }) });
    await place.waitForApplication('the failure', ({ status }) =>
      /immutable/.test(JSON.stringify([status?.operationState?.message, status?.conditions])),
    );
    expect((await place.live('apps/v1/Deployment', 'web')).metadata.uid).toBe(before.metadata.uid);
  });
});

describe('an identity without the rights', () => {
  const world = useWorld({ kubeconfig: limitedIdentity });

  it('denied by RBAC: verb, kind and who, and the rest goes on', async () => {
    const place = await world.place();
    await place.push({ 'app/web.yaml': yaml(deployment('web')), 'app/settings.yaml': good });
    await place.createApplication();
    await place.waitForApplication('the denial', ({ status }) => {
      const told = JSON.stringify([status?.operationState?.message, status?.conditions]);
      return /forbidden|may not|not allowed/i.test(told) && /deployment/i.test(told);
    });
    const allowed = await world.place();
    const commit = await allowed.push({ 'app/settings.yaml': good });
    await allowed.createApplication();
    await allowed.synced(commit);
  });
});

describe('what is known and not honoured yet blocks the Application (F30)', () => {
  const world = useWorld();
  const sourceWith = (place: Place, further: object): Manifest => ({
    source: { repoURL: place.repository.url, path: 'app', targetRevision: 'main', ...further },
  });

  it.runIf(writesAreCounted).each([
    ['helm', (place: Place) => sourceWith(place, { helm: { version: 'v2' } })],
    ['kustomize', (place: Place) => sourceWith(place, { kustomize: { version: 'v4.5.7' } })],
    ['plugin', (place: Place) => sourceWith(place, { plugin: { name: 'x' } })],
    ['Replace=maybe', () => ({ syncPolicy: { automated: {}, syncOptions: ['Replace=maybe'] } })],
    [
      'elsewhere.example.com',
      () => ({ destination: { server: 'https://elsewhere.example.com', namespace: 'x' } }),
    ],
  ] as const)('%s in the spec', async (named, specOf) => {
    const place = await world.place();
    await place.push({ 'app/good.yaml': good });
    const mark = await world.mark();
    await place.createApplication({ spec: specOf(place) });
    const message = await place.condition(new RegExp(named.replace('.', String.raw`\.`)), /Unsupported/);
    expect(message).toContain(named);
    await place.refresh();
    expect(await place.get('v1/ConfigMap', 'good')).toBeUndefined();
    expect(await place.writesSince(mark)).toEqual([]);
  });

  it.each([
    ['a kustomization with charts', { 'app/kustomization.yaml': 'helmCharts: [{name: x}]\n' }, /helmCharts/],
    [
      'a chart with a dependency by an alias of its repository',
      {
        'app/Chart.yaml':
          'apiVersion: v2\nname: x\nversion: 1.0.0\ndependencies: [{name: redis, version: 1.x, repository: "alias:ours"}]\n',
      },
      /redis/,
    ],
    [
      'a hook that nobody knows',
      {
        'app/hook.yaml': yaml(
          configMap('hook', {}, { annotations: { 'argocd.argoproj.io/hook': 'PreLunch' } }),
        ),
      },
      /hook/,
    ],
    [
      'a wave that is no number',
      {
        'app/wave.yaml': yaml(
          configMap('wave', {}, { annotations: { 'argocd.argoproj.io/sync-wave': 'last' } }),
        ),
      },
      /sync-wave/,
    ],
  ] as const)('%s in the directory', async (_, files, pattern) => {
    const place = await world.place();
    await place.push({ 'app/good.yaml': good, ...files });
    await place.createApplication();
    await place.condition(pattern);
    await place.refresh();
    expect(await place.get('v1/ConfigMap', 'good')).toBeUndefined();
  });

  it('until it is taken away; what was applied before stays meanwhile', async () => {
    const place = await goodPlace(world);
    await place.change({ spec: { source: { helm: { version: 'v2' } } } });
    await place.condition(/helm/, /Unsupported/);
    expect(await place.get('v1/ConfigMap', 'good')).toBeDefined();
    await place.change({ spec: { source: { helm: null } } });
    await place.synced();
  });

  it('a spec that makes no sense blocks its own Application only (F28)', async () => {
    const broken = await world.place();
    await broken.push({ 'app/good.yaml': good });
    await broken.createApplication({ spec: { source: null as never } });
    await broken.condition(/source/);
    const place = await goodPlace(world);
    await place.synced();
  });
});

describe('history that was rewritten (F10)', () => {
  const world = useWorld();
  const settings = (value: string) => yaml(configMap('settings', { value }));
  const valueOf = async (place: Place) =>
    (await place.live('v1/ConfigMap', 'settings'))['data'].value as string;

  async function placeWithHistory(): Promise<{
    readonly place: Place;
    readonly first: string;
    readonly second: string;
  }> {
    const place = await world.place();
    const first = await place.push({ 'app/settings.yaml': settings('1') });
    await place.createApplication();
    await place.synced(first);
    const second = await place.pushAndHint({ 'app/settings.yaml': settings('2') });
    await place.synced(second);
    return { place, first, second };
  }

  it('older after newer is held', async () => {
    const { place, first } = await placeWithHistory();
    await place.repository.reset(first);
    await place.repository.push({ force: true });
    await world.hint(place.repository);
    const message = await place.condition(/older/i);
    expect(message).toContain(first.slice(0, 7));
    const { status } = await place.refresh();
    expect(status?.sync?.status).not.toBe('Synced');
    expect(await valueOf(place)).toBe('2');

    const third = await place.pushAndHint({ 'app/settings.yaml': settings('3') });
    await place.synced(third);
    expect(await valueOf(place)).toBe('3');
  });

  it('a person may go back to it: `app sync --revision`', async () => {
    const { place, first } = await placeWithHistory();
    await place.change({ spec: { syncPolicy: { automated: null } } });
    const { code, stderr } = await world.trueup('app', 'sync', place.name, '--revision', first);
    expect(code, stderr).toBe(0);
    await waitFor('the older value', async () => (await valueOf(place)) === '1');
  });

  it('a rewritten branch is applied, and flagged', async () => {
    const { place, first } = await placeWithHistory();
    await place.repository.reset(first);
    const commit = await place.push({ 'app/settings.yaml': settings('rewritten') }, { force: true });
    await world.hint(place.repository);
    await place.synced(commit);
    expect(await valueOf(place)).toBe('rewritten');
    await place.condition(/rewritten/i);
  });

  it('a revert is a new commit, and is applied', async () => {
    const { place, second } = await placeWithHistory();
    const commit = await place.repository.revert(second);
    await place.repository.push();
    await world.hint(place.repository);
    await place.synced(commit);
    expect(await valueOf(place)).toBe('1');
  });
});

/** Somebody who may read everything, and write Applications, Trueup's own resources and ConfigMaps only. */
async function limitedIdentity(world: World): Promise<string> {
  const name = `limited-${world.id}`;
  const namespace = world.controlNamespace;
  const all = ['*'];
  await world.api.create({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name },
    rules: [
      { apiGroups: all, resources: all, verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['argoproj.io', 'trueup.dev', 'coordination.k8s.io'], resources: all, verbs: all },
      { apiGroups: [''], resources: ['configmaps', 'secrets', 'events'], verbs: all },
    ],
  });
  await world.api.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } });
  await world.api.create({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  });
  const token = (await world.kubectl('create', 'token', name, '-n', namespace)).stdout.trim();
  const { stdout } = await world.kubectl('config', 'view', '--raw', '--minify', '--flatten', '-o', 'json');
  const config = JSON.parse(stdout) as { users: { user: object }[] };
  for (const user of config.users) user.user = { token };
  const file = join(world.directory, 'limited.kubeconfig');
  await writeFile(file, JSON.stringify(config));
  return file;
}
