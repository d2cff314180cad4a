/** Stage 3 for a whole Unit: each input is rendered in the sandbox, and what it read is remembered. */
import { ok, type Failure, type Result } from '#model/failure.ts';
import type { ClusterView, Renderer } from '#model/ports.ts';
import type { RenderedObject } from '#model/rendered.ts';
import type { Unit } from '#model/unit.ts';
import { relocate, type Located } from '../source/locate.ts';
import { contentOfTrace, pathsOf } from '../source/dependence.ts';
import { namedInputs, remotesOf, type RemotesPorts } from '../source/remotes.ts';
import { refusal } from './refusal.ts';

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
      const key = keyOf(object, unit);
      const earlier = objects.get(key);
      if (earlier !== undefined) warnings.push(repeated(earlier, object));
      objects.set(key, object);
    }
    const { trace } = rendered.value;
    // Whether links led to what was read now is found out when the next commit asks.
    const { same: _, ...fresh } = locatedInput;
    inputs.push({ ...fresh, read: pathsOf(trace), content: contentOfTrace(trace) });
  }
  return ok({ objects: [...objects.values()], warnings, located: relocate(unit, located, inputs) });
}

/** An object without a namespace is in that of the target. */
function keyOf({ ref: { group, kind, namespace, name } }: RenderedObject, { target }: Unit): string {
  return JSON.stringify([group, kind, namespace || target.namespace, name]);
}

/** Of several inputs that give one object the last counts, as for Argo CD; within one it would be a mistake. */
function repeated(earlier: RenderedObject, { ref, at }: RenderedObject): Failure {
  const message = `Another source gives this object too (${earlier.at.path}); the later one counts.`;
  const { group, kind, namespace, name } = ref;
  return {
    ...refusal('RepeatedResource', message, 'leave it out of one of them', at),
    subject: { group, kind, namespace, name },
  };
}
