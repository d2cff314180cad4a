/** Health as people customise it: Lua in `argocd-cm`, followed while Trueup runs; and actions. */
import { beforeAll, describe, expect, it } from 'vitest';
import { configMap, yaml } from './manifests.ts';
import { applicationKind, useWorld, waitFor, type Place } from './world.ts';

const configMapKind = 'v1/ConfigMap';
const healthKey = 'resource.customizations.health.health.example.com_Widget';
const checked = `
local hs = { status = "Progressing", message = "Waiting for the widget" }
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == "Working" then
      hs.status = condition.status == "True" and "Healthy" or "Degraded"
      hs.message = condition.message
    end
  end
end
return hs
`;
const actions = `
discovery.lua: |
  local actions = {}
  actions["loud"] = { ["disabled"] = obj.data.mode == "loud" }
  actions["copy"] = {}
  actions["forbidden"] = {}
  return actions
definitions:
- name: loud
  action.lua: |
    obj.data.mode = "loud"
    return obj
- name: copy
  action.lua: |
    local copy = { apiVersion = "v1", kind = "ConfigMap", data = obj.data }
    copy.metadata = { name = obj.metadata.name .. "-copy", namespace = obj.metadata.namespace }
    return { { operation = "create", resource = copy } }
- name: forbidden
  action.lua: |
    local role = { apiVersion = "rbac.authorization.k8s.io/v1", kind = "ClusterRole" }
    role.metadata = { name = "from-an-action" }
    return { { operation = "create", resource = role } }
`;

const world = useWorld({
  settings: (namespace) => [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cm', namespace },
      data: { [healthKey]: checked, 'resource.customizations.actions.ConfigMap': actions },
    },
    {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'narrow', namespace },
      spec: { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }] },
    },
  ],
});
const widgetKind = 'health.example.com/v1/Widget';

beforeAll(async () => {
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.health.example.com' },
    spec: {
      group: 'health.example.com',
      names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  };
  await world.api.create(definition);
  await waitFor('the kind Widget', () => world.api.list(widgetKind, 'default'));
});

const widget = {
  apiVersion: 'health.example.com/v1',
  kind: 'Widget',
  metadata: { name: 'w' },
  spec: { size: 1 },
};

async function widgetPlace(manifest: object = widget): Promise<Place> {
  const place = await world.place();
  await place.push({ 'app/widget.yaml': yaml(manifest) });
  await place.createApplication();
  await place.synced();
  return place;
}
const says = (place: Place, status: string, message: RegExp) =>
  place.waitForApplication(
    `to be ${status} (${message})`,
    ({ status: now }) =>
      now?.health?.status === status && (status === 'Healthy' || message.test(now.health.message ?? '')),
  );
const report = (place: Place, status: string, message: string) =>
  world.api.patch(
    widgetKind,
    place.namespace,
    'w',
    { status: { conditions: [{ type: 'Working', status, message }] } },
    { subresource: 'status' },
  );
const configure = (data: Readonly<Record<string, string | null>>) =>
  world.api.patch(configMapKind, world.controlNamespace, 'argocd-cm', { data });

