/**
 * A directory without a kustomization file as Flux reads it: as if it had one that names every manifest below it. A
 * directory below that has a kustomization file of its own is taken as that says.
 */
import { posix } from 'node:path';
import { fail, ok, type Result } from '#model/failure.ts';
import type { RenderFiles, RenderRequest } from '#model/ports.ts';
import type { PathEntry, TreeFile, TreePaths } from '#model/rendered.ts';
import type { GeneratedKustomization } from '#model/unit.ts';
import { ignorer, type IgnoreRules } from './ignore.ts';
import { refusal } from './refusal.ts';
import type { RenderedParts } from './trace.ts';

export const kustomizationNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];
const ignoreFile = '.sourceignore';
/** Where the made-up file stands for as long as it is rendered. */
const generatedBlob = 'generated';
const resourcesMax = 10_000;

export interface Generated {
  /** The repository, with the file that it lacks. */
  readonly files: RenderFiles;
  /** What was rendered, with what the generated file came from instead of the file. */
  readonly undo: (parts: RenderedParts) => RenderedParts;
}

/** Undefined where there is a kustomization file, or no such directory. */
export async function generateKustomization(
  { url, commit, root, tree }: Pick<RenderRequest, 'url' | 'commit' | 'root' | 'tree'>,
  options: GeneratedKustomization,
  files: RenderFiles,
): Promise<Result<Generated | undefined>> {
  const own = kustomizationNames.map((name) => posix.join(root, name));
  const there = await files.look(url, commit, own);
  if (!there.ok) return there;
  if (there.value.some(({ kind }) => kind === 'file')) return ok(undefined);
  const below = await files.files(url, tree);
  if (!below.ok) return below;
  const directories = directoriesOf(below.value);
  const ignoring = await readIgnores({ url, commit, root }, directories, options, files);
  if (!ignoring.ok) return ignoring;
  const { rules, entries } = ignoring.value;
  const isIgnored = ignorer(rules);
  const resources = resourcesOf(
    below.value.map(({ path }) => path).filter((path) => !isIgnored(posix.join(root, path))),
  );
  if (resources.length === 0)
    return fail(
      refusal(
        'KustomizeFailed',
        'There is no manifest below the directory, and no kustomization.yaml.',
        'add one, correct the path, or look at what the source ignores',
        { path: root || '.' },
      ),
    );
  if (resources.length > resourcesMax)
    return fail(
      refusal('ManifestTooLarge', `The directory has more than ${resourcesMax} manifests.`, 'split it', {
        path: root || '.',
      }),
    );
  const listed = directories.map((directory) => posix.join(root, directory)).map(fromRoot);
  const listings = await files.look(url, commit, listed);
  if (!listings.ok) return listings;
  const path = own[0]!;
  const text = `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: ${JSON.stringify(resources)}\n`;
  const seen = new Map<string, PathEntry>([
    ...entries,
    ...own.map((name) => [name, { kind: 'absent' }] as const),
    ...listed.map((name, index) => [name, listings.value[index]!] as const),
  ]);
  return ok({
    files: withFile(files, { url, commit, path }, text),
    undo: (parts) => undo(parts, path, seen),
  });
}

const fromRoot = (path: string): string => (path === '.' ? '' : path);

/** Every directory in which a manifest or a kustomization may appear; '' is the root. */
function directoriesOf(files: readonly TreeFile[]): readonly string[] {
  const directories = new Set(['']);
  for (const { path } of files)
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
      directories.add(path.slice(0, at));
  return [...directories].toSorted();
}

/** The rules of the ignore files that may concern the directory: above it, in it, and below. */
async function readIgnores(
  { url, commit, root }: Pick<RenderRequest, 'url' | 'commit' | 'root'>,
  directories: readonly string[],
  { ignore, readsIgnoreFiles }: GeneratedKustomization,
  files: RenderFiles,
): Promise<
  Result<{ readonly rules: readonly IgnoreRules[]; readonly entries: ReadonlyMap<string, PathEntry> }>
