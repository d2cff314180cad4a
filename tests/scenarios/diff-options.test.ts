/**
 * What counts as a difference, as Applications, objects and the installation say: every form of rule, compare options, and
 * what is shown of Secrets.
 */
import { describe, expect, it } from 'vitest';
import { configMap, deployment, yaml, type Manifest } from './manifests.ts';
import { useWorld, waitFor, type Place } from './world.ts';

const customized = 'resource.customizations.ignoreDifferences';
const canary = 'canary-4711';
const world = useWorld({
  settings: (namespace) => [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cm', namespace },
      data: {
        [`${customized}.all`]: 'managedFieldsManagers: [tuner]\njsonPointers: [/data/anywhere]\n',
        [`${customized}.apps_Deployment`]:
          'jsonPointers: [/spec/minReadySeconds]\njqPathExpressions: [.spec.template.spec.terminationGracePeriodSeconds]\n',
        [`${customized}.LimitRange`]: 'managedFieldsManagers: [quota-keeper]\n',
        'resource.compareoptions': 'ignoreAggregatedRoles: true\n',
        'resource.sensitive.mask.annotations': 'example.com/token, api-key',
      },
    },
  ],
});

const configMapKind = 'v1/ConfigMap';
const deploymentKind = 'apps/v1/Deployment';
const compareOptions = (value: string): object => ({
  annotations: { 'argocd.argoproj.io/compare-options': value },
});
const data = async (place: Place, name: string): Promise<unknown> =>
  (await place.live(configMapKind, name))['data'];
const setData = (place: Place, name: string, values: object, manager?: string): Promise<unknown> =>
  world.api.patch(configMapKind, place.namespace, name, { data: values }, manager ? { manager } : {});

async function synced(
  files: Readonly<Record<string, string>>,
  overrides?: Parameters<Place['createApplication']>[0],
): Promise<Place> {
  const place = await world.place();
  await place.push(files);
  await place.createApplication(overrides);
  await place.synced();
  return place;
}
/** All that is to be healed is healed by then, for it was changed last. */
async function healedAfter(place: Place, name: string): Promise<void> {
  await setData(place, name, { own: 'theirs' });
  await waitFor(`${name} to be healed`, async () => {
    const { own } = (await data(place, name)) as { own?: string };
    return own === '1';
  });
  await place.refresh();
  await place.synced();
}

describe('ignoreDifferences of the Application', () => {
  it('by JSON pointer, jq path and manager, of the objects that a rule names', async () => {
    const names = ['pointer', 'jq', 'manager', 'counts'];
    const label = 'example.com/tier';
    const ignoreDifferences = [
      { kind: 'ConfigMap', name: 'pointer', jsonPointers: ['/metadata/labels/example.com~1tier'] },
      { kind: 'Config*', name: 'jq', jqPathExpressions: ['.data["with.dot"]'] },
      { group: '*', kind: 'ConfigMap', name: 'manager', managedFieldsManagers: ['keeper', 'other'] },
      { kind: 'ConfigMap', name: 'counts', namespace: 'elsewhere', jsonPointers: ['/data'] },
      { group: 'apps', kind: '*', jsonPointers: ['/data'] },
    ];
    const syncPolicy = { automated: { prune: true, selfHeal: true } };
    const own = { own: '1', 'with.dot': '1' };
    const files = Object.fromEntries(names.map((name) => [`app/${name}.yaml`, yaml(configMap(name, own))]));
    files['app/pointer.yaml'] = yaml(configMap('pointer', own, { labels: { [label]: 'a' } }));
    const place = await synced(files, { spec: { ignoreDifferences, syncPolicy } });
    await world.api.patch(configMapKind, place.namespace, 'pointer', {
      metadata: { labels: { [label]: 'b' } },
    });
    await setData(place, 'jq', { 'with.dot': 'theirs' });
    await setData(place, 'manager', { 'with.dot': 'theirs' }, 'keeper');
    await setData(place, 'counts', { 'with.dot': 'theirs' }, 'keeper');
    await healedAfter(place, 'counts');
    expect(await data(place, 'counts')).toEqual(own);
    expect((await place.live(configMapKind, 'pointer')).metadata.labels?.[label]).toBe('b');
    expect(await data(place, 'jq')).toEqual({ own: '1', 'with.dot': 'theirs' });
    expect(await data(place, 'manager')).toEqual({ own: '1', 'with.dot': 'theirs' });
    const diff = await world.trueup('app', 'diff', place.name);
    expect(diff).toMatchObject({ code: 0, stdout: '' });
    // What is not ignored of the same object is healed, and as Git says whole, as in Argo CD.
    await healedAfter(place, 'manager');
    expect(await data(place, 'manager')).toEqual(own);
  });
});

