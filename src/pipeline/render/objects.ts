/** From decoded documents to objects: what is no object that can be applied is refused. */
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import { refOf, type Manifest, type Position } from '#model/object.ts';
import type { RenderedObject } from '#model/rendered.ts';
import { sizeText } from './limits.ts';
import { refusal } from './refusal.ts';

/** `bytes`: as JSON. */
export function objectOf(
  value: unknown,
  bytes: number,
  at: Position,
  objectBytesMax: number,
): Result<RenderedObject> {
  const failure = refuseObject(value, bytes, at, objectBytesMax);
  if (failure !== undefined) return fail(failure);
  const manifest = value as Manifest;
  const { name } = manifest.metadata as { readonly name?: string };
  return ok({ ref: { ...refOf(manifest), name: name ?? '' }, manifest, at });
}

function refuseObject(
  value: unknown,
  bytes: number,
  at: Position,
  objectBytesMax: number,
): Failure | undefined {
  const invalid = (message: string, hint: string): Failure => refusal('InvalidObject', message, hint, at);
  if (!isObject(value))
    return invalid('This is not a Kubernetes object.', 'write a mapping with apiVersion, kind and metadata');
  const missing = ['apiVersion', 'kind'].find(
    (name) => typeof value[name] !== 'string' || value[name] === '',
  );
  if (missing !== undefined)
    return invalid(`The object has no ${missing}.`, `add ${missing}, or exclude the file`);
  const { metadata } = value;
  if (!isObject(metadata)) return invalid('The object has no metadata.', 'add metadata.name');
  if (isEncrypted(value))
    return refusal(
      'Unsupported',
      `The ${String(value['kind'])} is encrypted with SOPS, which is not supported yet.`,
      'ciphertext is never applied; exclude the file',
      at,
    );
  // Hooks may leave their name to be made up; the planner knows which objects are hooks.
  const isGenerated = metadata['name'] === undefined && typeof metadata['generateName'] === 'string';
  if (!isGenerated && (typeof metadata['name'] !== 'string' || metadata['name'] === ''))
    return invalid('metadata.name must be a text.', 'add it, or put it in quotes');
  const namespace = metadata['namespace'] ?? '';
  if (typeof namespace !== 'string') return invalid('metadata.namespace must be a text.', 'put it in quotes');
  for (const member of ['labels', 'annotations']) {
    const problem = refuseTexts(metadata[member], `metadata.${member}`);
    if (problem !== undefined) return invalid(problem, 'put the value in quotes');
  }
  if (bytes > objectBytesMax)
    return refusal(
      'ManifestTooLarge',
      `${String(value['kind'])} ${metadata['name']} is ${sizeText(bytes)} as JSON; the API server takes at most ${sizeText(objectBytesMax)}.`,
      'split it, or keep the data elsewhere',
      at,
    );
  return undefined;
}

function refuseTexts(texts: unknown, where: string): string | undefined {
  if (texts === undefined || texts === null) return undefined;
  if (!isObject(texts)) return `${where} must be a mapping.`;
  const key = Object.keys(texts).find((name) => typeof texts[name] !== 'string');
  return key === undefined ? undefined : `${where} \`${key}\` must be a text.`;
}

/** SOPS adds a member `sops` with a message authentication code to what it encrypts. */
function isEncrypted(value: { readonly [key: string]: unknown }): boolean {
  const sops = value['sops'];
  return isObject(sops) && sops['mac'] !== undefined;
}

/** Of places that give one object the last counts, as for Argo CD. Names that are left open are each another object. */
export function lastOfEach(objects: readonly RenderedObject[]): {
  readonly objects: readonly RenderedObject[];
  readonly warnings: readonly Failure[];
} {
  const last = new Map<string, RenderedObject>();
  const warnings: Failure[] = [];
  for (const [index, object] of objects.entries()) {
    const { group, kind, namespace, name } = object.ref;
    const key = JSON.stringify([group, kind, namespace, name === '' ? index : name]);
    const earlier = last.get(key);
    if (earlier !== undefined) warnings.push(repeatedObject(earlier.at, object));
    last.set(key, object);
  }
  return { objects: [...last.values()], warnings };
}

/** `at`: where it stands once more, and counts. */
export function repeatedObject(
  earlier: Position,
  { ref: { group, kind, namespace, name }, at }: Pick<RenderedObject, 'ref' | 'at'>,
): Failure {
  const message = `The object is also in ${place(earlier)}; what is here counts.`;
  return {
    ...refusal('RepeatedResource', message, 'leave it out of one of them', at),
    subject: { group, kind, namespace, name },
  };
}

function place(at: Position): string {
  return at.line === undefined ? at.path : `${at.path}:${at.line}`;
}
