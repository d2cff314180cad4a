/**
 * Renders a directory of YAML, JSON and Jsonnet files as Argo CD reads one: every manifest file of the directory, or of its
 * subdirectories too when it recurses, that the patterns let through. What is in them is decoded in the sandbox (sandbox.ts), as Kubernetes does.
 *
 * A file that has neither an `apiVersion` nor a `kind` anywhere in it is not for Kubernetes (a values file, a
 * workflow): it is passed over with a warning. One that contains `+argocd:skip-file-rendering` is passed over too.
 */
import { isUtf8 } from 'node:buffer';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { JsonObject } from '#model/json.ts';
import type { RenderRequest } from '#model/ports.ts';
import { parseGlob } from '#model/glob.ts';
import type { PathEntry, TreeFile } from '#model/rendered.ts';
import type { DirectoryRender } from '#model/unit.ts';
import { renderClosed, type Closed, type ClosureTools } from './closure.ts';
import { renderLimits, sizeText, type RenderLimits } from './limits.ts';
import { lastOfEach } from './objects.ts';
import type { RenderSandbox } from './protocol.ts';
import { refusal } from './refusal.ts';
import type { RenderedParts } from './trace.ts';

const manifestName = /\.(yaml|yml|json)$/;
const jsonnetName = /\.jsonnet$/;
const skipMarker = '+argocd:skip-file-rendering';
/** Their presence at the root makes another tool's source of the directory. */
const otherTools: ReadonlyMap<string, string> = new Map([
  ['kustomization.yaml', 'Kustomize'],
  ['kustomization.yml', 'Kustomize'],
  ['Kustomization', 'Kustomize'],
  ['Chart.yaml', 'Helm'],
]);
/** They say how a source is rendered, and are no manifests. */
const parameterFile = /^\.argocd-source.*\.yaml$/;

/** The files that `renderDirectory` needs, sorted by path: those it reads, and those whose presence it refuses. */
export function wantedFiles(spec: DirectoryRender, files: readonly TreeFile[]): readonly TreeFile[] {
  const selected = selector(spec);
  return files
    .filter(
      ({ path }) =>
        otherTools.has(path) ||
        (selected?.(path) === true &&
          !parameterFile.test(path) &&
          (manifestName.test(path) || jsonnetName.test(path))),
    )
    .toSorted((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0));
}

/** Undefined when a pattern is malformed. */
function selector({ recurse, include, exclude }: DirectoryRender): ((path: string) => boolean) | undefined {
  const included = include === undefined || include === '' ? undefined : parseGlob(include);
  const excluded = exclude === undefined || exclude === '' ? undefined : parseGlob(exclude);
  if ((include && included === undefined) || (exclude && excluded === undefined)) return undefined;
  return (path) =>
    (recurse || !path.includes('/')) &&
    (included === undefined || included.matches(path)) &&
    (excluded === undefined || !excluded.matches(path));
}

/** Every failure is terminal, names the file and where it can the line, and has one of the codes in refusal.ts. */
export async function renderDirectory(
  request: RenderRequest & { readonly spec: DirectoryRender },
  tools: ClosureTools,
  limits: RenderLimits = renderLimits,
): Promise<Result<RenderedParts>> {
  const { spec, root, url, commit, tree } = request;
  if (selector(spec) === undefined)
    return fail(
      refusal('Unsupported', 'The include or exclude pattern is malformed.', 'correct the pattern', {
        path: prefixed(root, ''),
      }),
    );
  const all = await tools.files.files(url, tree);
  if (!all.ok) return all;
  const wanted = wantedFiles(spec, all.value);
  const refused = refuseFiles(wanted, root, limits);
  if (refused !== undefined) return fail(refused);
  const plain = wanted.filter(({ path }) => !jsonnetName.test(path));
  const contents = await tools.files.read(
    url,
    plain.map(({ blob }) => blob),
  );
  if (!contents.ok) return contents;
  const files = plain.map(({ path }, index) => ({
    path: prefixed(root, path),
    content: contents.value[index]!,
  }));
  const decoded = await decode(files, root, tools.sandbox, limits);
  if (!decoded.ok) return decoded;
  const evaluated = await evaluateJsonnet(request, wanted, tools);
  if (!evaluated.ok) return evaluated;
  const { done, entries: imported } = evaluated.value;
  const order = new Map(wanted.map(({ path }, index) => [prefixed(root, path), index]));
  const { objects, warnings } = lastOfEach(
    [...decoded.value.objects, ...done.objects].toSorted(
      (a, b) => (order.get(a.at.path) ?? 0) - (order.get(b.at.path) ?? 0),
    ),
  );
  const refusedObjects = tooMany(objects, root, limits);
  if (refusedObjects !== undefined) return fail(refusedObjects);
  const listings = spec.recurse ? directoriesOf(all.value) : [''];
  const listed = listings.map((path) => (root === '' ? path : prefixed(root, path)));
  const entries = await tools.files.look(url, commit, listed);
  if (!entries.ok) return entries;
  const read = wanted.map(({ path }) => prefixed(root, path));
  return ok({
    objects,
    warnings: [...decoded.value.warnings, ...done.warnings, ...warnings],
    paths: {
      files: [...new Set([...read, ...done.trace.files])].toSorted(),
      listings: listed,
      absent: done.trace.absent,
    },
    entries: new Map<string, PathEntry>([
      ...imported,
      ...wanted.map(({ path, blob }) => [prefixed(root, path), { kind: 'file', blob }] as const),
      ...listed.map((path, index) => [path, entries.value[index]!] as const),
    ]),
  });
}

