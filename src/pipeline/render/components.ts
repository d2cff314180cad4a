/** Components that need not be there: which of them are, is found out before Kustomize is asked. */
import { posix } from 'node:path';
import { ok, type Result } from '#model/failure.ts';
import type { RenderFiles, RenderRequest } from '#model/ports.ts';
import type { PathEntry } from '#model/rendered.ts';
import type { KustomizeRender } from '#model/unit.ts';

export interface Present {
  readonly spec: KustomizeRender;
  /** Where one may appear, its coming is a reason to render again. */
  readonly looked: ReadonlyMap<string, PathEntry>;
}

export async function presentComponents(
  spec: KustomizeRender,
  { url, commit, root }: RenderRequest,
  files: RenderFiles,
): Promise<Result<Present>> {
  const { componentsMayMiss, components = [], ...edits } = spec.edits;
  const bare = { ...spec, edits: components.length === 0 ? edits : { ...edits, components } };
  if (componentsMayMiss !== true) return ok({ spec: bare, looked: new Map() });
  const places = components.map((name) => posix.join(root, name).replace(/\/$/, ''));
  // What is of another repository, or outside of this one, is Kustomize's to refuse.
  const here = places.filter((path, index) => !isElsewhere(components[index]!) && !path.startsWith('..'));
  const entries = await files.look(url, commit, here);
  if (!entries.ok) return entries;
  const looked = new Map(here.map((path, index) => [path, entries.value[index]!]));
  const there = components.filter((_, index) => looked.get(places[index]!)?.kind !== 'absent');
  return ok({
    spec: { ...spec, edits: there.length === 0 ? edits : { ...edits, components: there } },
    looked: new Map([...looked].filter(([, { kind }]) => kind === 'absent')),
  });
}

function isElsewhere(component: string): boolean {
  return /:\/\/|^[^/]+@[^/]+:|\?ref=/.test(component);
}
