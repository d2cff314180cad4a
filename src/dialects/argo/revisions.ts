/** Revisions as an Application's status has them: `revision` of one source, `revisions` of several. */
import { isObject, type Json, type JsonObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { Revision } from '#model/unit.ts';

const textOf = ({ name, commit }: Revision): string => name ?? commit;

const specOf = (resource: Manifest): JsonObject => (resource['spec'] ?? {}) as JsonObject;

/** An Application that lists sources has lists in its status, also of one. */
function hasSeveral(resource: Manifest): boolean {
  const { sources } = specOf(resource);
  return Array.isArray(sources) && sources.length > 0;
}

export function revisionMembers(resource: Manifest, revisions: readonly Revision[]): JsonObject {
  if (revisions.length === 0) return {};
  return hasSeveral(resource) ? { revisions: revisions.map(textOf) } : { revision: textOf(revisions[0]!) };
}

/** What an earlier status said, for as long as nothing newer is known. */
export function earlierRevisions(resource: Manifest, sync: unknown): JsonObject {
  const member = hasSeveral(resource) ? 'revisions' : 'revision';
  const value = isObject(sync) ? (sync[member] as Json | undefined) : undefined;
  return value === undefined ? {} : { [member]: value };
}

/** What of the spec was meant, beside the revisions. */
export function sourceMembers(resource: Manifest): JsonObject {
  const { source, sources } = specOf(resource);
  if (hasSeveral(resource)) return { sources: sources! };
  return source === undefined ? {} : { source };
}
