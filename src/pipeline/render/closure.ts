/**
 * Renders what names its own files: the renderer says what it lacks, files or objects of the cluster, that is read, and
 * it is asked again, until it lacks nothing. It is in the sandbox only while it computes; no worker waits for a disk or
 * a network.
 */
import { posix } from 'node:path';
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { Digest, JsonObject } from '#model/json.ts';
import type { ClusterView, LookupAnswer, Remotes, RenderFiles, RenderRequest } from '#model/ports.ts';
import type { PathEntry, RemoteSource } from '#model/rendered.ts';
import { kustomizationNames, namedIn } from '../source/expect-named.ts';
import type { Dependency } from './dependencies.ts';
import { lookupsMax, withoutSecrets } from './lookups.ts';
import { renderLimits, sizeText, type RenderLimits } from './limits.ts';
import { Mounts, relative, wayToMounts, type Place, type RemoteRead } from './mounts.ts';
import type { Answer, RenderSandbox } from './protocol.ts';
import { refusal } from './refusal.ts';

/** Bases of bases and charts in charts; each round goes one step deeper. */
const roundsMax = 100;
const nodesMax = 50_000;
/** What is read before it is asked for: of each step deeper, and of a file. */
const aheadDepth = 5;
const aheadFilesMax = 20;
const aheadBytesMax = 32 * 1024;

const nothing = new Uint8Array();

export type Done = Extract<Answer, { kind: 'done' }>;
export interface Closed {
  readonly done: Done;
  /** Digests of what `lookup` found, by question. */
  readonly lookups: Readonly<Record<string, Digest>>;
  readonly entries: ReadonlyMap<string, PathEntry>;
  readonly remotes: readonly RemoteRead[];
}

export interface ClosureTools {
  readonly files: RenderFiles;
  readonly remotes: Remotes;
  readonly sandbox: RenderSandbox;
}

/** What is mounted before anything is rendered. */
export interface Mounted {
  readonly named?: readonly RemoteSource[];
  readonly dependencies?: readonly Dependency[];
}

export async function renderClosed(
  op: 'kustomize' | 'helm' | 'jsonnet',
  options: JsonObject,
  request: RenderRequest,
  { files: own, remotes, sandbox }: ClosureTools,
  { named = [], dependencies = [] }: Mounted = {},
  limits: RenderLimits = renderLimits,
): Promise<Result<Closed>> {
  const { url, commit } = request;
  const mounts = new Mounts({ files: own, url, commit, prefix: '' }, remotes);
  for (const remote of named) {
    const mounted = await mounts.addNamed(remote, request.root || '.');
    if (!mounted.ok) return mounted;
  }
  for (const dependency of dependencies) {
    const mounted = await mounts.addDependency(dependency);
    if (!mounted.ok) return mounted;
  }
  const reading = new Reading(request, mounts, limits);
  const view = op === 'helm' ? request.view : undefined;
  const answers = new Map<string, LookupAnswer>();
  // Of a chart at the root all names are known, and the way to the mounts is not among them.
  const first = await reading.look([request.root, ...(named.length === 0 ? [] : wayToMounts)]);
  if (!first.ok) return first;
  if (op === 'kustomize') await reading.readAhead();
  for (let round = 0; round < roundsMax + answers.size; round += 1) {
    const answer = await sandbox.render({
      op,
      options: view === undefined ? options : { ...options, lookup: textsOf(answers) },
      tree: reading.tree(),
      root: request.root,
      objectBytesMax: limits.objectBytesMax,
      lenient: [],
    });
    if (!answer.ok) return fail(mounts.failure(withoutSecrets(answer.failure, [...answers.values()])));
    if (answer.value.kind === 'done') return ok(closed(answer.value, mounts, reading.entries, answers));
    const { nodes, files, lookups, at, remotes: named } = answer.value;
    const found = await lookUp(lookups, view, answers);
    if (!found.ok) return fail({ at, ...found.failure });
    for (const remote of named) {
      const mounted = await mounts.add(remote);
      if (!mounted.ok) return mounted;
    }
    const looked = await reading.look([...nodes, ...files]);
    if (!looked.ok) return looked;
    const read = await reading.read(files);
    if (!read.ok) return read;
  }
  return fail(
    refusal('RenderTimeout', `It names files that name files, more than ${roundsMax} deep.`, 'flatten it', {
      path: request.root || '.',
    }),
  );
}

async function lookUp(
  questions: readonly string[],
  view: ClusterView | undefined,
  answers: Map<string, LookupAnswer>,
): Promise<Result<undefined>> {
  if (questions.length === 0 || view === undefined) return ok(undefined);
  if (answers.size + questions.length > lookupsMax) {
    const message = `The chart looks up more than ${lookupsMax} things in the cluster.`;
    return fail(refusal('LookupTooLarge', message, 'look up lists instead of each object by itself'));
  }
  const found = await view.lookUp(questions);
  if (!found.ok) return found;
  questions.forEach((question, index) => answers.set(question, found.value[index]!));
  return ok(undefined);
}

function textsOf(answers: ReadonlyMap<string, LookupAnswer>): JsonObject {
  return Object.fromEntries([...answers].map(([question, { text }]) => [question, text]));
}

function closed(
  done: Done,
  mounts: Mounts,
  entries: ReadonlyMap<string, PathEntry>,
  answers: ReadonlyMap<string, LookupAnswer>,
): Closed {
  const asked = done.asked.lookups ?? [];
  return {
    done: {
      ...done,
      objects: mounts.objects(done.objects),
      warnings: done.warnings.map((warning) => mounts.failure(warning)),
      trace: mounts.own(done.trace),
    },
    entries,
    remotes: mounts.read(done.trace, entries),
    lookups: Object.fromEntries(
      asked.map((question) => [question, answers.get(question)?.digest ?? digestOf('')]),
    ),
  };
}