> {
  const own: IgnoreRules = { directory: '', text: ignore };
  if (!readsIgnoreFiles) return ok({ rules: [own], entries: new Map() });
  const parts = root === '' ? [] : root.split('/');
  const above = parts.map((_, index) => parts.slice(0, index).join('/'));
  const all = [...above, ...directories.map((directory) => fromRoot(posix.join(root, directory)))];
  const paths = all.map((directory) => posix.join(directory, ignoreFile));
  const entries = await files.look(url, commit, paths);
  if (!entries.ok) return entries;
  const found = entries.value.flatMap((entry, index) =>
    entry.kind === 'file' ? [{ directory: all[index]!, blob: entry.blob }] : [],
  );
  const texts = await files.read(
    url,
    found.map(({ blob }) => blob),
  );
  if (!texts.ok) return texts;
  const rules = found.map(({ directory }, index) => ({
    directory,
    text: Buffer.from(texts.value[index]!).toString('utf8'),
  }));
  return ok({
    rules: [...rules, own],
    entries: new Map(paths.map((path, index) => [path, entries.value[index]!])),
  });
}

function resourcesOf(paths: readonly string[]): readonly string[] {
  const isKustomization = (path: string): boolean => kustomizationNames.includes(posix.basename(path));
  const built = paths.filter(isKustomization).map((path) => posix.dirname(path));
  const isWithin = (path: string): boolean => built.some((directory) => path.startsWith(`${directory}/`));
  const outermost = built.filter((directory) => !isWithin(directory));
  const manifests = paths.filter(
    (path) => /\.ya?ml$/.test(path) && !isKustomization(path) && !isWithin(path),
  );
  return [...new Set([...outermost, ...manifests])].toSorted();
}

/** The repository as if the file stood in it. */
function withFile(
  files: RenderFiles,
  at: { readonly url: string; readonly commit: string; readonly path: string },
  text: string,
): RenderFiles {
  const content = Buffer.from(text, 'utf8');
  const directory = fromRoot(posix.dirname(at.path));
  const isOurs = (blob: string): boolean => blob === generatedBlob;
  const among = async <T>(
    blobs: readonly string[],
    ask: (others: readonly string[]) => Promise<Result<readonly T[]>>,
    own: T,
  ): Promise<Result<readonly T[]>> => {
    const others = await ask(blobs.filter((blob) => !isOurs(blob)));
    if (!others.ok) return others;
    const rest = others.value[Symbol.iterator]();
    return ok(blobs.map((blob) => (isOurs(blob) ? own : rest.next().value!)));
  };
  return {
    files: (url, tree) => files.files(url, tree),
    look: async (url, commit, paths) => {
      const entries = await files.look(url, commit, paths);
      if (!entries.ok || url !== at.url || commit !== at.commit) return entries;
      return ok(
        entries.value.map((entry, index): PathEntry => {
          if (paths[index] === at.path) return { kind: 'file', blob: generatedBlob };
          if (paths[index] !== directory || entry.kind !== 'directory') return entry;
          return { ...entry, names: [...entry.names, posix.basename(at.path)].toSorted() };
        }),
      );
    },
    sizes: (url, blobs) => among(blobs, (others) => files.sizes(url, others), content.length),
    read: (url, blobs) => among<Uint8Array>(blobs, (others) => files.read(url, others), content),
  };
}

/** What it depends on is not the generated file, but the names from which that was made. */
function undo(parts: RenderedParts, path: string, seen: ReadonlyMap<string, PathEntry>): RenderedParts {
  const ofKind = (kind: PathEntry['kind']): readonly string[] =>
    [...seen].flatMap(([name, entry]) => (entry.kind === kind ? [name] : []));
  const union = (one: readonly string[], other: readonly string[]): readonly string[] =>
    [...new Set([...one, ...other])].toSorted();
  const paths: TreePaths = {
    files: union(
      parts.paths.files.filter((name) => name !== path),
      ofKind('file'),
    ),
    listings: union(parts.paths.listings, ofKind('directory')),
    absent: union(parts.paths.absent, ofKind('absent')),
  };
  return { ...parts, paths, entries: new Map([...parts.entries, ...seen]) };
}
