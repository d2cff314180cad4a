/** What Git says of a Unit, as it would be applied, for whoever only wants to look. */
import type { RenderedManifests } from '#http/api/applications.ts';
import { fail, ok, type Result } from '#model/failure.ts';
import type { ClusterView, Renderer, Repositories } from '#model/ports.ts';
import type { Unit } from '#model/unit.ts';
import { renderInputs } from '#pipeline/render/inputs.ts';
import { insteadOf, locate } from '#pipeline/source/locate.ts';

export interface ManifestPorts {
  readonly repositories: Repositories;
  readonly renderer: Renderer;
  /** The one that keeps what it renders. */
  readonly keeping: Renderer;
  readonly view: (unit: Unit) => ClusterView;
}

export function renderedManifests({ repositories, renderer, keeping, view }: ManifestPorts) {
  return async (unit: Unit, revision: string | undefined): Promise<Result<RenderedManifests>> => {
    const [refused] = unit.unsupported;
    if (refused !== undefined) return fail(refused);
    const instead = revision === undefined ? {} : { instead: insteadOf([revision]) };
    const located = await locate({ unit, state: undefined, ...instead }, repositories);
    if (!located.ok) return located;
    // Another revision is looked at once: it must not take the room of what is applied.
    const by = revision === undefined ? keeping : renderer;
    const rendered = await renderInputs(unit, located.value, {
      repositories,
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
