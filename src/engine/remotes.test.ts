/** Repositories that a Unit's files name are followed like its own sources. */
import { describe, expect, it } from 'vitest';
import { EngineWorld, repository } from '../../tests/fakes/engine-world.ts';
import type { Files } from '../../tests/fakes/repositories.ts';

const bases = 'https://git.example/acme/bases';
const pollMs = 30_000;
const baseFiles = (a: string, more: Files = {}): Files => ({
  'web/kustomization.yaml': 'resources: [map.yaml]\n',
  'web/map.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: payments}\ndata: {a: "${a}"}\n`,
  ...more,
});
const app = (ref = 'main', prefix = ''): Files => ({
  [`app${prefix}/kustomization.yaml`]: `namePrefix: "${prefix}"\nresources:\n- ${bases}//web?ref=${ref}\n`,
});
const project = (sourceRepos: readonly string[]) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'AppProject',
  metadata: { name: 'default', namespace: 'argocd' },
  spec: {
    sourceRepos,
    destinations: [{ server: '*', namespace: '*' }],
    namespaceResourceWhitelist: [{ group: '*', kind: '*' }],
  },
});

async function worldWith(files: Files = app()): Promise<EngineWorld> {
  const world = new EngineWorld();
  world.git.push(bases, baseFiles('1'));
  await world.start();
  await world.pushFiles(files);
  return world;
}
const fetchesOf = ({ git }: EngineWorld): number =>
  git.calls.filter((call) => call === `fetch ${bases}`).length;

describe('a Unit with a remote base', () => {
  it('is rendered again when its branch moves what was read, and not for anything else', async () => {
    const world = await worldWith();
    await world.create(world.application());
    expect(world.data('web')).toEqual({ a: '1' });
    expect([world.renders, fetchesOf(world)]).toEqual([1, 1]);

    world.git.push(bases, baseFiles('1', { 'README.md': 'x' }));
    await world.advance(2 * pollMs);
    expect(world.renders).toBe(1);

    world.git.push(bases, baseFiles('2'));
    await world.advance(2 * pollMs);
    expect(world.data('web')).toEqual({ a: '2' });
    expect(world.renders).toBe(2);
    expect(world.errors).toEqual([]);
  });

  it('is told of a push by a webhook, and by a refresh', async () => {
    const world = await worldWith();
    await world.create(world.application());
    world.git.push(bases, baseFiles('2'));
    await world.hint();
    expect(world.data('web')).toEqual({ a: '2' });
    world.git.push(bases, baseFiles('3'));
    await world.refresh();
    expect(world.data('web')).toEqual({ a: '3' });
  });

  it('shares the fetch with others, and polls no longer what nobody names', async () => {
    const world = await worldWith({ ...app('main', 'a-'), ...app('main', 'b-') });
    for (const name of ['a', 'b'])
      await world.create(
        world.application(name, {
          source: { repoURL: repository, path: `app${name}-`, targetRevision: 'main' },
        }),
      );
    expect(world.data('b-web')).toEqual({ a: '1' });
    expect(fetchesOf(world)).toBe(1);
    await world.pushFiles({
      ...baseFiles('3'),
      'appa-/kustomization.yaml': 'resources: [../web]\n',
      'appb-/kustomization.yaml': 'resources: [../web]\nnamePrefix: b-\n',
    });
    expect(world.data('b-web')).toEqual({ a: '3' });
    const before = fetchesOf(world);
    await world.advance(3 * pollMs);
    expect(fetchesOf(world)).toBe(before);
  });

  it('of a commit is not polled', async () => {
    const world = new EngineWorld();
    const commit = world.git.push(bases, baseFiles('1'));
    await world.start();
    await world.pushFiles(app(commit));
    await world.create(world.application());
    expect(world.data('web')).toEqual({ a: '1' });
    await world.advance(3 * pollMs);
    expect(fetchesOf(world)).toBe(1);
  });

  it('is not rendered again when a base goes back and forth, or after a restart that finds drift', async () => {
    const world = await worldWith();
    await world.create(world.application());
    for (const a of ['2', '1']) {
      world.git.push(bases, baseFiles(a));
      await world.advance(2 * pollMs);
      expect(world.data('web')).toEqual({ a });
    }
    expect(world.renders).toBe(2);
    world.crash();
    world.cluster.edit('ConfigMap', 'payments', 'web', (draft) => (draft.data.a = 'drift'), 'kubectl');
    await world.start();
    expect(world.data('web')).toEqual({ a: '1' });
    expect(world.renders).toBe(2);
  });

  it('is neither rendered nor left unfollowed after a restart', async () => {
    const world = await worldWith();
    await world.create(world.application());
    await world.restart();
    expect(world.renders).toBe(1);
    world.git.push(bases, baseFiles('2'));
    await world.advance(2 * pollMs);
    expect(world.data('web')).toEqual({ a: '2' });
  });

  it('keeps and heals the last good set when the base is gone, and says which (F12)', async () => {
    const world = await worldWith();
    await world.create(world.application());
    world.git.push(bases, { 'other.txt': 'x' });
    await world.advance(2 * pollMs);
    expect(world.condition('ComparisonError')).toContain(bases);
    world.cluster.edit('ConfigMap', 'payments', 'web', (draft) => (draft.data.a = 'drift'));
    await world.advance(pollMs);
    expect(world.data('web')).toEqual({ a: '1' });
    world.git.push(bases, baseFiles('2'));
    await world.advance(2 * pollMs);
    expect(world.data('web')).toEqual({ a: '2' });
    expect(world.condition('ComparisonError')).toBeUndefined();
  });

  it('says so while the repository does not answer, and goes on with what it has (F12)', async () => {
    const world = await worldWith();
    await world.create(world.application());
    world.git.down = {
      kind: 'transient',
      code: 'GitUnreachable',
      stage: 'source',
      message: `${bases}: the Git server cannot be reached`,
      hint: '',
    };
    await world.advance(4 * pollMs);
    expect(world.condition('ComparisonError')).toContain(bases);
    world.cluster.edit('ConfigMap', 'payments', 'web', (draft) => (draft.data.a = 'drift'));
    await world.advance(pollMs);
    expect(world.data('web')).toEqual({ a: '1' });
  });

  it('waits for the name that it asks for', async () => {
    const world = await worldWith(app('v2'));
    await world.create(world.application());
    expect(world.condition('ComparisonError')).toContain('v2');
    world.git.push(bases, baseFiles('2'), { branch: 'v2' });
    await world.advance(2 * pollMs);
    expect(world.data('web')).toEqual({ a: '2' });
  });

  it('is blocked when its project does not permit the repository, until it does (S7)', async () => {
    const world = await worldWith();
    await world.create(project([repository]));
    await world.create(world.application());
    expect(world.condition('ComparisonError')).toMatch(
      /app\/kustomization\.yaml:3.*https:\/\/git\.example\/acme\/bases.*spec\.sourceRepos of AppProject default.*RemoteBaseDenied/,
    );
    await world.advance(3 * pollMs);
    expect(fetchesOf(world)).toBe(0);
    world.cluster.put(project(['https://git.example/acme/*']));
    await world.settle();
    expect(world.data('web')).toEqual({ a: '1' });
    world.cluster.put(project([repository]));
    await world.settle();
    expect(world.condition('ComparisonError')).toContain('RemoteBaseDenied');
    expect(world.data('web')).toEqual({ a: '1' });
    const before = fetchesOf(world);
    await world.advance(3 * pollMs);
    expect(fetchesOf(world)).toBe(before);
  });
});
