/** Differences that people say do not count, by jq. */
import { describe, expect, it } from 'vitest';
import { configMap, deployment, yaml, type Manifest } from './manifests.ts';
import { useWorld, waitFor, type Place } from './world.ts';

const everywhere = 'resource.customizations.ignoreDifferences.all';
const ofConfigMaps = 'resource.customizations.ignoreDifferences.ConfigMap';
const world = useWorld({
  settings: (namespace) => [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cm', namespace },
      data: {
        [everywhere]:
          'jqPathExpressions:\n  - .metadata.annotations | with_entries(select(.key | test("x")))\n',
        [ofConfigMaps]: 'jqPathExpressions:\n  - .data["by-others"]\n',
        'resource.customizations':
          'apps/Deployment:\n  ignoreDifferences: |\n    jqPathExpressions: [.spec.minReadySeconds]\n',
      },
    },
  ],
});
const kind = 'apps/v1/Deployment';
const containers = (...images: readonly string[]): object => ({
  containers: images.map((image, index) => ({ name: index === 0 ? 'web' : 'proxy', image })),
});
function web(replicas: number): string {
  const pod = containers('registry.example/web:1', 'registry.example/proxy:1');
  const { spec, ...rest } = deployment('web', { replicas, pod });
  return yaml({ ...rest, spec: { ...(spec as Manifest), minReadySeconds: 1 } });
}
const proxyOnly = {
  group: 'apps',
  kind: 'Deployment',
  jqPathExpressions: ['.spec.template.spec.containers[] | select(.name == "proxy") | .image'],
};
const specOf = (...syncOptions: readonly string[]): Manifest => ({
  ignoreDifferences: [proxyOnly],
  syncPolicy: { automated: { selfHeal: true, prune: true }, syncOptions },
});
async function begun(spec: Manifest): Promise<Place> {
  const place = await world.place();
  await place.push({
    'app/web.yaml': web(1),
    'app/settings.yaml': yaml(configMap('settings', { own: '1', 'by-others': '1', shared: '1' })),
  });
  await place.createApplication({ spec });
  await place.synced();
  return place;
}
const images = async (place: Place): Promise<readonly string[]> =>
  (await place.live(kind, 'web'))['spec'].template.spec.containers.map(
    ({ image }: { readonly image: string }) => image,
  );
const setImage = (place: Place, name: string, image: string): Promise<unknown> =>
  world.kubectl('set', 'image', 'deployment/web', `${name}=${image}`, '-n', place.namespace);

describe('jq paths', () => {
  it('of the Application: what they lead to stays, anything else is healed', async () => {
    const place = await begun(specOf());
    await setImage(place, 'proxy', 'registry.example/proxy:other');
    await setImage(place, 'web', 'registry.example/web:other');
    await waitFor('the other image to be healed', async () => (await images(place))[0]?.endsWith('web:1'));
    await place.synced();
    await setImage(place, 'proxy', 'registry.example/proxy:again');
    await place.refresh();
    await place.synced();
    expect(await images(place)).toEqual(['registry.example/web:1', 'registry.example/proxy:again']);
  });
  it('RespectIgnoreDifferences: a commit to the same object leaves it', async () => {
    const place = await begun(specOf('RespectIgnoreDifferences=true'));
    await setImage(place, 'proxy', 'registry.example/proxy:other');
    const commit = await place.pushAndHint({ 'app/web.yaml': web(2) });
    await place.synced(commit);
    expect((await place.live(kind, 'web'))['spec'].replicas).toBe(2);
    expect(await images(place)).toEqual(['registry.example/web:1', 'registry.example/proxy:other']);
  });
  it('of the installation, in both forms', async () => {
    const place = await begun(specOf());
    const patch = (of: string, name: string, change: object): Promise<unknown> =>
      world.api.patch(of, place.namespace, name, change);
    await patch('v1/ConfigMap', 'settings', { data: { 'by-others': '2', shared: '2' } });
    await patch(kind, 'web', { spec: { minReadySeconds: 7 } });
    await place.refresh();
    await place.synced();
    await patch('v1/ConfigMap', 'settings', { data: { 'by-others': '3', own: '2' } });
    await waitFor('its own value to be healed', async () => {
      const { own } = (await place.live('v1/ConfigMap', 'settings'))['data'] as { own: string };
      return own === '1';
    });
    const { data } = await place.live('v1/ConfigMap', 'settings');
    expect(data).toEqual({ own: '1', 'by-others': '1', shared: '1' });
    expect((await place.live(kind, 'web'))['spec'].minReadySeconds).toBe(7);
  });
  it('one that is no program stops its own Application, and no other (F23)', async () => {
    const [good, bad] = [await begun(specOf()), await begun(specOf())];
    await bad.change({
      spec: { ignoreDifferences: [{ ...proxyOnly, jqPathExpressions: ['.spec.template['] }] },
    });
    await bad.condition(
      /jqPathExpressions: the jq path "\.spec\.template\[".*JqPathFailed/,
      /ComparisonError/,
    );
    const commit = await good.pushAndHint({ 'app/web.yaml': web(2) });
    await good.synced(commit);
    await bad.change({ spec: { ignoreDifferences: [proxyOnly] } });
    await bad.synced();
  });
  it('one that does not end is stopped (F23)', async () => {
    const place = await begun(specOf());
    await place.change({
      spec: { ignoreDifferences: [{ ...proxyOnly, jqPathExpressions: ['.spec | until(false; .)'] }] },
    });
    await setImage(place, 'web', 'registry.example/web:other');
    await place.condition(/was not evaluated: .*JqPathFailed/, /ComparisonError/);
    expect((await images(place))[0]).toBe('registry.example/web:other');
  });
});
