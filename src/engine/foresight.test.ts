/** Real Git over HTTP and the real renderer: how often the server is asked for files at a cold start. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Input, RenderSpec, Unit, UnitId } from '#model/unit.ts';
import { systemClock } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import { rendererOn } from '#pipeline/render/renderer.ts';
import { noRemotes } from '#pipeline/render/repository.fixture.ts';
import { Rendering } from '#pipeline/render/rendering.ts';
import { loadModule } from '#pipeline/render/wasm-module.ts';
import { openGitRoom, source, value, type GitRoom } from '../../tests/git-server/git-room.ts';
import { createWorkTree, type WorkTree } from '../../tests/git-server/server.ts';
import { Foresight } from './foresight.ts';

const { module, version } = await loadModule(256);
const rendering = new Rendering(module, systemClock, systemRandom);
const renderer = rendererOn({
  render: (request) => Promise.resolve(rendering.render(request)),
  version: () => Promise.resolve(version),
});
const count = 40;
const sideBySide = 8;
const kustomize: RenderSpec = { kind: 'kustomize', loadRestriction: 'root', edits: {} };
const configMap = (name: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {a: "1"}\n`;

let room: GitRoom;
let tree: WorkTree;
beforeEach(async () => {
  room = await openGitRoom();
  tree = await createWorkTree(room.server, 'fleet');
});
afterEach(() => room.close());

/** Renders an input a Unit, some side by side; the answer is how often files were fetched. */
async function fetchesOf(render: RenderSpec, pathOf: (index: number) => string): Promise<number> {
  const commit = await tree.commit('All');
  await tree.push();
  const { repositories } = room;
  const spec = source(tree.url, { branch: 'main' });
  value(await repositories.fetch(spec));
  const before = room.server.counts('fleet').fetches;
  const foresight = new Foresight(repositories);
  const units = Array.from({ length: count }, (_, index) => {
    const input: Input = { source: spec, path: pathOf(index), render };
    return { id: `unit-${index}` as UnitId, inputs: [input] } as unknown as Unit;
  });
  for (const unit of units) foresight.add(unit);
  const turn = async (unit: Unit): Promise<void> => {
    await foresight.look(unit);
    const { path } = unit.inputs[0]!;
    const request = { spec: render, url: tree.url, commit, root: path, tree: '' };
    const rendered = value(await renderer.render(request, repositories, noRemotes));
    expect(rendered.objects).toHaveLength(1);
  };
  const rest = units.values();
  const worker = async (): Promise<void> => {
    for (const unit of rest) await turn(unit);
  };
  await Promise.all(Array.from({ length: sideBySide }, worker));
  return room.server.counts('fleet').fetches - before;
}

async function writeEach(files: (index: number) => Readonly<Record<string, string>>): Promise<void> {
  for (let index = 0; index < count; index += 1)
    for (const [path, text] of Object.entries(files(index))) await tree.write(path, text);
}

describe('files of new Units', () => {
  it('overlays, their bases and the bases of those come in a fetch a level', async () => {
    await writeEach((index) => ({
      [`apps/${index}/overlay/kustomization.yaml`]: `resources:\n- ../base\nnamePrefix: a${index}-\n`,
      [`apps/${index}/base/kustomization.yaml`]: `resources: ["../../../shared/${index % 4}"]\n# ${index}\n`,
      [`shared/${index % 4}/kustomization.yaml`]: `resources: [map.yaml]\nnamePrefix: s${index % 4}-\n`,
      [`shared/${index % 4}/map.yaml`]: configMap(`map-${index % 4}`),
    }));
    expect(await fetchesOf(kustomize, (index) => `apps/${index}/overlay`)).toBe(3);
  });

  it('files that stand in no directory of their own come with them', async () => {
    await writeEach((index) => ({
      [`apps/${index}/kustomization.yaml`]: `resources: [../../base]\npatches:\n- path: patch-${index}.yaml\n`,
      [`apps/${index}/patch-${index}.yaml`]: `${configMap('map')}# ${index}\n`,
      'base/kustomization.yaml': 'resources: [map.yaml]\n',
      'base/map.yaml': configMap('map'),
    }));
    expect(await fetchesOf(kustomize, (index) => `apps/${index}`)).toBe(2);
  });

  it('charts come with the files of values that are named beside them', async () => {
    await writeEach((index) => ({
      [`charts/${index}/Chart.yaml`]: `apiVersion: v2\nname: c${index}\nversion: 1.0.0\n`,
      [`charts/${index}/templates/map.yaml`]: configMap(`{{ .Values.name }}-${index}`),
      'env/prod.yaml': 'name: prod\n',
    }));
    const values = { files: ['/env/prod.yaml'] };
    const helm: RenderSpec = { kind: 'helm', releaseName: 'r', namespace: 'n', values };
    expect(await fetchesOf(helm, (index) => `charts/${index}`)).toBe(1);
  });

  it('who names what is not there, or what lies outside, hinders nobody', async () => {
    await writeEach((index) => ({
      [`apps/${index}/kustomization.yaml`]: `resources: [map.yaml]\n# see ../../../elsewhere and ../nothing, ..\n`,
      [`apps/${index}/map.yaml`]: configMap(`map-${index}`),
    }));
    expect(await fetchesOf(kustomize, (index) => `apps/${index}`)).toBe(1);
  });
});
