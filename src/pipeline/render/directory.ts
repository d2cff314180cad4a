/**
 * Renders a directory of YAML and JSON files as Argo CD reads one: every manifest file of the directory, or of its
 * subdirectories too when it recurses, that the patterns let through. Pure; runs in a sandbox (sandbox.ts).
 *
 * A file that has neither an `apiVersion` nor a `kind` anywhere in it is not for Kubernetes (a values file, a
 * workflow): it is passed over with a warning. One that contains `+argocd:skip-file-rendering` is passed over too.
 */
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { canonicalJson } from '#model/json.ts';
import type { RenderRequest } from '#model/ports.ts';
import type { Rendered, RenderedObject, Trace, TreeFile } from '#model/rendered.ts';
import type { RenderSpec } from '#model/unit.ts';
import { parseGlob } from './glob.ts';
import { renderLimits, sizeText, type RenderLimits } from './limits.ts';
import { objectsOf, refuseDuplicates } from './objects.ts';
import { refusal } from './refusal.ts';
import { decodeYaml } from './yaml.ts';

/** Raised whenever the same files may give other objects: it is part of the render key. */
export const rendererVersion = 'directory/1';

const manifestName = /\.(yaml|yml|json)$/;
const jsonnetName = /\.(jsonnet|libsonnet)$/;
const skipMarker = '+argocd:skip-file-rendering';
/** Their presence at the root makes another tool's source of the directory. */
const otherTools: ReadonlyMap<string, string> = new Map([
  ['kustomization.yaml', 'Kustomize'],
  ['kustomization.yml', 'Kustomize'],
  ['Kustomization', 'Kustomize'],
  ['Chart.yaml', 'Helm'],
]);
const parameterFile = /^\.argocd-source.*\.yaml$/;

/** The files that `renderDirectory` needs, sorted by path: those it reads, and those whose presence it refuses. */
export function wantedFiles(spec: RenderSpec, files: readonly TreeFile[]): readonly TreeFile[] {
  const selected = selector(spec);
  return files
    .filter(
      ({ path }) =>
        isMarker(path) || (selected?.(path) === true && (manifestName.test(path) || jsonnetName.test(path))),
    )
    .toSorted((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0));
}

function isMarker(path: string): boolean {
  return otherTools.has(path) || parameterFile.test(path);
}

/** Undefined when a pattern is malformed. */
function selector({ recurse, include, exclude }: RenderSpec): ((path: string) => boolean) | undefined {
  const included = include === undefined || include === '' ? undefined : parseGlob(include);
  const excluded = exclude === undefined || exclude === '' ? undefined : parseGlob(exclude);
  if ((include && included === undefined) || (exclude && excluded === undefined)) return undefined;
  return (path) =>
    (recurse || !path.includes('/')) &&
    (included === undefined || included.matches(path)) &&
    (excluded === undefined || !excluded.matches(path));
}

/** Every failure is terminal, names the file and where it can the line, and has one of the codes in refusal.ts. */
export function renderDirectory(
  request: RenderRequest,
  limits: RenderLimits = renderLimits,
): Result<Rendered> {
  const { spec, root } = request;
  if (selector(spec) === undefined)
    return fail(
      refusal('Unsupported', 'The include or exclude pattern is malformed.', 'correct the pattern', {
        path: prefixed(root, ''),
      }),
    );
  const files = wantedFiles(spec, request.files) as RenderRequest['files'];
  const refused = refuseFiles(files, root, limits);
  if (refused !== undefined) return fail(refused);

  const objects: RenderedObject[] = [];
  const warnings: Failure[] = [];
  for (const file of files) {
    const path = prefixed(root, file.path);
    const read = readFile(path, file.content, limits);
    if (!read.ok) return read;
    if (read.value === undefined) {
      const message =
        'The file has no apiVersion and no kind: it is taken for something else than a manifest.';
      warnings.push(refusal('NotAManifest', message, 'exclude it to silence this', { path }));
      continue;
    }
    objects.push(...read.value);
    if (objects.length > limits.objectsMax)
      return fail(
        refusal('ManifestTooLarge', `The directory has more than ${limits.objectsMax} objects.`, 'split it', {
          path,
        }),
      );
  }
  const duplicate = refuseDuplicates(objects);
  if (duplicate !== undefined) return fail(duplicate);

  const trace: Trace = {
    files: Object.fromEntries(files.map(({ path, blob }) => [prefixed(root, path), blob])),
    listings: { [prefixed(root, '')]: digestOf(canonicalJson(files.map(({ path }) => path))) },
    absent: [...otherTools.keys()].map((name) => prefixed(root, name)),
  };
  const key = digestOf(canonicalJson({ renderer: rendererVersion, spec, root, trace }));
  return ok({ key, objects, trace, warnings });
}

