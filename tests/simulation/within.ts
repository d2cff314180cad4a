/** Whether what is declared stands in the cluster. */
import { isObject } from '#model/json.ts';
import type { Stored } from '#embedded/objects.ts';

/** Whether all that is declared stands there; what others add beside it is theirs. */
export function isWithin(declared: unknown, live: unknown): boolean {
  if (Array.isArray(declared))
    return Array.isArray(live) && declared.length === live.length && isWithin({ ...declared }, { ...live });
  if (!isObject(declared)) return declared === live;
  return isObject(live) && Object.entries(declared).every(([key, value]) => isWithin(value, live[key]));
}

/** A Secret's values as they are declared. */
export function withPlainData(live: Stored): Stored {
  const data = live['data'];
  if (live.kind !== 'Secret' || !isObject(data)) return live;
  const plain = Object.entries(data).map(([key, value]) => [
    key,
    Buffer.from(String(value), 'base64').toString(),
  ]);
  return { ...live, stringData: Object.fromEntries(plain) };
}
