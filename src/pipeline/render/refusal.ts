/** How this stage says no: always the render stage, always terminal until the tree changes. */
import type { Failure } from '#model/failure.ts';
import type { Position } from '#model/object.ts';

export type RenderCode =
  | 'InvalidYaml'
  | 'DuplicateKey'
  | 'YamlBomb'
  | 'ManifestTooLarge'
  | 'InvalidObject'
  | 'RepeatedResource'
  | 'Unsupported'
  | 'NotAManifest'
  | 'KustomizeFailed'
  | 'HelmFailed'
  | 'JsonnetFailed'
  | 'ValuesInvalid'
  | 'RandomTemplate'
  | 'LookupUnanswered'
  | 'LookupTooLarge'
  | 'RenderTimeout'
  | 'RenderOutOfMemory'
  | 'RenderCrashed';

/** Messages never quote a value of a file: it may be a secret (S14). */
export function refusal(code: RenderCode, message: string, hint: string, at?: Position): Failure {
  return { kind: 'terminal', code, stage: 'render', message, hint, ...(at === undefined ? {} : { at }) };
}

/** What to do about a rendering that had to be ended. */
export const whatGrows =
  'look for templates that loop, and for very large or deeply nested files; or split the directory';

export function tooMuchMemory(memoryMbMax: number): string {
  return `Rendering needed more than ${memoryMbMax} MiB of memory.`;
}
