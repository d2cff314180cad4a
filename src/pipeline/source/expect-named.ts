/**
 * Tells the repository which files will be read, before the first of them is: a partial clone then brings them all in a
 * few fetches. What kustomization files name outside of their own directory is guessed from their text; a wrong guess
 * costs a lookup, and what is not guessed is fetched when it is rendered.
 */
import { posix } from 'node:path';
import type { Repositories } from '#model/ports.ts';
import type { Input } from '#model/unit.ts';

/** Bases of bases. */
const roundsMax = 5;
const pathsMax = 50_000;
export const kustomizationNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

export async function expectNamed(
  inputs: readonly Pick<Input, 'path' | 'render'>[],
  { url, commit }: { readonly url: string; readonly commit: string },
  repositories: Pick<Repositories, 'trees' | 'look' | 'sizes' | 'read'>,
): Promise<void> {
  const roots = inputs.map(({ path }) => posix.normalize(path));
  const seen = new Set<string>();
  let named: readonly string[] = [...roots, ...inputs.flatMap(namedOutright)];
  for (let round = 0; round < roundsMax; round += 1) {
    const fresh = [...new Set(named)].filter((path) => !seen.has(path)).slice(0, pathsMax - seen.size);
    if (fresh.length === 0) return;
    for (const path of fresh) seen.add(path);
    // Who names the root of the repository means what stands there, and not all that is in it.
    const directories = round === 0 ? fresh : fresh.filter((path) => path !== '.');
    const expected = await repositories.trees(
      url,
      directories.map((path) => ({ commit, path })),
    );
    if (!expected.ok) return;
    const files = fresh.flatMap((path) => kustomizationNames.map((name) => posix.join(path, name)));
    const entries = await repositories.look(url, commit, [...fresh, ...files]);
    if (!entries.ok) return;
    const blobs = entries.value.map((entry) => (entry.kind === 'file' ? entry.blob : undefined));
    const kustomizations = files.flatMap((path, index) => {
      const blob = blobs[fresh.length + index];
      return blob === undefined ? [] : [{ directory: posix.dirname(path), blob }];
    });
    const sizes = await repositories.sizes(
      url,
      blobs.filter((blob) => blob !== undefined),
    );
    if (!sizes.ok) return;
    const texts = await repositories.read(
      url,
      kustomizations.map(({ blob }) => blob),
    );
    if (!texts.ok) return;
    named = kustomizations.flatMap(({ directory }, index) => namedIn(texts.value[index]!, directory));
  }
}

/** What the declaring resource names beside the directory. */
function namedOutright({ path, render }: Pick<Input, 'path' | 'render'>): readonly string[] {
  const { kustomize, helm } = render.kind === 'detect' ? render : { kustomize: render, helm: render };
  const components = kustomize.kind === 'kustomize' ? (kustomize.edits.components ?? []) : [];
  const values =
    helm.kind === 'helm' ? (helm.values.files ?? []).filter((name) => !name.startsWith('$')) : [];
  return [...components, ...values].flatMap((name) => inRepository(name.startsWith('/') ? '.' : path, name));
}

/** A path that leads out of the directory: what lies in it comes along with it. */
const outwards = /(?<![^\s"'[,=])\.\.(?:\/[^\s"',\]}]*)?(?=["'\s,\]}]|$)/g;
const textBytesMax = 64 * 1024;

/** Paths outside of the directory that a file in it seems to name. */
export function namedIn(content: Uint8Array, directory: string): readonly string[] {
  const text = Buffer.from(content.subarray(0, textBytesMax)).toString('utf8');
  return [...text.matchAll(outwards)].flatMap(([name]) => inRepository(directory, name));
}

function inRepository(directory: string, name: string): readonly string[] {
  const path = posix.join('.', directory, name).replace(/\/$/, '');
  return path === '..' || path.startsWith('../') ? [] : [path];
}
