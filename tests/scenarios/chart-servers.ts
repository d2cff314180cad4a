/** A repository of charts and a registry, both with a login, and what Argo CD's users configure for them. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '#host/clock.ts';
import { loopbackCertificates } from '#host/certificates.ts';
import { startChartRepository, type ChartRepository } from '../registries/chart-repository.ts';
import { helm, packChart } from '../registries/helm.ts';
import { startRegistry, type Registry } from '../registries/registry.ts';
import type { World } from './world.ts';

/** The repository has chart `web` in 1.0.0 and 1.1.0, the registry has it in 1.0.0 below `charts`. */
export interface ChartServers {
  readonly charts: ChartRepository;
  readonly registry: Registry;
  /** Of `charts`, for another server that is to be trusted. */
  readonly tls: { readonly key: string; readonly cert: string };
  close(): Promise<unknown>;
}

export const login = { username: 'ada', password: 'correct horse' };

export async function startChartServers(world: World): Promise<ChartServers> {
  const home = path.join(world.directory, 'helm');
  const root = path.join(world.directory, 'charts');
  const registryRoot = path.join(world.directory, 'registry');
  await mkdir(home);
  await mkdir(registryRoot);
  for (const version of ['1.0.0', '1.1.0']) await packChart(home, 'web', version, root);
  await helm(home, 'repo', 'index', root);
  const { key, certificate, authority } = loopbackCertificates(systemClock);
  const tls = { key, cert: certificate };
  const charts = await startChartRepository({ root, tls, login });
  const registry = await startRegistry(registryRoot, login);
  const { host } = registry;
  const { username, password } = login;
  await helm(home, 'registry', 'login', host, '--plain-http', '-u', username, '-p', password);
  await helm(home, 'push', path.join(root, 'web-1.0.0.tgz'), `oci://${host}/charts`, '--plain-http');
  const namespace = world.controlNamespace;
  const repository = (name: string, data: object): object => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { 'argocd.argoproj.io/secret-type': 'repository' } },
    stringData: { type: 'helm', ...login, ...data },
  });
  for (const object of [
    repository('charts', { url: charts.url }),
    repository('registry', { url: `${host}/charts`, enableOCI: 'true' }),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-tls-certs-cm', namespace },
      data: { localhost: authority },
    },
  ])
    await world.api.create(object);
  return { charts, registry, tls, close: () => Promise.all([charts.close(), registry.close()]) };
}
