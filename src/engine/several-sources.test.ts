/** Applications with several sources, in a world of fakes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configMap, EngineWorld, filesOf, repository } from '../../tests/fakes/engine-world.ts';

let world: EngineWorld;
beforeEach(() => {
  world = new EngineWorld();
});
afterEach(() => {
  expect(world.errors).toEqual([]);
});

const valuesRepository = 'https://git.example/acme/values';
const chartFiles = (template: string) => ({
  'chart/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
  'chart/templates/settings.yaml': template,
});
const template =
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: {{ .Values.a | quote }}}\n';
const chart = {
  repoURL: repository,
  path: 'chart',
  targetRevision: 'main',
  helm: { valueFiles: ['$values/envs/*.yaml'], fileParameters: [{ name: 'b', path: '$values/b.txt' }] },
};
const named = { repoURL: valuesRepository, targetRevision: 'main', ref: 'values' };
const push = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const commit = world.git.push(valuesRepository, { 'b.txt': 'b', ...files });
  await world.hint();
  return commit;
};
const sources = (...all: readonly object[]): object => ({ source: undefined, sources: all });

describe('values of another source', () => {
  it('are read from its own revision, and its commits count', async () => {
    await world.start();
    const first = world.git.push(repository, chartFiles(template));
    const values = await push({ 'envs/prod.yaml': 'a: one' });
    await world.create(world.application('web', sources(chart, named)));
    expect(world.data('settings')).toEqual({ a: 'one' });
    expect(world.status().sync).toMatchObject({ status: 'Synced', revisions: [first, values] });
    expect(world.status().sync).not.toHaveProperty('revision');
    const next = await push({ 'envs/prod.yaml': 'a: two' });
    expect(world.data('settings')).toEqual({ a: 'two' });
    expect(world.status()).toMatchObject({
      sync: { revisions: [first, next], comparedTo: { sources: [chart, named] } },
      history: [{ revisions: [first, values] }, { revisions: [first, next], sources: [chart, named] }],
      operationState: { syncResult: { revisions: [first, next] } },
      sourceTypes: ['Helm', 'Directory'],
    });
    const rendered = world.renders;
    await push({ 'envs/prod.yaml': 'a: two', 'else.yaml': 'x' });
    expect(world.renders).toBe(rendered);
    expect(world.status().sync?.status).toBe('Synced');
  });

  it('that are gone stop the sync by their name, and delete nothing', async () => {
    await world.start();
    world.git.push(repository, chartFiles(template));
    await push({ 'envs/prod.yaml': 'a: one' });
    await world.create(
      world.application(
        'web',
        sources({ ...chart, helm: { valueFiles: ['$values/envs/prod.yaml'] } }, named),
      ),
    );
    expect(world.data('settings')).toEqual({ a: 'one' });
    const mark = world.mark;
    await push({ 'other.yaml': 'x' });
    expect(world.writesSince(mark)).toEqual([]);
    expect(world.condition('ComparisonError')).toContain('$values/envs/prod.yaml');
  });

  it('do not lead out of their repository', async () => {
    await world.start();
    world.git.push(repository, { ...chartFiles(template), 'secret.yaml': 'a: leaked' });
    await push({ 'envs/prod.yaml': 'a: one' });
    const helm = { valueFiles: ['$values/../../../secret.yaml'] };
    await world.create(world.application('web', sources({ ...chart, helm }, named)));
    expect(world.data('settings')).toBeUndefined();
    expect(world.condition('ComparisonError')).toContain('$values/secret.yaml');
  });

  it('a sync to revisions takes each source to its own', async () => {
    await world.start();
    world.git.push(repository, chartFiles(template));
    const values = await push({ 'envs/prod.yaml': 'a: one' });
    await push({ 'envs/prod.yaml': 'a: two' });
    await world.create(world.application('web', { ...sources(chart, named), syncPolicy: undefined }));
    await world.sync('web', { revisions: ['', values] });
    expect(world.data('settings')).toEqual({ a: 'one' });
  });
});

describe('a render of several sources that is rejected (argo-cd#29716)', () => {
  it('never leads to an older revision, neither then nor when it comes right', async () => {
    await world.start();
    world.git.push(repository, chartFiles(template));
    await push({ 'envs/prod.yaml': 'a: one' });
    await push({ 'envs/prod.yaml': 'a: two' });
    await world.create(world.application('web', sources(chart, named)));
    const good = await push({ 'envs/prod.yaml': 'a: three' });
    expect(world.data('settings')).toEqual({ a: 'three' });
    const seen = new Set<unknown>();
    const look = (): void => void seen.add(JSON.stringify(world.data('settings')));
    world.git.push(repository, chartFiles('{{ fail "no" }}'));
    await world.hint();
    look();
    await push({ 'envs/prod.yaml': 'a: four' });
    look();
    // What somebody changes meanwhile is put back to what was applied last, and to nothing else.
    world.cluster.edit('ConfigMap', 'payments', 'settings', (draft) => (draft.data.a = 'x'), 'kubectl');
    await world.settle();
    look();
    await world.restart();
    await world.advance(120_000, 10_000);
    look();
    expect([...seen]).toEqual(['{"a":"three"}']);
    expect(world.state()?.revisions[1]?.commit).toBe(good);
    world.git.push(repository, chartFiles(template));
    await world.hint();
    expect(world.data('settings')).toEqual({ a: 'four' });
  });

  it('F10: a source that is moved back is held, and both of its commits are named', async () => {
    await world.start();
    world.git.push(repository, chartFiles(template));
    const old = await push({ 'envs/prod.yaml': 'a: one' });
    const next = await push({ 'envs/prod.yaml': 'a: two' });
    await world.create(world.application('web', sources(chart, named)));
    world.git.reset(valuesRepository, old);
    await world.hint();
    expect(world.data('settings')).toEqual({ a: 'two' });
    expect(world.condition('Held')).toContain(
      `main@${old.slice(0, 8)} is older than main@${next.slice(0, 8)}`,
    );
  });
});

describe('objects of several sources', () => {
  const other = 'https://git.example/acme/other';
  const directory = (repoURL: string) => ({ repoURL, path: 'app', targetRevision: 'main' });

  it('are one set: what one of them drops is pruned, what the others have stays', async () => {
    await world.start();
    world.git.push(repository, filesOf([configMap('one'), configMap('two')]));
    world.git.push(other, filesOf([configMap('three')]));
    await world.create(world.application('web', sources(directory(repository), directory(other))));
    expect((world.state()?.inventory ?? []).map(({ ref }) => ref.name).toSorted()).toEqual([
      'one',
      'three',
      'two',
    ]);
    await world.pushFiles(filesOf([configMap('one')]));
    expect(world.data('two')).toBeUndefined();
    expect(world.data('three')).toEqual({ a: '1' });
  });

  it('that several give is as the last gives it, with a warning that names it', async () => {
    await world.start();
    world.git.push(repository, filesOf([configMap('one', { a: 'first' })]));
    const without = configMap('one', { a: 'last' });
    world.git.push(other, filesOf([{ ...without, metadata: { name: 'one' } }]));
    await world.create(world.application('web', sources(directory(repository), directory(other))));
    expect(world.data('one')).toEqual({ a: 'last' });
    expect(world.condition('RepeatedResourceWarning')).toContain('ConfigMap');
    expect(world.status().sync?.status).toBe('Synced');
    const mark = world.mark;
    await world.advance(60_000);
    expect(world.writesSince(mark)).toEqual([]);
  });
});
