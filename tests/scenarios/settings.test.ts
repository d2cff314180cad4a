/** Settings of the installation, followed while Trueup runs: `argocd-cm`, `argocd-cmd-params-cm`, and AppProjects. */
import { afterEach, describe, expect, it } from 'vitest';
import { configMap, deployment, service, yaml, type Manifest } from './manifests.ts';
import {
  applicationKind,
  useWorld,
  waitFor,
  writesAreCounted,
  type Application,
  type Place,
} from './world.ts';

const configMapKind = 'v1/ConfigMap';
const projectKind = 'argoproj.io/v1alpha1/AppProject';
const server = 'https://kubernetes.default.svc';
const settings = ['argocd-cm', 'argocd-cmd-params-cm'] as const;
const world = useWorld({
  settings: (namespace) =>
    settings.map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace } })),
});
const configure = (name: (typeof settings)[number], data: object | null): Promise<unknown> =>
  world.api.patch(configMapKind, world.controlNamespace, name, { data });
afterEach(async () => {
  for (const name of settings) await configure(name, null);
});

const one = { 'app/one.yaml': yaml(configMap('one', { a: '1' })) };
async function synced(
  files: Readonly<Record<string, string>> = one,
  overrides?: Parameters<Place['createApplication']>[0],
): Promise<Place> {
  const place = await world.place();
  await place.push(files);
  await place.createApplication(overrides);
  await place.synced();
  return place;
}
const gone = (place: Place, name: string): Promise<unknown> =>
  waitFor(`${name} to be gone`, async () => (await place.get(configMapKind, name)) === undefined);
async function createProject(name: string, spec: object): Promise<void> {
  await world.api.create({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name, namespace: world.controlNamespace },
    spec: { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }], ...spec },
  });
}

describe('kinds that are left alone', () => {
  it('resource.exclusions: left out with a warning; what was applied stays, and the rest goes on', async () => {
    const place = await synced({ ...one, 'app/web.yaml': yaml(service('web')) });
    const excluded = (cluster: string): object => ({
      'resource.exclusions': yaml([{ apiGroups: [''], kinds: ['Serv*'], clusters: [cluster] }]),
    });
    await configure('argocd-cm', excluded('https://elsewhere.example'));
    await place.synced(await place.pushAndHint({ 'app/two.yaml': yaml(service('two')) }));
    expect(await place.get('v1/Service', 'two')).toBeDefined();
    await configure('argocd-cm', excluded(server));
    await place.pushAndHint({
      'app/web.yaml': null,
      'app/three.yaml': yaml(service('three')),
      'app/more.yaml': yaml(configMap('more', { a: '1' })),
    });
    await place.condition(/three/, /ExcludedResourceWarning/);
    await waitFor('what is not excluded', () => place.get(configMapKind, 'more'));
    expect(await place.get('v1/Service', 'three')).toBeUndefined();
    expect(await place.get('v1/Service', 'web')).toBeDefined();
  });
  it('resource.inclusions: all others are left out; a list that cannot be read stops everything', async () => {
    const included = yaml([{ apiGroups: [''], kinds: ['ConfigMap'], clusters: ['*'] }]);
    await configure('argocd-cm', { 'resource.inclusions': included });
    const place = await world.place();
    await place.push({ ...one, 'app/web.yaml': yaml(service('web')) });
    await place.createApplication();
    await place.condition(/web/, /ExcludedResourceWarning/);
    await waitFor('the kind that is included', () => place.get(configMapKind, 'one'));
    expect(await place.get('v1/Service', 'web')).toBeUndefined();
    await configure('argocd-cm', { 'resource.inclusions': '- kinds: ConfigMap\n' });
    await place.condition(/resource\.inclusions .*InvalidCustomization/);
    await configure('argocd-cm', null);
    await place.synced();
    expect(await place.get('v1/Service', 'web')).toBeDefined();
  });
});

