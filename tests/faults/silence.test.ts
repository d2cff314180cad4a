/** The connections to the API server fall silent without ending, as behind a firewall that forgot them (F5). */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { configMap, yaml } from '../scenarios/manifests.ts';
import { useWorld, waitFor } from '../scenarios/world.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

let proxy: TcpProxy;
const world = useWorld({
  kubeconfig: async ({ kubeconfig, directory }) => {
    const text = await readFile(kubeconfig, 'utf8');
    const port = /https:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1] ?? '';
    proxy = await startTcpProxy(Number(port));
    const through = join(directory, 'through-proxy.kubeconfig');
    await writeFile(through, text.replace(`127.0.0.1:${port}`, `127.0.0.1:${proxy.port}`));
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