describe('a health check in Lua', () => {
  it('decides about a kind that nobody else knows', async () => {
    const place = await widgetPlace();
    await says(place, 'Progressing', /Widget .*w.*Waiting for the widget/);
    await report(place, 'False', 'the belt is torn');
    await says(place, 'Degraded', /the belt is torn/);
    await report(place, 'True', 'it runs');
    await says(place, 'Healthy', /^/);
  });

  it('is followed while Trueup runs, and a script that fails or does not end is Unknown (F23)', async () => {
    const place = await widgetPlace();
    await report(place, 'True', 'it runs');
    await says(place, 'Healthy', /^/);
    try {
      await configure({ [healthKey]: 'return { status = "Suspended", message = "on holiday" }' });
      await says(place, 'Suspended', /on holiday/);
      await configure({ [healthKey]: 'local hs = {}\nhs.status = obj.nothing.at.all\nreturn hs' });
      await says(
        place,
        'Unknown',
        /argocd-cm, resource\.customizations\.health\.health\.example\.com_Widget, line 2/,
      );
      await configure({ [healthKey]: 'while true do end' });
      await says(place, 'Unknown', /stopped/);
      await configure({ [healthKey]: null });
      await says(place, 'Healthy', /^/);
    } finally {
      await configure({ [healthKey]: checked });
    }
    await says(place, 'Healthy', /^/);
  });

  it('does not count for an object that is annotated', async () => {
    const annotations = { 'argocd.argoproj.io/ignore-healthcheck': 'true' };
    const place = await widgetPlace({ ...widget, metadata: { name: 'w', annotations } });
    await report(place, 'False', 'the belt is torn');
    await says(place, 'Healthy', /^/);
  });

  it('that cannot be read holds everything up, and says where', async () => {
    const place = await widgetPlace();
    try {
      await configure({ 'resource.customizations': 'x/Y: [' });
      await place.condition(/resource\.customizations of ConfigMap argocd-cm cannot be read \(line \d+/);
    } finally {
      await configure({ 'resource.customizations': null });
    }
    await place.waitForApplication(
      'to go on',
      ({ status }) => status?.conditions?.some(({ message }) => /cannot be read/.test(message)) !== true,
    );
  });
});

describe('an application of applications', () => {
  it("takes its children's health only where that is customised", async () => {
    const child = await widgetPlace();
    const parent = await world.place();
    await report(child, 'False', 'the belt is torn');
    await says(child, 'Degraded', /torn/);
    const { spec } = child.application();
    const below = child.application({
      metadata: { name: `${child.name}-below`, namespace: world.controlNamespace },
      spec: { ...(spec as object), syncPolicy: {} },
    });
    await parent.push({ 'app/child.yaml': yaml(below) });
    await parent.createApplication();
    await says(parent, 'Healthy', /^/);
    const key = 'resource.customizations.health.argoproj.io_Application';
    try {
      await configure({ [key]: 'return { status = "Degraded", message = "a child is ill" }' });
      await says(parent, 'Degraded', /a child is ill/);
    } finally {
      await configure({ [key]: null });
    }
    await says(parent, 'Healthy', /^/);
    await world.api.remove(applicationKind, world.controlNamespace, `${child.name}-below`);
  });
});

describe('actions', () => {
  it('are listed as they are now, and run', async () => {
    const place = await world.place();
    await place.push({ 'app/settings.yaml': yaml(configMap('settings', { mode: 'calm' })) });
    await place.createApplication({
      spec: { syncPolicy: { automated: { selfHeal: false } }, project: 'narrow' },
    });
    await place.synced();
    const listed = await world.trueup('app', 'actions', 'list', place.name, '-o', 'json');
    expect(listed.code, listed.stderr).toBe(0);
    expect(JSON.parse(listed.stdout)).toMatchObject([
      { object: { kind: 'ConfigMap', name: 'settings' }, name: 'copy', disabled: false },
      { name: 'forbidden', disabled: false },
      { name: 'loud', disabled: false },
    ]);
    const run = (action: string) =>
      world.trueup('app', 'actions', 'run', place.name, action, '--kind', 'ConfigMap');
    const loud = await run('loud');
    expect(loud.stdout, loud.stderr).toMatch(/ConfigMap .*settings: patched/);
    expect((await place.live(configMapKind, 'settings'))['data'].mode).toBe('loud');
    expect((await run('copy')).stdout).toMatch(/settings-copy: created/);
    expect((await place.live(configMapKind, 'settings-copy'))['data']).toEqual({ mode: 'loud' });

    const again = await run('loud');
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/disabled at present/)]);
    const forbidden = await run('forbidden');
    expect([forbidden.code, forbidden.stderr]).toEqual([5, expect.stringMatching(/ProjectDenies/)]);
    const unknown = await run('nothing');
    expect([unknown.code, unknown.stderr]).toEqual([
      64,
      expect.stringMatching(/there are: copy, forbidden, loud/),
    ]);
  });
});
