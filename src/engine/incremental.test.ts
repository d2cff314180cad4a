/** A commit renders those Units that read something which it changed, and no others. */
import { describe, expect, it } from 'vitest';
import { configMap, EngineWorld, filesOf, repository } from '../../tests/fakes/engine-world.ts';
import type { Files } from '../../tests/fakes/repositories.ts';

const source = (path: string, more: object = {}) => ({
  source: { repoURL: repository, path, targetRevision: 'main', ...more },
});
const fleet = (count: number): Files =>
  Object.assign(
    {
      'base/kustomization.yaml': 'resources: [configmap-base.yaml]\n',
      ...filesOf([configMap('base')], 'base'),
    },
    ...Array.from({ length: count }, (_, index) => ({
      [`apps/${index}/kustomization.yaml`]: `resources: [../../base]\nnamePrefix: a${index}-\n`,
    })),
  );

describe('of several Applications on one base', () => {
  it('a commit to one renders one, a commit to the base all, a commit elsewhere none', async () => {
    const world = new EngineWorld();
    await world.start();
    const files = fleet(5);
    await world.pushFiles(files);
    for (let index = 0; index < 5; index += 1)
      await world.create(world.application(`app-${index}`, source(`apps/${index}`)));
    expect(world.renders).toBe(5);
    expect(world.data('a3-base')).toEqual({ a: '1' });

    await world.pushFiles({ ...files, 'README.md': 'x', 'base/unused.yaml': 'x: 1\n' });
    expect(world.renders).toBe(5);

    const one = {
      ...files,
      'apps/3/kustomization.yaml': `${files['apps/3/kustomization.yaml']}nameSuffix: -z\n`,
    };
    await world.pushFiles(one);
    expect(world.renders).toBe(6);
    expect(world.data('a3-base-z')).toEqual({ a: '1' });

    await world.pushFiles({ ...one, ...filesOf([configMap('base', { a: '2' })], 'base') });
    expect(world.renders).toBe(11);
    expect(world.data('a0-base')).toEqual({ a: '2' });
    expect(world.errors).toEqual([]);
  });
  it('one that has the revision in its options is rendered at each commit, the others are not', async () => {
    const world = new EngineWorld();
    await world.start();
    const files = fleet(2);
    const first = await world.pushFiles(files);
    const kustomize = { commonLabels: { revision: 'r-$ARGOCD_APP_REVISION' } };
    await world.create(world.application('app-0', source('apps/0', { kustomize })));
    await world.create(world.application('app-1', source('apps/1')));
    const labels = (): unknown => world.cluster.get('ConfigMap', 'payments', 'a0-base')?.metadata.labels;
    expect(labels()).toMatchObject({ revision: `r-${first}` });
    expect(world.renders).toBe(2);
    const second = await world.pushFiles({ ...files, 'README.md': 'x' });
    expect(labels()).toMatchObject({ revision: `r-${second}` });
    expect(world.renders).toBe(3);
    const mark = world.mark;
    await world.advance(600_000);
    expect([world.renders, world.writesSince(mark)]).toEqual([3, []]);
  });
  it('what a commit concerns is looked for together, before the first of them is rendered', async () => {
    const world = new EngineWorld();
    await world.start();
    const files = fleet(5);
    await world.pushFiles(files);
    for (let index = 0; index < 5; index += 1)
      await world.create(world.application(`app-${index}`, source(`apps/${index}`)));
    const together: (readonly string[])[] = [];
    const trees = world.git.trees.bind(world.git);
    world.git.trees = (url, wanted) => {
      together.push(wanted.map(({ path }) => path));
      return trees(url, wanted);
    };
    const suffixed = Object.entries(files).map(([path, text]) => {
      const isMeant = /^apps\/[0-3]\//.test(path);
      return [path, isMeant ? `${text}nameSuffix: -z\n` : text];
    });
    await world.pushFiles(Object.fromEntries(suffixed));
    expect(world.data('a3-base-z')).toEqual({ a: '1' });
    expect(together.filter((paths) => paths.length > 1)).toEqual([['apps/0', 'apps/1', 'apps/2', 'apps/3']]);
  });
  it('nothing is rendered again after a restart, and everything that changed meanwhile is', async () => {
    const world = new EngineWorld();
    await world.start();
    const files = fleet(2);
    await world.pushFiles(files);
    await world.create(world.application('app-0', source('apps/0')));
    await world.create(world.application('app-1', source('apps/1')));
    const before = world.renders;
    const { prepared } = world;
    await world.restart();
    expect(world.renders).toBe(before);
    // Nor is the renderer made ready for it.
    expect([prepared, world.prepared]).toEqual([before, before]);
    world.crash();
    await world.pushFiles({ ...files, 'apps/1/kustomization.yml': 'x', README: 'x' });
    await world.start();
    // A second kustomization file: it was looked for and not there.
    expect(world.renders).toBe(before + 1);
    expect(world.condition('ComparisonError', 'app-1')).toMatch(/more than one kustomization/);
  });
  it('a file of values that appears is seen', async () => {
    const world = new EngineWorld();
    await world.start();
    const chart: Files = {
      'chart/Chart.yaml': 'apiVersion: v2\nname: c\nversion: 1.0.0\n',
      'chart/templates/map.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: payments}\ndata: {a: {{ .Values.a | default "none" | quote }}}\n',
    };
    await world.pushFiles(chart);
    const helm = { valueFiles: ['/env/prod.yaml'], ignoreMissingValueFiles: true };
    await world.create(world.application('web', source('chart', { helm })));
    expect(world.data('m')).toEqual({ a: 'none' });
    await world.pushFiles({ ...chart, 'env/other.yaml': 'a: no\n' });
    expect(world.renders).toBe(1);
    await world.pushFiles({ ...chart, 'env/prod.yaml': 'a: "yes"\n' });
    expect(world.data('m')).toEqual({ a: 'yes' });
    expect(world.renders).toBe(2);
  });
  it('an integer beyond 2^53 arrives with every digit', async () => {
    const world = new EngineWorld();
    await world.start();
    await world.pushFiles({
      'app/a.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: big, namespace: payments}\ndata: {a: "1"}\nbig: 9007199254740993\n',
    });
    await world.create(world.application());
    expect(world.cluster.get('ConfigMap', 'payments', 'big')?.['big']).toBe(9007199254740993n);
    expect(world.errors).toEqual([]);
  });
});