describe('ignoreDifferences of the installation', () => {
  it('of all kinds, of a kind of a group, and of one of the core group: by each form', async () => {
    const { spec, ...rest } = deployment('web', { pod: { terminationGracePeriodSeconds: 5 } });
    const pods = (cpu: string): object => ({ limits: [{ type: 'Pod', max: { cpu } }] });
    const limits = (name: string): string =>
      yaml({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name }, spec: pods('2') });
    const place = await synced({
      'app/web.yaml': yaml({ ...rest, spec: { ...(spec as Manifest), minReadySeconds: 1 } }),
      'app/kept.yaml': limits('kept'),
      'app/healed.yaml': limits('healed'),
      'app/one.yaml': yaml(configMap('one', { own: '1', anywhere: '1' })),
      'app/two.yaml': yaml(configMap('two', { own: '1', anywhere: '1' })),
    });
    const patch = (kind: string, name: string, change: object, manager: string): Promise<unknown> =>
      world.api.patch(kind, place.namespace, name, change, { manager });
    await patch(
      deploymentKind,
      'web',
      { spec: { minReadySeconds: 7, template: { spec: { terminationGracePeriodSeconds: 9 } } } },
      'scenario',
    );
    await patch('v1/LimitRange', 'kept', { spec: pods('3') }, 'quota-keeper');
    await patch('v1/LimitRange', 'healed', { spec: pods('3') }, 'somebody');
    await setData(place, 'one', { anywhere: 'theirs' });
    await setData(place, 'one', { own: 'tuned' }, 'tuner');
    await healedAfter(place, 'two');
    expect((await place.live(deploymentKind, 'web'))['spec']).toMatchObject({
      minReadySeconds: 7,
      template: { spec: { terminationGracePeriodSeconds: 9 } },
    });
    const cpu = async (name: string): Promise<unknown> =>
      (await place.live('v1/LimitRange', name))['spec'].limits[0].max.cpu;
    expect([await cpu('kept'), await cpu('healed')]).toEqual(['3', '2']);
    expect(await data(place, 'one')).toEqual({ own: 'tuned', anywhere: 'theirs' });
  });

  it('ignoreAggregatedRoles: rules that a controller fills in are its own', async () => {
    const place = await world.place();
    const role = (suffix: string, more: object): object => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: `${place.name}-${suffix}` },
      ...more,
    });
    const rule = (resource: string): object => ({ apiGroups: [''], resources: [resource], verbs: ['get'] });
    const selector = { matchLabels: { [`example.com/${place.name}`]: 'true' } };
    const kind = 'rbac.authorization.k8s.io/v1/ClusterRole';
    const rulesOf = async (suffix: string): Promise<unknown> =>
      (await world.api.get(kind, '', `${place.name}-${suffix}`))?.['rules'];
    await place.push({
      'app/sum.yaml': yaml(
        role('sum', { aggregationRule: { clusterRoleSelectors: [selector] }, rules: [rule('pods')] }),
      ),
      'app/plain.yaml': yaml(role('plain', { rules: [rule('pods')] })),
    });
    await place.createApplication();
    await place.synced();
    // Where there is no such controller, this is it.
    const fill = (suffix: string): Promise<unknown> =>
      world.api.patch(kind, '', `${place.name}-${suffix}`, { rules: [rule('secrets')] });
    await fill('sum');
    await fill('plain');
    await waitFor('the other role to be healed', async () =>
      JSON.stringify(await rulesOf('plain')).includes('pods'),
    );
    await place.refresh();
    await place.synced();
    expect(JSON.stringify(await rulesOf('sum'))).not.toContain('pods');
  });

  it('ignoreResourceStatusField: a status in Git does not count, unless the installation says none', async () => {
    const group = `${world.id}.example.com`;
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `gauges.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { kind: 'Gauge', plural: 'gauges', singular: 'gauge', listKind: 'GaugeList' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
      // As generators leave it.
      status: { acceptedNames: { kind: '', plural: '' }, conditions: [], storedVersions: [] },
    };
    const gauge = { apiVersion: `${group}/v1`, kind: 'Gauge', metadata: { name: 'g' } };
    const kind = `${group}/v1/Gauge`;
    await world.api.create(definition);
    await waitFor('the kind Gauge', () => world.api.list(kind, 'default'));
    const place = await synced({
      'app/definition.yaml': yaml(definition),
      'app/gauge.yaml': yaml({ ...gauge, spec: { size: 1 }, status: { phase: 'Pending' } }),
      'app/one.yaml': yaml(configMap('one', { own: '1' })),
    });
    const phase = async (): Promise<unknown> => (await place.live(kind, 'g'))['status'].phase;
    await world.api.patch(kind, place.namespace, 'g', { status: { phase: 'Up' } }, { manager: 'gauges' });
    await healedAfter(place, 'one');
    expect(await phase()).toBe('Up');
    const say = (text: string): Promise<unknown> =>
      world.api.patch(configMapKind, world.controlNamespace, 'argocd-cm', {
        data: { 'resource.compareoptions': text },
      });
    await say('ignoreAggregatedRoles: true\nignoreResourceStatusField: none\n');
    await waitFor('the status to be healed', async () => (await phase()) === 'Pending');
    await say('ignoreAggregatedRoles: true\n');
    await world.api.remove('argoproj.io/v1alpha1/Application', world.controlNamespace, place.name);
    await world.api.remove('apiextensions.k8s.io/v1/CustomResourceDefinition', '', definition.metadata.name);
  });
});

describe('compare options', () => {
  it('IgnoreExtraneous: nothing is out of sync for what Git does not have, and the next sync prunes it', async () => {
    const place = await synced(
      {
        'app/one.yaml': yaml(configMap('one', { own: '1' })),
        'app/extra.yaml': yaml(configMap('extra', { own: '1' }, compareOptions('IgnoreExtraneous'))),
        'app/other.yaml': yaml(configMap('other', { own: '1' })),
      },
      { spec: { syncPolicy: { automated: {} } } },
    );
    const without = await place.pushAndHint({ 'app/extra.yaml': null });
    await place.synced(without);
    expect(await data(place, 'extra')).toEqual({ own: '1' });
    await place.pushAndHint({ 'app/other.yaml': null });
    await place.waitForApplication(
      'to be OutOfSync for the other',
      ({ status }) => status?.sync?.status === 'OutOfSync',
    );
    expect(await world.trueup('app', 'sync', place.name, '--prune')).toMatchObject({ code: 0 });
    expect(await place.get(configMapKind, 'extra')).toBeUndefined();
  });

  it('ServerSideDiff and IncludeMutationWebhook: passed over, and said where it matters', async () => {
    const asked = 'ServerSideDiff=false,IncludeMutationWebhook=true';
    const place = await synced(
      { 'app/one.yaml': yaml(configMap('one', { own: '1' }, compareOptions(asked))) },
      { metadata: compareOptions(asked) },
    );
    const said = await place.condition(/ServerSideDiff=false/, /Warning/);
    for (const option of asked.split(','))
      expect(said.match(new RegExp(`"${option}" has no effect`, 'g')), said).toHaveLength(2);
    const usual = compareOptions('ServerSideDiff=true,IncludeMutationWebhook=false');
    await place.change({ metadata: usual });
    await place.synced(
      await place.pushAndHint({ 'app/one.yaml': yaml(configMap('one', { own: '1' }, usual)) }),
    );
    await place.waitForApplication(
      'to have no warning',
      ({ status }) => status?.conditions?.some(({ type }) => type === 'Warning') !== true,
    );
  });
});

describe('Secrets', () => {
  it('no value of one is shown, and of the annotations that the installation names none either (S14)', async () => {
    const secret = (value: string): string =>
      yaml({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: 'word',
          annotations: { 'example.com/token': value, 'api-key': value, plain: `plain-${value.length}` },
        },
        stringData: { word: value },
      });
    const place = await synced(
      { 'app/word.yaml': secret(canary) },
      { spec: { syncPolicy: { automated: {} } } },
    );
    // What somebody else wrote, and what Git says next.
    await world.api.patch('v1/Secret', place.namespace, 'word', {
      metadata: { annotations: { 'api-key': `${canary}-theirs`, plain: 'theirs' } },
      stringData: { word: `${canary}-theirs` },
    });
    await place.condition(/\.metadata\.annotations\.plain/, /Drift/);
    await place.change({ spec: { syncPolicy: null } });
    const commit = await place.pushAndHint({ 'app/word.yaml': secret(`${canary}-next`) });
    await place.waitForApplication(
      'to see the commit',
      ({ status }) => status?.sync?.revision === commit && status.sync.status === 'OutOfSync',
    );
    const shown = await Promise.all([
      world.trueup('app', 'diff', place.name),
      world.trueup('app', 'diff', place.name, '-o', 'json'),
      world.trueup('plan', '--app', place.name, '-o', 'json'),
      world.trueup('app', 'manifests', place.name),
      world.trueup('app', 'history', place.name),
      world.trueup('app', 'sync', place.name, '--dry-run'),
    ]);
    for (const { stdout, stderr } of shown) {
      expect(`${stdout}${stderr}`).not.toContain(canary);
      expect(`${stdout}${stderr}`).not.toContain(Buffer.from(canary).toString('base64').slice(0, 12));
    }
    expect(shown[0]?.stdout).toMatch(/\.metadata\.annotations\["example\.com\/token"\] +secret +changed/);
    expect(shown[0]?.stdout).toContain('plain-16');
    expect(shown[3]?.stdout).toMatch(/api-key: "\++"/);
    expect(JSON.stringify(await place.read())).not.toContain(canary);
    expect(await world.log()).not.toContain(canary);
    expect(await world.trueup('app', 'sync', place.name)).toMatchObject({ code: 0 });
    const { annotations } = (await place.live('v1/Secret', 'word')).metadata;
    expect(annotations).toMatchObject({ 'example.com/token': `${canary}-next`, 'api-key': `${canary}-next` });
    const history = await world.trueup('app', 'history', place.name, '-o', 'json');
    expect(`${history.stdout}${history.stderr}`).not.toContain(canary);
  });
});
