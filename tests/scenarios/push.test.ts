/** From Git to the cluster. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { configMap, deployment, service, yaml } from './manifests.ts';
import { pushEvent, useWorld, waitFor, writesAreCounted } from './world.ts';

const settings = (value: string) => yaml(configMap('settings', { value }));

describe('a push arrives', () => {
  const world = useWorld();

  it('applies what the directory holds, marks it, and says so in the status', async () => {
    const place = await world.place();
    const commit = await place.push({
      'app/web.yaml': yaml(deployment('web', { replicas: 2 }), service('web')),
    });
    await place.createApplication();
    const { status } = await place.synced(commit);

    expect(status?.operationState?.phase).toBe('Succeeded');
    expect(status?.resources?.map(({ kind }) => kind).toSorted()).toEqual(['Deployment', 'Service']);
    const live = await place.live('apps/v1/Deployment', 'web');
    expect(live['spec'].replicas).toBe(2);
    expect(live.metadata.annotations?.['argocd.argoproj.io/tracking-id']).toBe(
      `${place.name}:apps/Deployment:${place.namespace}/web`,
    );
    expect(live.metadata.managedFields).toContainEqual(
      expect.objectContaining({ manager: 'argocd-controller', operation: 'Apply' }),
    );
    await place.waitForApplication('to be Healthy', (app) => app.status?.health?.status === 'Healthy');
  });

  it('applies the next commit when a webhook hints at it', async () => {
    const place = await world.place();
    await place.push({ 'app/settings.yaml': settings('1') });
    await place.createApplication();
    await place.synced();
    const commit = await place.pushAndHint({ 'app/settings.yaml': settings('2') });
    await place.synced(commit);
    expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ value: '2' });
  });

  it('looks at once when the refresh annotation asks, and takes it away', async () => {
    const place = await world.place();
    await place.push({ 'app/settings.yaml': settings('1') });
    await place.createApplication();
    await place.synced();
    const commit = await place.push({ 'app/settings.yaml': settings('2') });
    await place.refresh();
    await place.synced(commit);
    expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ value: '2' });
  });

  it.runIf(writesAreCounted)(
    'writes nothing to objects for a commit that does not touch the directory',
    async () => {
      const place = await world.place();
      await place.push({ 'app/settings.yaml': settings('1') });
      await place.createApplication();
      await place.synced();
      const mark = await world.mark();
      const commit = await place.pushAndHint({ 'README.md': 'text' });
      await place.synced(commit);
      await place.refresh();
      expect(await place.writesSince(mark)).toEqual([]);
    },
  );

  it('fetches once for two Applications in one repository', async () => {
    const first = await world.place();
    const second = await world.place({ shared: first });
    await first.push({ 'app/a.yaml': settings('1'), 'other/b.yaml': settings('1') });
    const source = { repoURL: first.repository.url, path: 'other', targetRevision: 'main' };
    await first.createApplication();
    await second.createApplication({ spec: { source } });
    await first.synced();
    await second.synced();

    const before = world.git.counts(first.name).fetches;
    const commit = await first.pushAndHint({ 'app/a.yaml': settings('2'), 'other/b.yaml': settings('2') });
    await first.synced(commit);
    await second.synced(commit);
    expect((await second.live('v1/ConfigMap', 'settings'))['data']).toEqual({ value: '2' });
    // Contents may come in a batch of their own, one for both; a server without filters sends them at once.
    const fetches = world.git.counts(first.name).fetches - before;
    expect(fetches).toBeGreaterThanOrEqual(1);
    expect(fetches).toBeLessThanOrEqual(2);
  });

  it('follows a tag and a full commit', async () => {
    const tagged = await world.place();
    const first = await tagged.push({ 'app/settings.yaml': settings('tagged') });
    await tagged.repository.tag('v1');
    const later = await tagged.push({ 'app/settings.yaml': settings('later') });
    await tagged.createApplication({ spec: { source: sourceAt(tagged, 'v1') } });
    await tagged.synced(first);
    expect((await tagged.live('v1/ConfigMap', 'settings'))['data']).toEqual({ value: 'tagged' });

    await tagged.change({ spec: { source: sourceAt(tagged, later) } });
    await tagged.synced(later);
    expect((await tagged.live('v1/ConfigMap', 'settings'))['data']).toEqual({ value: 'later' });
  });

  it('reads subdirectories only with recurse, and honours include and exclude', async () => {
    const place = await world.place();
    const named = (name: string) => yaml(configMap(name, { a: '1' }));
    await place.push({
      'app/top.yaml': named('top'),
      'app/deep/below.yaml': named('below'),
      'app/deep/skipped.yaml': named('skipped'),
      'app/deep/notes.txt': 'not a manifest',
      'app/values.json': JSON.stringify(configMap('from-json', { a: '1' })),
    });
    await place.createApplication();
    await place.synced();
    const names = async () =>
      (await world.api.list('v1/ConfigMap', place.namespace))
        .map(({ metadata }) => metadata.name)
        .filter((name) => name !== 'kube-root-ca.crt')
        .toSorted();
    expect(await names()).toEqual(['from-json', 'top']);

    const source = { ...sourceAt(place, 'main'), directory: { recurse: true, exclude: '**/skipped.yaml' } };
    await place.change({ spec: { source } });
    await waitFor('the subdirectory', async () => (await names()).includes('below'));
    expect(await names()).toEqual(['below', 'from-json', 'top']);

    await place.change({ spec: { source: { directory: { exclude: null, include: '**/*.yaml' } } } });
    await waitFor('the included files', async () => (await names()).includes('skipped'));
    await waitFor('the JSON file to be left out', async () => !(await names()).includes('from-json'));
  });

  it('creates the namespace when CreateNamespace=true asks for it', async () => {
    const place = await world.place({ namespace: 'absent' });
    const commit = await place.push({ 'app/settings.yaml': settings('1') });
    await place.createApplication({
      spec: {
        syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] },
      },
    });
    await place.synced(commit);
    expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ value: '1' });
    expect(await world.api.get('v1/Namespace', '', place.namespace)).toBeDefined();
  });

  it('names the missing namespace when it was not asked to create it', async () => {
    const place = await world.place({ namespace: 'absent' });
    await place.push({ 'app/settings.yaml': settings('1') });
    await place.createApplication();
    await place.waitForApplication(
      'the failure',
      ({ status }) =>
        JSON.stringify(status ?? {}).includes(`namespaces \\"${place.namespace}\\" not found`) ||
        new RegExp(`namespace.*${place.namespace}`).test(
          [status?.operationState?.message, ...(status?.conditions ?? []).map(({ message }) => message)].join(
            '\n',
          ),
        ),
    );
    // It is tried again by itself once somebody makes it.
    await world.createNamespace(place.namespace);
    await place.synced(undefined, 60_000);
  });

  it('applies a CustomResourceDefinition before the objects of its kind', async () => {
    const place = await world.place();
    const group = `things-${world.id}.example.com`;
    await place.push({
      'app/a-thing.yaml': yaml({
        apiVersion: `${group}/v1`,
        kind: 'Thing',
        metadata: { name: 'one' },
        spec: { size: 3 },
      }),
      'app/z-definition.yaml': yaml(thingDefinition(group)),
    });
    await place.createApplication();
    await place.synced(undefined, 60_000);
    expect((await place.live(`${group}/v1/Thing`, 'one'))['spec']).toEqual({ size: 3 });
  });

  it('marks by label where argocd-cm says so', async () => {
    await world.api.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cm', namespace: world.controlNamespace },
      data: { 'application.resourceTrackingMethod': 'annotation+label' },
    });
    try {
      const place = await world.place();
      await place.push({ 'app/settings.yaml': settings('1') });
      await place.createApplication();
      await place.synced();
      const { metadata } = await waitFor('the label', async () => {
        const live = await place.live('v1/ConfigMap', 'settings');
        return live.metadata.labels?.['app.kubernetes.io/instance'] === place.name ? live : undefined;
      });
      expect(metadata.annotations?.['argocd.argoproj.io/tracking-id']).toContain(place.name);
    } finally {
      await world.api.remove('v1/ConfigMap', world.controlNamespace, 'argocd-cm');
    }
  });
});

