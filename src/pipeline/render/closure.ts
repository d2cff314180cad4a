/**
 * Renders what names its own files: the renderer says what it lacks, that is read, and it is asked again, until it
 * lacks nothing. It is in the sandbox only while it computes; no worker waits for a disk or a network.
 */
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { JsonObject } from '#model/json.ts';
import type { RenderFiles, RenderRequest } from '#model/ports.ts';
import type { PathEntry } from '#model/rendered.ts';
import { renderLimits, sizeText, type RenderLimits } from './limits.ts';
import type { Answer, RenderSandbox } from './protocol.ts';
import { refusal } from './refusal.ts';

/** Bases of bases and charts in charts; each round goes one step deeper. */
const roundsMax = 100;
const nodesMax = 50_000;

export type Done = Extract<Answer, { kind: 'done' }>;
export interface Closed {
  readonly done: Done;
  readonly entries: ReadonlyMap<string, PathEntry>;
}

export async function renderClosed(
  op: 'kustomize' | 'helm',
  options: JsonObject,
  request: RenderRequest,
  source: { readonly files: RenderFiles; readonly sandbox: RenderSandbox },
  limits: RenderLimits = renderLimits,
): Promise<Result<Closed>> {
  const reading = new Reading(request, source.files, limits);
  const first = await reading.look([request.root]);
  if (!first.ok) return first;
  for (let round = 0; round < roundsMax; round += 1) {
    const answer = await source.sandbox.render({
      op,
      options,
      tree: reading.tree(),
      root: request.root,
      objectBytesMax: limits.objectBytesMax,
      lenient: [],
    });
    if (!answer.ok) return answer;
    if (answer.value.kind === 'done') return ok({ done: answer.value, entries: reading.entries });
    const { nodes, files } = answer.value;
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

class Reading {
  readonly entries = new Map<string, PathEntry>();
  readonly #request: RenderRequest;
  readonly #source: RenderFiles;
  readonly #limits: RenderLimits;
  readonly #contents = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(request: RenderRequest, source: RenderFiles, limits: RenderLimits) {
    this.#request = request;
    this.#source = source;
    this.#limits = limits;
  }

  tree() {
    const directories: Record<string, readonly string[]> = {};
    const known: string[] = [];
    const absent: string[] = [];
    for (const [path, entry] of this.entries) {
      if (entry.kind === 'directory') directories[path] = entry.names;
      else if (entry.kind === 'absent') absent.push(path);
      else if (!this.#contents.has(path)) known.push(path);
    }
    const files = [...this.#contents].map(([path, content]) => ({ path, content }));
    return { directories, known, absent, files };
  }

  async look(paths: readonly string[]): Promise<Result<undefined>> {
    const unknown = [...new Set(paths)].filter((path) => !this.entries.has(path));
    const found = await this.#source.look(this.#request.url, this.#request.commit, unknown);
    if (!found.ok) return found;
    unknown.forEach((path, index) => this.entries.set(path, found.value[index]!));
    return this.entries.size > nodesMax
      ? fail(this.#tooLarge(`More than ${nodesMax} files and directories are named.`))
      : ok(undefined);
  }

  async read(paths: readonly string[]): Promise<Result<undefined>> {
    const wanted = paths.flatMap((path) => {
      const entry = this.entries.get(path);
      return entry?.kind === 'file' && !this.#contents.has(path) ? [{ path, blob: entry.blob }] : [];
    });
    const { url } = this.#request;
    const blobs = wanted.map(({ blob }) => blob);
    const sizes = await this.#source.sizes(url, blobs);
    if (!sizes.ok) return sizes;
    for (const [index, { path }] of wanted.entries()) {
      const refused = this.#weigh(path, sizes.value[index] ?? 0);
      if (refused !== undefined) return fail(refused);
    }
    const contents = await this.#source.read(url, blobs);
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
