/** The connections to the API server fall silent without ending, as behind a firewall that forgot them (F5). */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { configMap, yaml } from '../scenarios/manifests.ts';
import { useWorld, waitFor } from '../scenarios/world.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

let proxy: TcpProxy;
const world = useWorld({
  controlPlane: { flags: ['-no-scheduler', '-no-kwok', '-no-controllers'] },
  kubeconfig: async ({ kubeconfig, controlPlane, directory }) => {
    proxy = await startTcpProxy(controlPlane.port);
    const through = join(directory, 'through-proxy.kubeconfig');
    const text = await readFile(kubeconfig, 'utf8');
    await writeFile(through, text.replace(`:${controlPlane.port}`, `:${proxy.port}`));
    return through;
  },
});
afterAll(() => proxy?.close());

it('watches that hang are found out, and what they missed is caught up on (F5)', async () => {
  const place = await world.place();
  await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: '1' })) });
  await place.createApplication();
  await place.synced();
  expect(proxy.silence()).toBeGreaterThan(2);
  await world.api.patch('v1/ConfigMap', place.namespace, 'settings', { data: { value: 'drifted' } });
  await waitFor(
    'the drift to be healed',
    async () => (await place.live('v1/ConfigMap', 'settings'))['data'].value === '1',
    { timeoutMs: 110_000 },
  );
}, 120_000);