describe('a repository of another address', () => {
  const world = useWorld({ arguments: (origin) => ['--mirror', `https://git.example.com/team=${origin}`] });

  it('is read from the mirror', async () => {
    const place = await world.place();
    const commit = await place.push({ 'app/settings.yaml': settings('mirrored') });
    const source = { ...sourceAt(place, 'main'), repoURL: `https://git.example.com/team/${place.name}.git` };
    await place.createApplication({ spec: { source } });
    await place.synced(commit);
    expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ value: 'mirrored' });
  });
});

describe('a private repository', () => {
  const login = { username: 'ada', password: 'a-very-secret-word' };
  const world = useWorld();

  it('is read with the credentials of a repository Secret, and they appear nowhere (S14)', async () => {
    const place = await world.place();
    const commit = await place.push({ 'app/settings.yaml': settings('private') });
    world.git.setAuth(login);
    await place.createApplication();
    const refused = await place.condition(/auth|credential|401/i);
    expect(refused).toContain(place.repository.url);
    await world.api.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: `repository-${place.name}`,
        namespace: world.controlNamespace,
        labels: { 'argocd.argoproj.io/secret-type': 'repository' },
      },
      stringData: { type: 'git', url: place.repository.url, ...login },
    });
    await place.synced(commit, 60_000);
    world.git.setAuth(undefined);
    expect(await world.log()).not.toContain(login.password);
    expect(JSON.stringify(await place.read())).not.toContain(login.password);
  });
});