const nothingEvaluated = {
  done: { objects: [], warnings: [], trace: { files: [], listings: [], absent: [] } },
  entries: new Map<string, PathEntry>(),
};

/** Files of Jsonnet, with whatever they import. */
async function evaluateJsonnet(
  request: RenderRequest & { readonly spec: DirectoryRender },
  wanted: readonly TreeFile[],
  tools: ClosureTools,
): Promise<
  Result<Pick<Closed, 'entries'> & { readonly done: Omit<Closed['done'], 'kind' | 'asked' | 'random'> }>
> {
  const { root, spec } = request;
  const names = wanted.filter(({ path }) => jsonnetName.test(path)).map(({ path }) => prefixed(root, path));
  if (names.length === 0) return ok(nothingEvaluated);
  const { extVars = [], tlas = [], libs = [] } = spec.jsonnet ?? {};
  const options = { files: names, path: root, libs, extVars, tlas } as unknown as JsonObject;
  return renderClosed('jsonnet', options, request, tools);
}

async function decode(
  files: readonly { readonly path: string; readonly content: Uint8Array }[],
  root: string,
  sandbox: RenderSandbox,
  limits: RenderLimits,
): Promise<Result<Pick<RenderedParts, 'objects' | 'warnings'>>> {
  const read = files.filter(
    ({ content }) =>
      !Buffer.from(content.buffer, content.byteOffset, content.byteLength).includes(skipMarker),
  );
  const answer = await sandbox.render({
    op: 'decode',
    options: { files: read.map(({ path }) => path), limits: { ...limits } as unknown as JsonObject },
    tree: { directories: {}, known: [], absent: [], files: read },
    root,
    objectBytesMax: limits.objectBytesMax,
    lenient: read.filter(({ content }) => !isForUs(content)).map(({ path }) => path),
  });
  if (!answer.ok) return answer;
  if (answer.value.kind === 'need') throw new Error('plain files need nothing else');
  const { objects, warnings } = answer.value;
  return ok({ objects, warnings });
}

function tooMany(
  objects: readonly unknown[],
  root: string,
  { objectsMax }: RenderLimits,
): Failure | undefined {
  if (objects.length <= objectsMax) return undefined;
  const message = `The directory has more than ${objectsMax} objects.`;
  return refusal('ManifestTooLarge', message, 'split it', { path: prefixed(root, '') });
}

/** A file that is no text may be a manifest in another encoding: it is refused, not passed over. */
function isForUs(content: Uint8Array): boolean {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  return bytes.includes('apiVersion') || bytes.includes('kind') || !isUtf8(bytes) || bytes.includes(0);
}

/** Every directory in which a file may appear, relative; '' is the directory itself. */
function directoriesOf(files: readonly TreeFile[]): readonly string[] {
  const directories = new Set(['']);
  for (const { path } of files)
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
      directories.add(path.slice(0, at));
  return [...directories].toSorted();
}

function refuseFiles(files: readonly TreeFile[], root: string, limits: RenderLimits): Failure | undefined {
  let total = 0;
  for (const { path, sizeBytes } of files) {
    const at = { path: prefixed(root, path) };
    const tool = otherTools.get(path);
    if (tool !== undefined)
      return refusal(
        'Unsupported',
        `The directory is a ${tool} source, and it is declared as plain files.`,
        'remove spec.source.directory, or move the file away',
        at,
      );
    if (sizeBytes > limits.fileBytesMax)
      return refusal(
        'ManifestTooLarge',
        `The file is ${sizeText(sizeBytes)}; at most ${sizeText(limits.fileBytesMax)} are read.`,
        'split it, or exclude it',
        at,
      );
    total += sizeBytes;
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

/** The path in the repository: what people look for. */
function prefixed(root: string, path: string): string {
  const base = root === '.' || root === '' ? '' : root;
  if (path === '') return base === '' ? '.' : base;
  return base === '' ? path : `${base}/${path}`;
}
