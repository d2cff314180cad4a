/**
 * A renderer with a memory: what was rendered from the same files is not rendered again, across restarts.
 *
 * What a rendering depends on is known only after it. So a question (whose, which spec, where, which renderer) leads to a
 * few candidates, each with its trace. The first of them that would read the same now, in the asked commit, in the
 * repositories that files name and of the cluster, is the answer. The repository's address is no part of the question:
 * what was read is named by content.
 */
import { digestOf } from '#fields/digest.ts';
import { ok } from '#model/failure.ts';
import { canonicalJson, jsonText, parseJson, type Digest } from '#model/json.ts';
import type { Meter, Remotes, Renderer, RenderFiles, RenderRequest, RenderStore } from '#model/ports.ts';
import type { Rendered, RemoteTrace, Trace, TreeTrace } from '#model/rendered.ts';
import { contentAt, contentOfTrace, pathsOf } from '../source/dependence.ts';
import { clusterDigest, clusterTrace } from './cluster-trace.ts';
import { rendererVersion } from './version.ts';

interface Candidate {
  /** Where the rest of what was rendered is. */
  readonly output: Digest;
  readonly trace: Trace;
  readonly madeUp: boolean;
}
type Output = Omit<Rendered, 'trace'>;

/** Of one question. Enough for a branch that goes back and forth, and for the last good set beside what is wanted. */
const candidatesMax = 8;
/** Of what is kept: what an earlier form wrote is not asked for any more. */
const form = 1;

export function keepingRenderer(renderer: Renderer, store: RenderStore, meter: Meter): Renderer {
  return {
    prepare: () => renderer.prepare?.(),
    render: async (request, files, remotes) => {
      if (request.unit === undefined) return renderer.render(request, files, remotes);
      const question = questionOf(request);
      const candidates = ((await read(store, question)) ?? []) as readonly Candidate[];
      const candidate = await holding(candidates, request, files, remotes);
      const kept = candidate && ((await read(store, candidate.output)) as Output | undefined);
      if (kept !== undefined) {
        meter.count('trueup_renders_reused_total');
        if (canonicalJson(candidate) !== canonicalJson(candidates[0]))
          await remember(store, question, candidate!, candidates);
        return ok({ ...kept, trace: candidate!.trace });
      }
      const rendered = await renderer.render(request, files, remotes);
      if (!rendered.ok) return rendered;
      const { trace, ...output } = rendered.value;
      const made = { output: digestOf(`${question} ${output.key}`), trace, madeUp: isMadeUp(output) };
      // In this order, so that there is no candidate without its output.
      await write(store, made.output, output, made);
      await remember(store, question, made, candidates);
      return rendered;
    },
  };
}

/** Whether templates made up values that are others each time. */
export function isMadeUp({ warnings }: Pick<Rendered, 'warnings'>): boolean {
  return warnings.some(({ code }) => code === 'RandomTemplate');
}

/** Of one Unit: whoever copies a chart and its values must not be given what was made up for another. */
function questionOf({ unit, spec, root, watchedFiles = [] }: RenderRequest): Digest {
  return digestOf(canonicalJson({ form, renderer: rendererVersion, unit, spec, root, watchedFiles }));
}

/** The first candidate that would be rendered the same now, with the commits that it would read. */
async function holding(
  candidates: readonly Candidate[],
  request: RenderRequest,
  files: RenderFiles,
  remotes: Remotes,
): Promise<Candidate | undefined> {
  for (const candidate of candidates) {
    const { trace, madeUp } = candidate;
    if (request.anew === true && !madeUp) continue;
    const { url, commit } = request;
    if (!(await isThere(trace, { files, url, commit }))) continue;
    const others = await remotesNow(trace.remotes, remotes);
    if (others === undefined || !(await isAnsweredSo(trace, request))) continue;
    return { ...candidate, trace: { ...trace, ...others } };
  }
  return undefined;
}

async function isThere(
  { files: read, listings, absent }: TreeTrace,
  { files, url, commit }: { readonly files: RenderFiles; readonly url: string; readonly commit: string },
): Promise<boolean> {
  const tree = { files: read, listings, absent };
  const content = await contentAt(files, url, commit, pathsOf(tree));
  return content.ok && content.value.digest === contentOfTrace(tree);
}

/**
 * At the commits that they stand for now. Undefined where one reads otherwise, cannot be had, or may not be read: what
 * is denied by now is not given from here (S7). Asked only where the files are the same, and so name them.
 */
async function remotesNow(
  read: Trace['remotes'],
  remotes: Remotes,
): Promise<Pick<Trace, 'remotes'> | undefined> {
  if (read === undefined) return {};
  const now: RemoteTrace[] = [];
  for (const remote of read) {
    const pinned = await remotes.pin(remote);
    if (!pinned.ok || !(await isThere(remote, { files: remotes.files, ...pinned.value }))) return undefined;
    now.push({ ...remote, commit: pinned.value.commit });
  }
  return { remotes: now };
}

async function isAnsweredSo(trace: Trace, { view, spec, answered }: RenderRequest): Promise<boolean> {
  const then = clusterDigest(trace);
  if (then === undefined || then === answered) return true;
  const now = view && (await clusterTrace(pathsOf(trace), spec, view));
  return now?.ok === true && clusterDigest(now.value) === then;
}

/** What is no candidate any more is not kept either. */
async function remember(
  store: RenderStore,
  question: Digest,
  first: Candidate,
  candidates: readonly Candidate[],
): Promise<void> {
  const all = [first, ...candidates.filter(({ output }) => output !== first.output)];
  await write(store, question, all.slice(0, candidatesMax), first);
  for (const { output } of all.slice(candidatesMax)) await store.remove(output);
}

async function read(store: RenderStore, key: Digest): Promise<unknown> {
  const value = await store.get(key);
  return value === undefined ? undefined : parseJson(Buffer.from(value).toString('utf8'));
}

function write(store: RenderStore, key: Digest, value: unknown, { madeUp }: Candidate): Promise<void> {
  return store.put(key, Buffer.from(jsonText(value)), madeUp);
}
