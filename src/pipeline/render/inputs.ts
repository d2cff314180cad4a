/** Stage 3 for a whole Unit: its files are read, pinned, and rendered in the sandbox. */
import { ok, type Failure, type Result } from '#model/failure.ts';
import type { Renderer, Repositories } from '#model/ports.ts';
import type { RenderedObject } from '#model/rendered.ts';
import type { LocatedInput } from '../source/locate.ts';

export interface RenderedInputs {
  readonly objects: readonly RenderedObject[];
  readonly warnings: readonly Failure[];
}

export async function renderInputs(
  inputs: readonly LocatedInput[],
  { repositories, renderer }: { readonly repositories: Repositories; readonly renderer: Renderer },
): Promise<Result<RenderedInputs>> {
  const objects: RenderedObject[] = [];
  const warnings: Failure[] = [];
  for (const { input, tree } of inputs) {
    const files = await repositories.files(input.source.url, tree);
    if (!files.ok) return files;
    const wanted = renderer.wanted(input.render, files.value);
    const contents = await repositories.read(
      input.source.url,
      wanted.map(({ blob }) => blob),
    );
    if (!contents.ok) return contents;
    const rendered = await renderer.render({
      spec: input.render,
      root: input.path === '.' ? '' : input.path,
      tree,
      files: wanted.map((file, index) => ({ ...file, content: contents.value[index]! })),
    });
    if (!rendered.ok) return rendered;
    objects.push(...rendered.value.objects);
    warnings.push(...rendered.value.warnings);
  }
  return ok({ objects, warnings });
}
