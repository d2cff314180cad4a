/** A renderer with a memory: what it gives is what was rendered from the very same files. */
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryRenderStore } from '../../../tests/fakes/render-store.ts';
import { CountingMeter } from '../../kube/manual-time.fixture.ts';
import { digestOf } from '#fields/digest.ts';
import { ok } from '#model/failure.ts';
import type { Renderer, RenderRequest } from '#model/ports.ts';
import { keepingRenderer } from './keeping.ts';
import { repositoryOf, type Contents } from './repository.fixture.ts';
import { traceOf } from './trace.ts';

const request: RenderRequest = {
  unit: 'u',
  spec: { kind: 'directory', recurse: false },
  url: 'r',
  commit: 'c',
  root: 'app',
  tree: 't',
  capabilities: { kubeVersion: '1.36', apiVersions: ['v1'] },
};
const paths = { files: ['app/a.yaml'], listings: ['app'], absent: ['app/Chart.yaml'] };

let store: MemoryRenderStore;
let renders: number;
/** Reads three paths; what it gives is another thing each time. */
const rendererOf = (random: boolean): Renderer => ({
  render: async ({ url, commit, capabilities }, files) => {
    const all = Object.values(paths).flat();
    const looked = await files.look(url, commit, all);
    if (!looked.ok) return looked;
    renders += 1;
    const trace = traceOf(paths, new Map(all.map((path, index) => [path, looked.value[index]!])));
    const ref = { group: '', version: 'v1', kind: 'ConfigMap', namespace: '', name: `made-${renders}` };
    const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: ref.name }, big: 2n ** 60n };
    const warning = {
      kind: 'terminal',
      code: 'RandomTemplate',
      stage: 'render',
      message: '',
      hint: '',
    } as const;
    return ok({
      key: digestOf(JSON.stringify([capabilities, trace])),
      objects: [{ ref, manifest, at: { path: 'app/a.yaml', line: 1 } }],
      trace,
      warnings: random ? [warning] : [],
    });
  },
});
async function made(files: Contents, more: Partial<RenderRequest> = {}, random = false): Promise<string> {
  const keeping = keepingRenderer(rendererOf(random), store, new CountingMeter());
  const rendered = await keeping.render({ ...request, ...more }, repositoryOf(files));
  if (!rendered.ok) throw new Error(rendered.failure.message);
  expect(rendered.value.objects[0]?.manifest['big']).toBe(2n ** 60n);
  return rendered.value.objects[0]!.ref.name;
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
    ['the spec is another', files, { spec: { kind: 'directory', recurse: true } }],
    ['files are refused', files, { refusedFiles: ['x'] }],
    ['another Unit asks (S14)', files, { unit: 'v' }],
    ['it is to be rendered anew', files, { anew: true }],
    ['the cluster serves more', files, { capabilities: { kubeVersion: '1.36', apiVersions: ['v1', 'v2'] } }],
  ])('and not given where %s', async (_, contents, more) => {
    await made(files);
    expect(await made(contents, more)).toBe('made-2');
    expect(await made(files)).toBe(more.anew === true ? 'made-2' : 'made-1');
  });
  it('also what templates made up, whatever the cluster serves by now', async () => {
    await made(files, {}, true);
    expect(await made(files, { capabilities: { kubeVersion: '1.37', apiVersions: [] } }, true)).toBe(
      'made-1',
    );
    expect(await made(files, { anew: true }, true)).toBe('made-1');
    expect([...store.onlyCopies]).toEqual([...store.values.keys()]);
    expect(await made({ ...files, 'app/a.yaml': '2' }, {}, true)).toBe('made-2');
  });
  it('for nobody where nobody is named', async () => {
    const { unit: _, ...anonymous } = request;
    const keeping = keepingRenderer(rendererOf(false), store, new CountingMeter());
    await keeping.render(anonymous, repositoryOf(files));
    expect(store.values.size).toBe(0);
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
