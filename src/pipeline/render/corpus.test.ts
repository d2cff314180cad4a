/**
 * The renderer against the official commands: render-wasm/corpus has cases for every field of a kustomization and for
 * the functions of templates, each with what `kustomize build` or `helm template` prints (scripts/render-corpus.sh).
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import type { JsonObject } from '#model/json.ts';
import { renderClosed } from './closure.ts';
import type { RenderSandbox } from './protocol.ts';
import { Rendering } from './rendering.ts';
import { renderLimits } from './limits.ts';
import { noRemotes, repositoryOf, type Contents } from './repository.fixture.ts';
import { loadModule } from './wasm-module.ts';

const corpus = path.join(import.meta.dirname, '../../../render-wasm/corpus');
let sandbox: RenderSandbox;
beforeAll(async () => {
  const { module, version } = await loadModule(256);
  const rendering = new Rendering(module, systemClock, systemRandom);
  sandbox = {
    render: (request) => Promise.resolve(rendering.render(request)),
    version: () => Promise.resolve(version),
  };
});

function treeOf(directory: string): Contents {
  const found = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    found.map((entry) => {
      const name = path.join(entry.parentPath, entry.name);
      return [path.relative(directory, name), new Uint8Array(readFileSync(name))];
    }),
  );
}

describe.each(['kustomize', 'helm'] as const)('what the official %s prints', (kind) => {
  it.each(readdirSync(path.join(corpus, kind)))('%s', async (name) => {
    const directory = path.join(corpus, kind, name);
    const options = JSON.parse(readFileSync(path.join(directory, 'case.json'), 'utf8')) as JsonObject & {
      path: string;
    };
    const request = {
      spec: { kind: 'directory', recurse: false },
      url: 'r',
      commit: 'c',
      root: options.path,
      tree: 't',
    } as const;
    const given = {
      loadRestriction: 'root',
      edits: {},
      ...options,
      limits: { ...renderLimits },
      text: true,
    } as unknown as JsonObject;
    const files = repositoryOf(treeOf(path.join(directory, 'tree')));
    const closed = await renderClosed(kind, given, request, { files, remotes: noRemotes, sandbox });
    const expected = readFileSync(path.join(directory, 'expected.yaml'), 'utf8');
    const failed = closed.ok ? '' : `${closed.failure.code}: ${closed.failure.message}`;
    expect(closed.ok ? closed.value.done.text : 'fails\n', failed).toBe(expected);
  });
});
