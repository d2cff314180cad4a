/** Where an option of rendering has the revision that is rendered: known only when the source is located. */
import type { RenderSpec, Revision } from './unit.ts';

/** They stand in its texts; no text of a manifest can have them. */
export const revisionMarks = {
  whole: '\0revision\0',
  short: '\0revision 7\0',
  short8: '\0revision 8\0',
} as const;

/** Undefined where it is the same at each revision. */
export function atRevision(
  render: RenderSpec,
  { commit, name = commit }: Pick<Revision, 'commit' | 'name'>,
): RenderSpec | undefined {
  const text = JSON.stringify(render);
  const values = { whole: name, short: name.slice(0, 7), short8: name.slice(0, 8) };
  const filled = Object.entries(revisionMarks).reduce(
    (done, [which, mark]) =>
      done.replaceAll(inside(mark), () => inside(values[which as keyof typeof values])),
    text,
  );
  return filled === text ? undefined : (JSON.parse(filled) as RenderSpec);
}

/** As it stands within a text of JSON. */
function inside(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
