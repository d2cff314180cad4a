/** From the module's answer to ours: objects that can be applied, and failures that say where and what to do. */
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { parseJson } from '#model/json.ts';
import type { Position } from '#model/object.ts';
import type { RenderedObject } from '#model/rendered.ts';
import { lastOfEach, objectOf } from './objects.ts';
import type { Answer, RawAnswer, RawFailure, RawObject, SandboxRequest } from './protocol.ts';
import { refusal, type RenderCode } from './refusal.ts';

export function answerOf(text: string, request: SandboxRequest): Result<Answer> {
  const raw = parseJson(text) as unknown as RawAnswer;
  if (raw.need !== undefined) {
    const { nodes = [], files = [], lookups = [], remotes = [], path, line } = raw.need;
    return ok({ kind: 'need', nodes, files, lookups, at: placeOf(path, line, request.root), remotes });
  }
  if (raw.value === undefined) return fail(failureOf(raw.failure, request.root));
  const { value } = raw;
  const warnings: Failure[] = [];
  const read = value.files === undefined ? readAll(value.objects ?? [], request) : ok([]);
  if (!read.ok) return read;
  const objects = [...read.value];
  for (const file of value.files ?? []) {
    const found =
      file.failure === undefined
        ? readAll(file.objects, request)
        : fail(failureOf(file.failure, request.root));
    if (!found.ok && !isForSomethingElse(found.failure, file.path, request)) return found;
    if (!found.ok) warnings.push(notAManifest(file.path));
    objects.push(...(found.ok ? found.value : []));
    warnings.push(...(file.duplicates ?? []).map((line) => duplicateKey(file.path, line)));
  }
  const once = lastOfEach(objects);
  warnings.push(...once.warnings);
  const { lookups, ...trace } = value.trace;
  const random = value.random ?? [];
  if (random.length > 0) warnings.push(randomTemplate(random, request.root));
  return ok({
    kind: 'done',
    objects: once.objects,
    warnings,
    trace,
    asked: {
      ...(lookups === undefined ? {} : { lookups }),
      ...(value.capabilities === undefined ? {} : { capabilities: value.capabilities }),
    },
    random,
    ...(value.text === undefined ? {} : { text: value.text }),
  });
}

function readAll(raw: readonly RawObject[], request: SandboxRequest): Result<readonly RenderedObject[]> {
  const objects: RenderedObject[] = [];
  for (const { path, line, bytes, object } of raw) {
    const at = { path: path ?? (request.root || '.'), ...(line === undefined ? {} : { line }) };
    const read = objectOf(object, bytes, at, request.objectBytesMax);
    if (!read.ok) return read;
    objects.push(read.value);
  }
  return ok(objects);
}

/** What is no YAML at all may have been a manifest once: passing it over would prune what it declared (F8). */
function isForSomethingElse({ code }: Failure, path: string, { lenient }: SandboxRequest): boolean {
  const isBroken = code === 'InvalidYaml' && !path.endsWith('.json');
  return !isBroken && code !== 'YamlBomb' && code !== 'ManifestTooLarge' && lenient.includes(path);
}

function failureOf(raw: RawFailure | undefined, root: string): Failure {
  if (raw === undefined)
    return refusal('RenderCrashed', 'The renderer gave no answer.', 'report it as a bug', { path: root });
  const { code, message, hint, path, line } = raw;
  return refusal(code as RenderCode, message, hint, placeOf(path, line, root));
}

function placeOf(path: string | undefined, line: number | undefined, root: string): Position {
  return { path: path || root || '.', ...(line === undefined ? {} : { line }) };
}

function notAManifest(path: string): Failure {
  const message = 'The file has no apiVersion and no kind: it is taken for something else than a manifest.';
  return refusal('NotAManifest', message, 'exclude it to silence this', { path });
}

function duplicateKey(path: string, line: number): Failure {
  const message = 'A key is there twice; the last one counts, as it does for Kubernetes.';
  return refusal('DuplicateKey', message, 'remove one of them', { path, line });
}

function randomTemplate(functions: readonly string[], path: string): Failure {
  return refusal(
    'RandomTemplate',
    `Templates use ${functions.join(', ')}: every rendering gives other values.`,
    'set the values that they would make up',
    { path: path || '.' },
  );
}