function refuseFiles(files: RenderRequest['files'], root: string, limits: RenderLimits): Failure | undefined {
  let total = 0;
  for (const { path, content } of files) {
    const at = { path: prefixed(root, path) };
    const tool = otherTools.get(path);
    if (tool !== undefined)
      return refusal(
        'Unsupported',
        `The directory is a ${tool} source, which is not supported yet.`,
        'nothing is applied until it is',
        at,
      );
    if (parameterFile.test(path))
      return refusal(
        'Unsupported',
        'Parameter override files are not supported yet.',
        'move its content into the Application',
        at,
      );
    if (jsonnetName.test(path))
      return refusal(
        'Unsupported',
        'Jsonnet files are not supported yet.',
        'exclude them, or commit what they generate',
        at,
      );
    if (content.byteLength > limits.fileBytesMax)
      return refusal(
        'ManifestTooLarge',
        `The file is ${sizeText(content.byteLength)}; at most ${sizeText(limits.fileBytesMax)} are read.`,
        'split it, or exclude it',
        at,
      );
    total += content.byteLength;
    if (total > limits.totalBytesMax)
      return refusal(
        'ManifestTooLarge',
        `The manifests of the directory are more than ${sizeText(limits.totalBytesMax)} together.`,
        'split it, or exclude files',
        at,
      );
  }
  return undefined;
}

/** Undefined: the file is for something else. */
function readFile(
  path: string,
  content: Uint8Array,
  limits: RenderLimits,
): Result<readonly RenderedObject[] | undefined> {
  const text = decodeText(content);
  if (text === undefined)
    return fail(
      refusal('InvalidYaml', 'The file is not UTF-8 text.', 'save it as UTF-8, or exclude it', { path }),
    );
  if (text.includes(skipMarker)) return ok([]);
  const objects = readObjects(path, text, limits);
  const isForUs = text.includes('apiVersion') || text.includes('kind');
  if (objects.ok || isForUs) return objects;
  // What is no YAML at all may have been a manifest once: passing it over would prune what it declared (F8).
  const { code } = objects.failure;
  const isBroken = code === 'InvalidYaml' && !path.endsWith('.json');
  return isBroken || code === 'YamlBomb' || code === 'ManifestTooLarge' ? objects : ok(undefined);
}

function readObjects(path: string, text: string, limits: RenderLimits): Result<readonly RenderedObject[]> {
  if (path.endsWith('.json') && !isJson(text))
    return fail(refusal('InvalidYaml', 'The file is not valid JSON.', 'correct the file', { path }));
  const documents = decodeYaml(path, text, limits);
  return documents.ok ? objectsOf(path, documents.value, limits) : documents;
}

function decodeText(content: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    return undefined;
  }
}

/** The YAML library accepts more than JSON; a file that says it is JSON has to be. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The path in the repository: what people look for. */
function prefixed(root: string, path: string): string {
  const base = root === '.' || root === '' ? '' : root;
  if (path === '') return base === '' ? '.' : base;
  return base === '' ? path : `${base}/${path}`;
}
