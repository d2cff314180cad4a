/** Who wrote the status of a resource, as its managed fields tell (F29). */
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import { parseTimestamp } from '#model/time.ts';

/** The manager under which we write foreign status. */
export const statusManager = 'trueup';

export interface StatusWriter {
  readonly manager: string;
  readonly atMs: number;
}

/** Everyone whose managedFields entry holds a part of `status`. People's tools do not count as controllers. */
export function statusWriters(resource: Manifest): readonly StatusWriter[] {
  const entries = resource.metadata['managedFields'];
  if (!Array.isArray(entries)) return [];
  const writers: StatusWriter[] = [];
  for (const entry of entries.filter(isObject)) {
    const fields = entry['fieldsV1'];
    const manager = String(entry['manager'] ?? '');
    if (!isObject(fields) || !isObject(fields['f:status']) || manager.startsWith('kubectl')) continue;
    writers.push({ manager, atMs: parseTimestamp(entry['time']) ?? 0 });
  }
  return writers;
}