describe('webhooks are hints (F24)', () => {
  const secret = 'webhook-word';
  const world = useWorld({
    settings: (namespace) => [
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'argocd-secret', namespace },
        stringData: { 'webhook.github.secret': secret },
      },
    ],
  });
  const signed = (body: string) => ({
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  });

  it('takes a signed one, and refuses unsigned and forged ones (S11)', async () => {
    const place = await world.place();
    await place.push({ 'app/settings.yaml': settings('1') });
    await place.createApplication();
    await place.synced();
    const commit = await place.push({ 'app/settings.yaml': settings('2') });
    const body = pushEvent(place.repository);

    const refused = (status: number) => status >= 400 && status < 500;
    expect(refused(await world.hint(place.repository))).toBe(true);
    expect(
      refused(await world.hint(place.repository, { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` })),
    ).toBe(true);
    const listings = world.git.counts(place.name).listings;
    expect(await world.hint(place.repository, signed(`${body} `), body)).toBeGreaterThanOrEqual(400);
    expect(world.git.counts(place.name).listings).toBe(listings);

    expect(await world.hint(place.repository, signed(body), body)).toBeLessThan(300);
    await place.synced(commit);
  });

  it('survives a body that is not what it claims to be', async () => {
    const place = await world.place();
    for (const body of [
      '',
      '{',
      '[]',
      'null',
      '{"repository":7}',
      '{"ref":{},"repository":{"clone_url":[]}}',
    ]) {
      const status = await world.hint(place.repository, signed(body), body);
      expect(status, body).toBeLessThan(500);
    }
    const large = JSON.stringify({ padding: 'x'.repeat(2 << 20) });
    expect(await world.hint(place.repository, signed(large), large)).toBe(413);
    expect((await fetch(`${world.origin}/healthz`)).status).toBe(200);
  });
});

describe('without webhooks', () => {
  const world = useWorld({ arguments: () => ['--poll-interval', '2s'] });

  it('a push is found by polling', async () => {
    const place = await world.place();
    await place.push({ 'app/settings.yaml': settings('1') });
    await place.createApplication();
    await place.synced();
    const commit = await place.push({ 'app/settings.yaml': settings('2') });
    await place.synced(commit);
  });
});

describe('with a pace in argocd-cm', () => {
  const world = useWorld({
    settings: (namespace) => [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'argocd-cm', namespace },
        data: { 'timeout.reconciliation': '2s' },
      },
    ],
  });

  it('repositories are asked as often as that', async () => {
    const place = await world.place();
    await place.push({ 'app/settings.yaml': settings('1') });
    await place.createApplication();
    await place.synced();
    const { listings } = world.git.counts(place.name);
    // At the usual pace this would take more than a minute.
    await waitFor('three polls', () => world.git.counts(place.name).listings >= listings + 3);
  });
});

function sourceAt(place: { readonly repository: { readonly url: string } }, targetRevision: string): object {
  return { repoURL: place.repository.url, path: 'app', targetRevision };
}

function thingDefinition(group: string): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `things.${group}` },
    spec: {
      group,
      names: { kind: 'Thing', plural: 'things', singular: 'thing', listKind: 'ThingList' },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  };
}
