/** A renderer with a memory: what it gives is what was rendered from the very same files. */
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryRenderStore } from '../../../tests/fakes/render-store.ts';
import { CountingMeter } from '../../kube/manual-time.fixture.ts';
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Result } from '#model/failure.ts';
import type { ClusterView, Remotes, Renderer, RenderFiles, RenderRequest } from '#model/ports.ts';
import type { Rendered, Trace, TreePaths, TreeTrace } from '#model/rendered.ts';
import { pathsOf } from '../source/dependence.ts';
import { clusterTrace } from './cluster-trace.ts';
import { keepingRenderer } from './keeping.ts';
import { repositoryOf, type Contents } from './repository.fixture.ts';
import { traceOf } from './trace.ts';

const request: RenderRequest = {
  unit: 'u',
  spec: { kind: 'helm', releaseName: 'r', namespace: 'n', values: {} },
  url: 'r',
  commit: 'c',
  root: 'app',
  tree: 't',
};
const paths = { files: ['app/a.yaml'], listings: ['app'], absent: ['app/Chart.yaml'] };
const base = { url: 'https://git.example/base', ref: 'main' };
const basePaths = { files: ['b.yaml'], listings: [], absent: [] };

let store: MemoryRenderStore;
let renders: number;

/** Other things than files that a rendering depends on. */
interface Around {
  /** Of what it reads elsewhere; `null`: that may not be read. Absent: it reads nothing there. */
  readonly base?: string | null;
  readonly baseCommit?: string;
  /** What it looks up. Absent: it asks nothing. */
  readonly found?: string;
  readonly kubeVersion?: string;
  readonly random?: boolean;
  readonly isCutOff?: boolean;
}
const questions = ['["v1","Secret","n","s"]'];

const traceIn = async (
  read: TreePaths,
  files: RenderFiles,
  { url, commit }: { readonly url: string; readonly commit: string },
): Promise<TreeTrace> => {
  const all = Object.values(read).flat();
  const looked = await files.look(url, commit, all);
  if (!looked.ok) throw new Error(looked.failure.message);
  return traceOf(read, new Map(all.map((path, index) => [path, looked.value[index]!])));
};
/** Reads three paths, and what else the surroundings have; what it gives is another thing each time. */
const rendererOf = ({ random = false, base: text, found }: Around): Renderer => ({
  render: async (asked, files, remotes) => {
    let trace: Trace = await traceIn(paths, files, asked);
    if (text !== undefined) {
      const pinned = await remotes.pin(base);
      if (!pinned.ok) return pinned;
      const read = await traceIn(basePaths, remotes.files, pinned.value);
      trace = { ...trace, remotes: [{ ...base, ...pinned.value, ...read }] };
    }
    if (found !== undefined) {
      const capabilities = { kubeVersion: true, apiVersions: [], whole: false };
      const answers = await clusterTrace({ lookups: questions, capabilities }, asked.spec, asked.view!);
      if (!answers.ok) return answers;
      trace = { ...trace, ...answers.value };
    }
    renders += 1;
    const ref = { group: '', version: 'v1', kind: 'ConfigMap', namespace: '', name: `made-${renders}` };
    const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: ref.name }, big: 2n ** 60n };
    return ok({
      key: digestOf(JSON.stringify(trace)),
      objects: [{ ref, manifest, at: { path: 'app/a.yaml', line: 1 } }],
      trace,
      warnings: random ? [failure('RandomTemplate')] : [],
    });
  },
});
const failure = (code: string) =>
  ({ kind: 'terminal', code, stage: 'render', message: '', hint: '' }) as const;
const remotesOf = ({ base: text, baseCommit = '1' }: Around): Remotes => ({
  named: [],
  pin: ({ url }) =>
    Promise.resolve(text == null ? fail(failure('RemoteBaseDenied')) : ok({ url, commit: baseCommit })),
  files: repositoryOf({ 'b.yaml': text ?? '' }),
});
const viewOf = ({ found = '', kubeVersion = 'v1.36.0', isCutOff = false }: Around): ClusterView => {
  const answer = { text: found, digest: digestOf(found), secret: true };
  return {
    capabilities: () => Promise.resolve(ok({ kubeVersion, apiVersions: [], unknown: [] })),
    lookUp: () => Promise.resolve(isCutOff ? fail(failure('ObservationIncomplete')) : ok([answer])),
  };
};

async function rendered(
  files: Contents,
  more: Partial<RenderRequest> = {},
  around: Around = {},
): Promise<Result<Rendered>> {
  const keeping = keepingRenderer(rendererOf(around), store, new CountingMeter());
  const asked = { ...request, view: viewOf(around), ...more };
  return keeping.render(asked, repositoryOf(files), remotesOf(around));
}
async function made(files: Contents, more: Partial<RenderRequest> = {}, around?: Around): Promise<string> {
  const result = await rendered(files, more, around);
  if (!result.ok) return result.failure.code;
  expect(result.value.objects[0]?.manifest['big']).toBe(2n ** 60n);
  return result.value.objects[0]!.ref.name;
}

const files = { 'app/a.yaml': '1', 'other/b.yaml': '1' };
beforeEach(() => {
  store = new MemoryRenderStore();
  renders = 0;
});