describe('how objects are marked', () => {
  const marks = async (place: Place, name = 'one'): Promise<readonly unknown[]> => {
    const { annotations = {}, labels = {} } = (await place.live(configMapKind, name)).metadata;
    return [
      annotations['argocd.argoproj.io/tracking-id'],
      labels['app.kubernetes.io/instance'],
      labels['example.com/part-of'],
    ];
  };
  it('resourceTrackingMethod and instanceLabelKey: marks follow, nothing is made anew, and removals take', async () => {
    const place = await synced();
    const { uid } = (await place.live(configMapKind, 'one')).metadata;
    const id = `${place.name}:/ConfigMap:${place.namespace}/one`;
    expect(await marks(place)).toEqual([id, undefined, undefined]);
    const becomes = (expected: readonly unknown[]): Promise<unknown> =>
      waitFor(
        `the marks ${JSON.stringify(expected)}`,
        async () => JSON.stringify(await marks(place)) === JSON.stringify(expected),
      );
    await configure('argocd-cm', { 'application.resourceTrackingMethod': 'annotation+label' });
    await becomes([id, place.name, undefined]);
    await configure('argocd-cm', {
      'application.resourceTrackingMethod': 'label',
      'application.instanceLabelKey': 'example.com/part-of',
    });
    await becomes([undefined, undefined, place.name]);
    await place.synced();
    expect((await place.live(configMapKind, 'one')).metadata.uid).toBe(uid);
    // The label alone says whose it is: another Application does not take it.
    const other = await world.place();
    await other.push({ 'app/one.yaml': yaml(configMap('one', { a: '2' }, { namespace: place.namespace })) });
    await other.createApplication();
    await other.condition(/belongs to/, /SharedResourceWarning/);
    await world.api.remove(applicationKind, world.controlNamespace, other.name);
    await place.pushAndHint({ 'app/one.yaml': null, 'app/two.yaml': yaml(configMap('two', { a: '1' })) });
    await gone(place, 'one');
    expect(await marks(place, 'two')).toEqual([undefined, undefined, place.name]);
  });
});

describe('operations', () => {
  it('controller.sync.timeout.seconds: a sync that waits longer has failed, and says for what it waited', async () => {
    await configure('argocd-cmd-params-cm', { 'controller.sync.timeout.seconds': '3' });
    const pod = writesAreCounted ? { nodeSelector: { 'example.com/none': 'such' } } : {};
    const web = deployment('web', { image: 'registry.example/web:does-not-exist', pod });
    const place = await world.place();
    const later = { annotations: { 'argocd.argoproj.io/sync-wave': '1' } };
    await place.push({
      'app/web.yaml': yaml(web),
      'app/later.yaml': yaml(configMap('later', { a: '1' }, later)),
    });
    await place.createApplication({ spec: { syncPolicy: {} } });
    const ended = await world.trueup('app', 'sync', place.name);
    expect(ended.code).toBe(1);
    const { operationState } = (await place.read()).status ?? {};
    expect(operationState).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(/Deployment .*web.*WaitTimeout/),
    });
    expect(await place.get(configMapKind, 'later')).toBeUndefined();
  });
});

describe('projects', () => {
  it('globalProjects: refused, for it would limit Applications; nothing is applied until it is taken out', async () => {
    const place = await synced();
    const selector = { labelSelector: { matchLabels: { tier: 'prod' } }, projectName: 'limits' };
    await configure('argocd-cm', { globalProjects: yaml([selector]) });
    await place.condition(/globalProjects of ConfigMap argocd-cm is not honoured yet/, /Unsupported/);
    const commit = await place.pushAndHint({ 'app/one.yaml': yaml(configMap('one', { a: '2' })) });
    await place.refresh();
    expect((await place.live(configMapKind, 'one'))['data']).toEqual({ a: '1' });
    await configure('argocd-cm', null);
    await place.synced(commit);
  });
  it('Applications in other namespaces: those that the installation and their project permit', async () => {
    const place = await world.place();
    const team = `${place.namespace}-team`;
    await world.createNamespace(team);
    await createProject('teams', { sourceNamespaces: ['nobody-*'] });
    await createProject('default', {});
    await place.push(one);
    const { metadata, ...rest } = place.application({ spec: { project: 'teams' } });
    await world.api.create({ ...rest, metadata: { ...(metadata as object), namespace: team } });
    const read = async (): Promise<Application | undefined> =>
      world.api.get(applicationKind, team, place.name);
    const says = (what: string, holds: (application: Application) => boolean): Promise<unknown> =>
      waitFor(
        what,
        async () => {
          const application = await read();
          return application !== undefined && holds(application);
        },
        { seen: async () => (await read())?.status },
      );
    const condition =
      (pattern: RegExp) =>
      ({ status }: Application): boolean =>
        status?.conditions?.some(({ message }) => pattern.test(message)) === true;
    // One beside it, that is looked at after it: nobody has looked at the other meanwhile.
    const beside = await synced();
    await beside.refresh();
    expect((await read())?.status).toBeUndefined();
    await configure('argocd-cmd-params-cm', { 'application.namespaces': `unheard, ${team.slice(0, -2)}*` });
    await says(
      'the project to deny it',
      condition(new RegExp(`does not permit Applications in namespace ${team}`)),
    );
    expect(await place.get(configMapKind, 'one')).toBeUndefined();
    await world.api.patch(projectKind, world.controlNamespace, 'teams', {
      spec: { sourceNamespaces: ['nobody-*', '*-team'] },
    });
    await says('it to be Synced', ({ status }) => status?.sync?.status === 'Synced');
    const { annotations } = (await place.live(configMapKind, 'one')).metadata;
    expect(annotations?.['argocd.argoproj.io/tracking-id']).toBe(
      `${team}_${place.name}:/ConfigMap:${place.namespace}/one`,
    );
    await world.api.remove(applicationKind, team, place.name);
  });
});

