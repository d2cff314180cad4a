/** Charts that depend on charts of repositories, with what is fetched handed in. */
import { describe, expect, it } from 'vitest';
import type { RemoteSource } from '#model/rendered.ts';
import { dependenciesOf } from './dependencies.ts';
import { repositoryOf } from './repository.fixture.ts';

const chartYaml = (...dependencies: readonly string[]): string =>
  `apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n${dependencies.map((one) => `- ${one}\n`).join('')}`;
const redis = '{name: redis, version: 1.x, repository: "https://charts.example/stable/"}';
const common = '{name: common, version: ">=2", repository: "oci://registry.example/charts"}';

async function found(files: Readonly<Record<string, string>>): Promise<readonly RemoteSource[]> {
  const result = await dependenciesOf({ root: 'app', url: '', commit: '' }, repositoryOf(files));
  if (!result.ok) throw new Error(result.failure.message);
  return result.value.dependencies.map(({ remote }) => remote);
}

describe('what a chart depends on', () => {
  it('is asked for in the range, where nothing pins it', async () => {
    expect(await found({ 'app/Chart.yaml': chartYaml(redis, common) })).toEqual([
      { url: 'helm+https://charts.example/stable#redis', ref: '1.x' },
      { url: 'oci://registry.example/charts/common', ref: '>=2' },
    ]);
  });
  it('is asked for in the version of Chart.lock', async () => {
    const lock =
      'dependencies:\n- {name: redis, version: 1.4.2, repository: "https://charts.example/stable/"}\n';
    expect(await found({ 'app/Chart.yaml': chartYaml(redis), 'app/Chart.lock': lock })).toEqual([
      { url: 'helm+https://charts.example/stable#redis', ref: '1.4.2' },
    ]);
  });
  it.each([
    ['is in charts/ already', { 'app/charts/redis-1.2.0.tgz': 'x' }, redis],
    ['is unpacked in charts/', { 'app/charts/redis/Chart.yaml': 'x' }, redis],
    ['is in the repository', {}, '{name: redis, version: 1.x, repository: "file://../redis"}'],
    ['has an alias for a repository', {}, '{name: redis, version: 1.x, repository: "@stable"}'],
    [
      'has a name that is a path',
      {},
      '{name: "../redis", version: 1.x, repository: "https://charts.example"}',
    ],
  ])('is left alone where it %s', async (_, files, dependency) => {
    expect(await found({ 'app/Chart.yaml': chartYaml(dependency), ...files })).toEqual([]);
  });
});