class Reading {
  readonly entries = new Map<string, PathEntry>();
  readonly #request: RenderRequest;
  readonly #mounts: Mounts;
  readonly #limits: RenderLimits;
  readonly #contents = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(request: RenderRequest, mounts: Mounts, limits: RenderLimits) {
    this.#request = request;
    this.#mounts = mounts;
    this.#limits = limits;
  }

  tree() {
    const directories: Record<string, readonly string[]> = {};
    const known: string[] = [];
    const absent: string[] = [];
    for (const [path, entry] of this.entries) {
      const own = entry.kind === 'directory' ? entry.names : [];
      const names = entry.kind === 'file' ? own : this.#mounts.names(path, own);
      if (entry.kind === 'directory' || names.length > 0) directories[path] = names;
      else if (entry.kind === 'absent') absent.push(path);
      else if (!this.#contents.has(path)) known.push(path);
    }
    const files = [...this.#contents].map(([path, content]) => ({ path, content }));
    return { directories, known, absent, files, mounts: this.#mounts.all };
  }

  async look(paths: readonly string[]): Promise<Result<undefined>> {
    for (const path of paths) {
      const entry = this.#mounts.onTheWay(path);
      if (entry !== undefined) this.entries.set(path, entry);
    }
    const unknown = [...new Set(paths)].filter((path) => !this.entries.has(path));
    for (const [place, there] of Map.groupBy(unknown, (path) => this.#mounts.placeOf(path))) {
      const names = there.map((path) => relative(path, place.prefix));
      const found = await place.files.look(place.url, place.commit, names);
      if (!found.ok) return found;
      there.forEach((path, index) => this.entries.set(path, found.value[index]!));
    }
    return this.entries.size > nodesMax
      ? fail(this.#tooLarge(`More than ${nodesMax} files and directories are named.`))
      : ok(undefined);
  }

  /**
   * The files beside a kustomization, and in the directories that it seems to name: what it will ask for in most cases,
   * and each time that it need not ask spares a round. What cannot be read here fails where it is asked for.
   */
  async readAhead(): Promise<void> {
    let directories: readonly string[] = [this.#request.root];
    for (let depth = 0; depth < aheadDepth && directories.length > 0; depth += 1) {
      const looked = await this.look(directories);
      const files = directories.flatMap((directory) => this.#filesAhead(directory));
      if (!looked.ok || files.length > aheadFilesMax) return;
      const read = (await this.look(files)).ok && (await this.read(files, aheadBytesMax)).ok;
      if (!read) return;
      const named = files
        .filter((path) => kustomizationNames.includes(posix.basename(path)))
        .flatMap((path) => namedIn(this.#contents.get(path) ?? nothing, posix.dirname(path)));
      // The root is rarely meant, and is never written so where it is asked for.
      directories = [...new Set(named)].filter((path) => path !== '.' && !this.entries.has(path));
    }
  }

  #filesAhead(directory: string): readonly string[] {
    const entry = this.entries.get(directory);
    const names = entry?.kind === 'directory' ? entry.names : [];
    return names.filter((name) => !name.endsWith('/')).map((name) => posix.join(directory, name));
  }

  /** With `bytesMax`, larger ones are left for when they are asked for. */
  async read(paths: readonly string[], bytesMax?: number): Promise<Result<undefined>> {
    const wanted = paths.flatMap((path) => {
      const entry = this.entries.get(path);
      return entry?.kind === 'file' && !this.#contents.has(path) ? [{ path, blob: entry.blob }] : [];
    });
    for (const [place, there] of Map.groupBy(wanted, ({ path }) => this.#mounts.placeOf(path))) {
      const read = await this.#readAt(place, there, bytesMax);
      if (!read.ok) return read;
    }
    return ok(undefined);
  }

  async #readAt(
    { files, url }: Place,
    asked: readonly { readonly path: string; readonly blob: string }[],
    bytesMax = Infinity,
  ): Promise<Result<undefined>> {
    const sizes = await files.sizes(
      url,
      asked.map(({ blob }) => blob),
    );
    if (!sizes.ok) return sizes;
    const wanted = asked.filter((_, index) => (sizes.value[index] ?? 0) <= bytesMax);
    for (const [index, { path }] of asked.entries()) {
      // What was not asked for refuses nothing: it is little.
      const refused = bytesMax < Infinity ? undefined : this.#weigh(path, sizes.value[index] ?? 0);
      if (refused !== undefined) return fail(this.#mounts.failure(refused));
    }
    const contents = await files.read(
      url,
      wanted.map(({ blob }) => blob),
    );
    if (!contents.ok) return contents;
    wanted.forEach(({ path }, index) => this.#contents.set(path, contents.value[index]!));
    return ok(undefined);
  }

  /** F13, F20: before it is read. */
  #weigh(path: string, bytes: number): Failure | undefined {
    const { fileBytesMax, totalBytesMax } = this.#limits;
    this.#bytes += bytes;
    if (bytes > fileBytesMax)
      return this.#tooLarge(
        `The file is ${sizeText(bytes)}; at most ${sizeText(fileBytesMax)} are read.`,
        path,
      );
    if (this.#bytes > totalBytesMax)
      return this.#tooLarge(
        `The files that are read are more than ${sizeText(totalBytesMax)} together.`,
        path,
      );
    return undefined;
  }

  #tooLarge(message: string, path = this.#request.root || '.'): Failure {
    return refusal('ManifestTooLarge', message, 'split it, or leave files out', { path });
  }
}
