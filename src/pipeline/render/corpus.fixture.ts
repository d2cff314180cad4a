/** The cases of render-wasm/corpus, each as a request and what the official command prints for it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { JsonObject } from '#model/json.ts';
import type { RenderRequest } from '#model/ports.ts';
import { renderLimits } from './limits.ts';
import { repositoryOf, type Contents, type MemoryRepository } from './repository.fixture.ts';

export const corpusKinds = ['kustomize', 'helm'] as const;
export type CorpusKind = (typeof corpusKinds)[number];

export interface CorpusCase {
  readonly name: string;
  readonly options: JsonObject;
  readonly request: RenderRequest;
  readonly contents: Contents;
  readonly files: MemoryRepository;
  readonly expected: string;
}

const corpus = path.join(import.meta.dirname, '../../../render-wasm/corpus');

export function corpusNames(kind: CorpusKind): readonly string[] {
  return readdirSync(path.join(corpus, kind));
}

export function corpusCase(kind: CorpusKind, name: string): CorpusCase {
  const directory = path.join(corpus, kind, name);
  const text = (file: string): string => readFileSync(path.join(directory, file), 'utf8');
  const options = JSON.parse(text('case.json')) as JsonObject & { readonly path: string };
  const contents = treeOf(path.join(directory, 'tree'));
  const defaults = { loadRestriction: 'root', edits: {} };
  return {
    name,
    options: { ...defaults, ...options, limits: { ...renderLimits }, text: true } as unknown as JsonObject,
    request: {
      spec: { kind: 'directory', recurse: false },
      url: 'r',
      commit: 'c',
      root: options.path,
      tree: 't',
    },
    contents,
    files: repositoryOf(contents),
    expected: text('expected.yaml'),
  };
}

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
