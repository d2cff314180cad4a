/** What Git says of a Unit, as it would be applied, for whoever only wants to look. */
import type { RenderedManifests } from '#http/api/applications.ts';
import { fail, ok, type Result } from '#model/failure.ts';
import type { ClusterView, Renderer } from '#model/ports.ts';
import type { Unit } from '#model/unit.ts';
import { renderInputs } from '#pipeline/render/inputs.ts';
import { insteadOf, locate, type LocatePorts } from '#pipeline/source/locate.ts';

export interface ManifestPorts extends LocatePorts {
  readonly renderer: Renderer;
  /** The one that keeps what it renders. */
  readonly keeping: Renderer;
  readonly view: (unit: Unit) => ClusterView;
}

export function renderedManifests({ renderer, keeping, view, ...sources }: ManifestPorts) {
  return async (unit: Unit, revision: string | undefined): Promise<Result<RenderedManifests>> => {
    const [refused] = unit.unsupported;
    if (refused !== undefined) return fail(refused);
    const instead = revision === undefined ? {} : { instead: insteadOf(unit, [revision]) };
    const located = await locate({ unit, state: undefined, ...instead }, sources);
    if (!located.ok) return located;
    // Another revision is looked at once: it must not take the room of what is applied.
    const by = revision === undefined ? keeping : renderer;
    const rendered = await renderInputs(unit, located.value, {
      ...sources,
      renderer: by,
      view: view(unit),
    });
    if (!rendered.ok) return rendered;
    return ok({
      revision: located.value.revisions[0]?.commit ?? '',
      objects: rendered.value.objects.map(({ manifest }) => manifest),
    });
  };
}
