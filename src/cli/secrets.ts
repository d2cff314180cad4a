/** What commands print of Secrets. */
import type { Manifest } from '#model/object.ts';

/** S14: the values of Secrets never leave through a terminal. */
export function withoutSecrets(manifest: Manifest): Manifest {
  if (manifest.kind !== 'Secret') return manifest;
  const masked = (data: unknown): object =>
    Object.fromEntries(Object.keys((data ?? {}) as object).map((key) => [key, '++++++++']));
  return {
    ...manifest,
    ...(manifest['data'] === undefined ? {} : { data: masked(manifest['data']) }),
    ...(manifest['stringData'] === undefined ? {} : { stringData: masked(manifest['stringData']) }),
  };
}
