/** Stage 3 for a whole Unit: each input is rendered in the sandbox, and what it read is remembered. */
import { ok, type Failure, type Result } from '#model/failure.ts';
import type { ClusterView, Renderer } from '#model/ports.ts';
import type { RenderedObject } from '#model/rendered.ts';
import type { Unit } from '#model/unit.ts';
import { relocate, type Located } from '../source/locate.ts';
import { contentOfTrace, pathsOf } from '../source/dependence.ts';
import { namedInputs, remotesOf, type RemotesPorts } from '../source/remotes.ts';
import { repeatedObject } from './objects.ts';

export interface RenderedInputs {
  readonly objects: readonly RenderedObject[];
  readonly warnings: readonly Failure[];
  /** As it was located, with what rendering has read instead of whole directories. */
  readonly located: Located;
}

export interface RenderInputsPorts extends RemotesPorts {
  readonly renderer: Renderer;
  readonly view: ClusterView;
}

export async function renderInputs(
  unit: Unit,
  located: Located,
  { renderer, view, ...ports }: RenderInputsPorts,
): Promise<Result<RenderedInputs>> {
  const objects = new Map<string, RenderedObject>();
  const warnings: Failure[] = [];
  const inputs: Located['inputs'][number][] = [];
  const named = namedInputs(located.inputs);
  for (const locatedInput of located.inputs) {
    const { input, revision, tree, read } = locatedInput;
    if (input.render.kind === 'none') {
      inputs.push(locatedInput);
      continue;
    }
    const request = {
      unit: unit.id,
      anew: unit.refresh === 'hard',
      spec: input.render,
      watchedFiles: input.overrides?.files ?? [],
      url: input.source.url,
      commit: revision.commit,
      root: input.path === '.' ? '' : input.path,
      tree,
      view,
      ...(read?.answered === undefined ? {} : { answered: read.answered }),
    };
    const rendered = await renderer.render(
      request,
      ports.repositories,
      remotesOf({ unit, input, named }, ports, read?.remotes),
    );
    if (!rendered.ok) return rendered;
    warnings.push(...locatedInput.warnings, ...rendered.value.warnings);
    for (const object of rendered.value.objects) {
      const key = keyOf(object, unit, objects.size);
      const earlier = objects.get(key);
      if (earlier !== undefined) warnings.push(repeatedObject(earlier.at, object));
      objects.set(key, object);
    }
    const { trace } = rendered.value;
    // Whether links led to what was read now is found out when the next commit asks.
    const { same: _, ...fresh } = locatedInput;
    inputs.push({ ...fresh, read: pathsOf(trace), content: contentOfTrace(trace) });
  }
  return ok({ objects: [...objects.values()], warnings, located: relocate(unit, located, inputs) });
}

/** An object without a namespace is in that of the target. Names that are left open are each another object. */
function keyOf(
  { ref: { group, kind, namespace, name } }: RenderedObject,
  { target }: Unit,
  index: number,
): string {
  return JSON.stringify([group, kind, namespace || target.namespace, name === '' ? index : name]);
}
