/** What of an object leaves by the API: no value of a Secret, no password of a URL (S14), nothing that only machines need. */
import { isSecret } from '#fields/secrets.ts';
import { withoutSecrets } from '#git/url.ts';
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';

/** kubectl keeps the whole manifest in it, as it was before anything was masked. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
const mask = '++++++++';

export function presented(manifest: Manifest): Manifest {
  const { managedFields: _, annotations, ...metadata } = manifest.metadata;
  const shown = Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => key !== lastApplied));
  const visible: Record<string, unknown> = {
    ...manifest,
    metadata: { ...metadata, ...(Object.keys(shown).length === 0 ? {} : { annotations: shown }) },
  };
  if (isSecret(manifest))
    for (const member of ['data', 'stringData'] as const)
      if (manifest[member] !== undefined) visible[member] = masked(manifest[member]);
  return clean(visible) as Manifest;
}

function masked(content: unknown): unknown {
  return isObject(content) ? Object.fromEntries(Object.keys(content).map((key) => [key, mask])) : mask;
}

/** Any text may carry an address with user and password. */
function clean(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('@') ? withoutSecrets(value, []) : value;
  if (Array.isArray(value)) return value.map(clean);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, clean(member)]));
}
