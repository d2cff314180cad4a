/**
 * The renderer against the official commands: render-wasm/corpus has cases for every field of a kustomization and for
 * the functions of templates, each with what `kustomize build` or `helm template` prints (scripts/render-corpus.sh).
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import { renderClosed } from './closure.ts';
import { corpusCase, corpusKinds, corpusNames } from './corpus.fixture.ts';
import type { RenderSandbox } from './protocol.ts';
import { Rendering } from './rendering.ts';
import { noRemotes } from './repository.fixture.ts';
import { loadModule } from './wasm-module.ts';

let sandbox: RenderSandbox;
beforeAll(async () => {
  const { module, version } = await loadModule(256);
  const rendering = new Rendering(module, systemClock, systemRandom);
  sandbox = {
    render: (request) => Promise.resolve(rendering.render(request)),
    version: () => Promise.resolve(version),
  };
});

describe.each(corpusKinds)('what the official %s prints', (kind) => {
  it.each(corpusNames(kind))('%s', async (name) => {
    const { options, request, files, expected } = corpusCase(kind, name);
    const closed = await renderClosed(kind, options, request, { files, remotes: noRemotes, sandbox });
    const failed = closed.ok ? '' : `${closed.failure.code}: ${closed.failure.message}`;
    expect(closed.ok ? closed.value.done.text : 'fails\n', failed).toBe(expected);
  });
});
