/** Files beside the manifests that change how they are rendered: read at the commit that is rendered. */
import { posix } from 'node:path';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { Overriding, RenderFiles } from '#model/ports.ts';
import type { Input } from '#model/unit.ts';

export interface OverridePorts {
  readonly overriding: Overriding;
}
export interface Overridden {
  readonly input: Input;
  readonly warnings: readonly Failure[];
}

const sizeBytesMax = 256 * 1024;

export async function overridden(
  input: Input,
  { url, commit }: { readonly url: string; readonly commit: string },
  files: Pick<RenderFiles, 'look' | 'sizes' | 'read'>,
  { overriding }: OverridePorts,
): Promise<Result<Overridden>> {
  const { overrides, path } = input;
  if (overrides === undefined) return ok({ input, warnings: [] });
  const paths = overrides.files.map((name) => posix.join(path, name));
  const entries = await files.look(url, commit, paths);
  if (!entries.ok) return entries;
  const there = paths.flatMap((file, index) => {
    const entry = entries.value[index]!;
    return entry.kind === 'file' ? [{ path: file, blob: entry.blob }] : [];
  });
  if (there.length === 0) return ok({ input, warnings: [] });
  const blobs = there.map(({ blob }) => blob);
  const sizes = await files.sizes(url, blobs);
  if (!sizes.ok) return sizes;
  const large = there.find((_, index) => sizes.value[index]! > sizeBytesMax);
  if (large !== undefined) return fail(tooLarge(large.path));
  const contents = await files.read(url, blobs);
  if (!contents.ok) return contents;
  const texts = there.map((file, index) => ({
    path: file.path,
    text: Buffer.from(contents.value[index]!).toString('utf8'),
  }));
  const changed = overriding(overrides, texts);
  if (!changed.ok) return changed;
  const { render, warnings } = changed.value;
  return ok({ input: { ...input, render }, warnings });
}

function tooLarge(path: string): Failure {
  return {
    kind: 'terminal',
    code: 'ManifestTooLarge',
    stage: 'artifact',
    message: `it has more than ${sizeBytesMax / 1024} KiB`,
    hint: 'values belong in value files',
    at: { path },
  };
}
