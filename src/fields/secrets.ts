/**
 * Secrets are sealed before anything looks at them: no value of a Secret goes into a projection, a change or a
 * digest that is not keyed (S14). Everything downstream works on the sealed manifest, so nothing has to remember.
 */
import { canonicalJson, isObject } from '#model/json.ts';
import type { FieldChange } from '#model/observed.ts';
import type { Manifest } from '#model/object.ts';
import type { Sealer } from '#model/ports.ts';
import { pathText } from './path.ts';

/** kubectl's client-side apply keeps the whole manifest in it, plaintext included. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
const secretMembers = ['data', 'stringData'] as const;
/** 64 bits: enough that two values never seem equal by chance. */
const sealHexDigits = 16;
const mask = '++++++++';

export function isSecret(manifest: Manifest): boolean {
  return manifest.kind === 'Secret' && manifest.apiVersion === 'v1';
}

/** Whether the field at this path text of a Secret carries secret content. */
export function isSecretPath(path: string): boolean {
  return (
    /^\.(data|stringData)(?![A-Za-z0-9_-])/.test(path) || path === `.metadata.annotations["${lastApplied}"]`
  );
}

/** The manifest with every secret value replaced by `sealed:…`; any other kind is returned as it is. */
export function sealed(manifest: Manifest, sealer: Sealer): Manifest {
  if (!isSecret(manifest)) return manifest;
  const seal = (value: unknown): string =>
    `sealed:${sealer.seal(canonicalJson(value)).slice('sha256:'.length, 'sha256:'.length + sealHexDigits)}`;
  const result: Record<string, unknown> = { ...manifest };
  for (const member of secretMembers) {
    const content = manifest[member];
    if (content === undefined || content === null) continue;
    result[member] = isObject(content)
      ? Object.fromEntries(Object.entries(content).map(([key, value]) => [key, seal(value)]))
      : seal(content);
  }
  const annotations = manifest.metadata.annotations;
  const applied = annotations?.[lastApplied];
  if (annotations !== undefined && applied !== undefined)
    result['metadata'] = {
      ...manifest.metadata,
      annotations: { ...annotations, [lastApplied]: seal(applied) },
    };
  return result as Manifest;
}

/** What people are shown of an object: of a Secret no value, and of these `annotations` none either. */
export function masked(manifest: Manifest, annotations: readonly string[] = []): Manifest {
  if (!isSecret(manifest)) return manifest;
  const shown: Record<string, unknown> = { ...manifest };
  for (const member of secretMembers) {
    const content = manifest[member];
    if (content !== undefined) shown[member] = isObject(content) ? maskedMembers(content) : mask;
  }
  const { metadata } = manifest;
  if (metadata.annotations !== undefined)
    shown['metadata'] = {
      ...metadata,
      annotations: maskedMembers(metadata.annotations, [lastApplied, ...annotations]),
    };
  return shown as Manifest;
}

function maskedMembers(content: object, names: readonly string[] = Object.keys(content)): object {
  const entries = Object.entries(content);
  return Object.fromEntries(entries.map(([name, value]) => [name, names.includes(name) ? mask : value]));
}

/** The changes of an object as people are shown them: of a Secret without the values of these `annotations`. */
export function maskedChanges(
  changes: readonly FieldChange[],
  manifest: Manifest,
  annotations: readonly string[] = [],
): readonly FieldChange[] {
  if (annotations.length === 0 || !isSecret(manifest)) return changes;
  const all = ['f:metadata', 'f:annotations'];
  // All of them at once may have one of them.
  const hidden = new Set([all, ...annotations.map((name) => [...all, `f:${name}`])].map(pathText));
  return changes.map((change) => {
    if (!hidden.has(change.path)) return change;
    const { path, owner } = change;
    return { path, secret: true, ...(owner === undefined ? {} : { owner }) };
  });
}
