/** What of an object leaves by the API: no value of a Secret, no password of a URL (S14), nothing that only machines need. */
import { masked } from '#fields/secrets.ts';
import { withoutSecrets } from '#git/url.ts';
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';

/** kubectl keeps the whole manifest in it, as it was before anything was masked. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** `sensitive`: annotations of Secrets whose values are not shown either. */
export function presented(manifest: Manifest, sensitive: readonly string[] = []): Manifest {
  const { metadata, ...visible } = masked(manifest, sensitive);
  const { managedFields: _, annotations, ...others } = metadata;
  const shown = Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => key !== lastApplied));
  return clean({
    ...visible,
    metadata: { ...others, ...(Object.keys(shown).length === 0 ? {} : { annotations: shown }) },
  }) as Manifest;
}

/** Any text may carry an address with user and password. */
function clean(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('@') ? withoutSecrets(value, []) : value;
  if (Array.isArray(value)) return value.map(clean);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, clean(member)]));
}