describe('sync windows', () => {
  const always = { schedule: '* * * * *', duration: '1h' };
  /** A window of two hours that has been open for ten minutes at least, by the clocks of Tokyo. */
  const openInTokyo = (): object => {
    const began = new Date(Date.now() + 9 * 3_600_000 - 600_000).getUTCHours();
    return { schedule: `0 ${began} * * *`, duration: '2h' };
  };
  const windows = (place: Place, ...syncWindows: readonly object[]): Promise<unknown> =>
    world.api.patch(projectKind, world.controlNamespace, place.name, { spec: { syncWindows } });
  async function begun(...syncWindows: readonly object[]): Promise<Place> {
    const place = await world.place();
    await createProject(place.name, { syncWindows });
    await place.push(one);
    await place.createApplication({ spec: { project: place.name } });
    return place;
  }
  const held = (place: Place, why: RegExp): Promise<string> => place.condition(why, /Waiting/);

  it('an allow window that is shut holds syncs back, until its time zone opens it', async () => {
    const window = { kind: 'allow', ...openInTokyo(), applications: ['*'] };
    const place = await begun(window);
    await held(place, /the allow window .*UTC.* allows syncs not before \d{4}-/);
    expect(await world.trueup('app', 'sync', place.name)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('allows syncs not before'),
    });
    expect(await place.get(configMapKind, 'one')).toBeUndefined();
    await windows(place, { ...window, timeZone: 'Asia/Tokyo' });
    await place.synced();
    // A deny window goes before it.
    await windows(
      place,
      { ...window, timeZone: 'Asia/Tokyo' },
      { kind: 'deny', ...always, applications: ['*'] },
    );
    const commit = await place.pushAndHint({ 'app/one.yaml': yaml(configMap('one', { a: '2' })) });
    await held(place, /the deny window .* denies syncs until/);
    await windows(place);
    await place.synced(commit);
  });
  it('manualSync: what a person asks for passes an allow window that is shut', async () => {
    const place = await begun({ kind: 'allow', ...openInTokyo(), applications: ['*'], manualSync: true });
    await held(place, /allows syncs not before/);
    expect(await world.trueup('app', 'sync', place.name)).toMatchObject({ code: 0 });
    expect(await place.get(configMapKind, 'one')).toBeDefined();
  });
  it('is for the applications, namespaces or clusters that it names; with andOperator, for what is all of them', async () => {
    const place = await begun();
    await place.synced();
    const elsewhere = {
      applications: ['other-*'],
      namespaces: ['elsewhere'],
      clusters: ['https://elsewhere.example'],
    };
    const matches: readonly Manifest[] = [
      { ...elsewhere, applications: [`${place.name.slice(0, -2)}*`] },
      { ...elsewhere, namespaces: [place.namespace] },
      { ...elsewhere, clusters: ['in-cluster'] },
      { clusters: [server] },
      { applications: [place.name], namespaces: [place.namespace], clusters: ['*'], andOperator: true },
    ];
    const misses: readonly Manifest[] = [
      {},
      elsewhere,
      { ...elsewhere, applications: [place.name], namespaces: [place.namespace], andOperator: true },
    ];
    let a = 1;
    for (const [index, names] of matches.entries()) {
      await windows(place, { kind: 'deny', ...always, ...names });
      a += 1;
      const commit = await place.pushAndHint({ 'app/one.yaml': yaml(configMap('one', { a: String(a) })) });
      await held(place, /denies syncs until/);
      expect((await place.live(configMapKind, 'one'))['data']).toEqual({ a: String(a - 1) });
      const miss = misses[index % misses.length] ?? {};
      await windows(place, { kind: 'deny', ...always, ...miss });
      await place.synced(commit);
    }
  });
});