describe('is kept', () => {
  it('while what was read stays, wherever it is read from', async () => {
    expect(await made(files)).toBe('made-1');
    expect(store.onlyCopies.size).toBe(0);
    expect(await made({ ...files, 'other/b.yaml': '2' }, { commit: 'd' })).toBe('made-1');
    expect(await made(files, { url: 'moved' })).toBe('made-1');
  });
  it.each<[string, Contents, Partial<RenderRequest>]>([
    ['a file changed', { ...files, 'app/a.yaml': '2' }, {}],
    ['a file came that was looked for', { ...files, 'app/Chart.yaml': '' }, {}],
    ['a file came where all are listed', { ...files, 'app/b.yaml': '' }, {}],
    ['the spec is another', files, { spec: { kind: 'directory', recurse: false } }],
    ['files are watched', files, { watchedFiles: ['x'] }],
    ['another Unit asks (S14)', files, { unit: 'v' }],
    ['it is to be rendered anew', files, { anew: true }],
  ])('and not given where %s', async (_, contents, more) => {
    await made(files);
    expect(await made(contents, more)).toBe('made-2');
    expect(await made(files)).toBe(more.anew === true ? 'made-2' : 'made-1');
  });
  it('also what templates made up, where all is to be rendered anew', async () => {
    const around = { random: true };
    await made(files, {}, around);
    expect(await made(files, { anew: true }, around)).toBe('made-1');
    expect([...store.onlyCopies]).toEqual([...store.values.keys()]);
    expect(await made({ ...files, 'app/a.yaml': '2' }, {}, around)).toBe('made-2');
  });
  it('for nobody where nobody is named', async () => {
    const { unit: _, ...anonymous } = request;
    const keeping = keepingRenderer(rendererOf({}), store, new CountingMeter());
    await keeping.render(anonymous, repositoryOf(files), remotesOf({}));
    expect(store.values.size).toBe(0);
  });
});

describe('with what another repository has', () => {
  const around = { base: 'one', baseCommit: '1' };

  it('is kept while that is the same there, and knows the commit that was asked', async () => {
    await made(files, {}, around);
    const again = await rendered(files, {}, { ...around, baseCommit: '2' });
    expect(again).toMatchObject({ value: { objects: [{ ref: { name: 'made-1' } }] } });
    expect(again).toMatchObject({ value: { trace: { remotes: [{ ...base, commit: '2' }] } } });
    expect(await made(files, {}, { ...around, base: 'two' })).toBe('made-2');
    expect(await made(files, {}, around)).toBe('made-1');
  });
  it('S7: is not given where that may not be read any more', async () => {
    await made(files, {}, around);
    expect(await made(files, {}, { base: null })).toBe('RemoteBaseDenied');
  });
  it('asks for no repository that the files do not name any more', async () => {
    await made(files, {}, around);
    const keeping = keepingRenderer(rendererOf({}), store, new CountingMeter());
    const remotes = { ...remotesOf({}), pin: () => expect.unreachable() };
    const other = repositoryOf({ ...files, 'app/a.yaml': '2' });
    expect(await keeping.render(request, other, remotes)).toMatchObject({ ok: true });
  });
});

describe('with what the cluster answered', () => {
  const around = { found: 'one' };

  it('is kept while it answers the same', async () => {
    await made(files, {}, around);
    expect(await made(files, {}, around)).toBe('made-1');
    expect(await made(files, {}, { found: 'two' })).toBe('made-2');
    expect(await made(files, {}, { found: 'one', kubeVersion: 'v1.37.0' })).toBe('made-3');
    expect(await made(files, {}, around)).toBe('made-1');
    expect(JSON.stringify([...store.values.values()].map(String))).not.toMatch(/"(one|two)"/);
  });
  it('is not given where it cannot answer, but to who asks for those answers', async () => {
    const first = await rendered(files, {}, around);
    const { answered } = pathsOf(first.ok ? first.value.trace : expect.unreachable());
    const cutOff = { ...around, isCutOff: true };
    expect(await made(files, {}, cutOff)).toBe('ObservationIncomplete');
    expect(await made(files, { answered: digestOf('others') }, cutOff)).toBe('ObservationIncomplete');
    expect(await made(files, { answered: answered! }, cutOff)).toBe('made-1');
  });
});

describe('of what is kept', () => {
  const version = (text: number): Contents => ({ ...files, 'app/a.yaml': String(text) });

  it('there are a few, those that were used last', async () => {
    for (let text = 1; text <= 8; text += 1) await made(version(text));
    expect(await made(version(1))).toBe('made-1');
    expect(await made(version(9))).toBe('made-9');
    expect(await made(version(1))).toBe('made-1');
    expect(await made(version(2))).toBe('made-10');
    expect(store.values.size).toBe(1 + 8);
  });
  it('nothing is relied upon: what is gone is rendered', async () => {
    await made(files);
    const outputs = [...store.values.keys()];
    for (const key of outputs) {
      store.values.delete(key);
      const before = renders;
      await made(files);
      expect(renders).toBe(before + 1);
    }
    store.values.clear();
    store.isFull = true;
    await made(files);
    expect(store.values.size).toBe(0);
  });
});
