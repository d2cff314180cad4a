/** Stage 3 for a whole Unit: each input is rendered in the sandbox, and what it read is remembered. */
import { ok, type Failure, type Result } from '#model/failure.ts';
import type { Capabilities, Renderer } from '#model/ports.ts';
import type { RenderedObject } from '#model/rendered.ts';
import type { Unit } from '#model/unit.ts';
import { relocate, type Located } from '../source/locate.ts';
import { contentOfTrace, pathsOf } from '../source/dependence.ts';
import { remotesOf, type RemotesPorts } from '../source/remotes.ts';

export interface RenderedInputs {
  readonly objects: readonly RenderedObject[];
  readonly warnings: readonly Failure[];
  /** As it was located, with what rendering has read instead of whole directories. */
  readonly located: Located;
}

export interface RenderInputsPorts extends RemotesPorts {
  readonly renderer: Renderer;
  readonly capabilities?: Capabilities;
}

export async function renderInputs(
  unit: Unit,
  located: Located,
  { renderer, capabilities, ...ports }: RenderInputsPorts,
): Promise<Result<RenderedInputs>> {
  const objects: RenderedObject[] = [];
  const warnings: Failure[] = [];
  const inputs: Located['inputs'][number][] = [];
  for (const locatedInput of located.inputs) {
    const { input, revision, tree, read } = locatedInput;
    const request = {
      spec: input.render,
      refusedFiles: input.refusedFiles ?? [],
      url: input.source.url,
      commit: revision.commit,
      root: input.path === '.' ? '' : input.path,
      tree,
      ...(capabilities === undefined ? {} : { capabilities }),
    };
    const rendered = await renderer.render(
      request,
      ports.repositories,
      remotesOf(unit, input, ports, read?.remotes),
    );
    if (!rendered.ok) return rendered;
    objects.push(...rendered.value.objects);
    warnings.push(...rendered.value.warnings);
    const { trace } = rendered.value;
    inputs.push({ ...locatedInput, read: pathsOf(trace), content: contentOfTrace(trace) });
  }
  return ok({ objects, warnings, located: relocate(unit, located, inputs) });
}
