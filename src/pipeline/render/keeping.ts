/**
 * A renderer with a memory: what was rendered from the same files is not rendered again, across restarts.
 *
 * What a rendering depends on is known only after it. So a question (whose, which spec, where, which renderer) leads to a
 * few candidates, each with what it read. The first of them that would read the same in the asked commit is the answer.
 * The repository's address is no part of the question: what was read is named by content.
 */
import { digestOf } from '#fields/digest.ts';
import { ok } from '#model/failure.ts';
import { canonicalJson, jsonText, parseJson, type Digest } from '#model/json.ts';
import type { Meter, Renderer, RenderFiles, RenderRequest, RenderStore } from '#model/ports.ts';
import type { Rendered, TracePaths } from '#model/rendered.ts';
import { contentAt, contentOfTrace, pathsOf } from '../source/dependence.ts';
import { rendererVersion } from './version.ts';

interface Candidate {
  /** Where its output is. */
  readonly output: Digest;
  readonly read: TracePaths;
  readonly content: Digest;
  /**
   * Absent where templates made values up: what else the cluster serves by now is no reason to make up others. It makes
   * no difference to the inputs of a Unit either.
   */
  readonly capabilities?: Digest;
}

/** Of one question. Enough for a branch that goes back and forth, and for the last good set beside what is wanted. */
const candidatesMax = 8;
/** Of what is kept: what an earlier form wrote is not asked for any more. */
const form = 1;

export function keepingRenderer(renderer: Renderer, store: RenderStore, meter: Meter): Renderer {
  return {
    render: async (request, files, remotes) => {
      if (request.unit === undefined) return renderer.render(request, files, remotes);
      const question = questionOf(request);
      const candidates = ((await read(store, question)) ?? []) as readonly Candidate[];
      const candidate = await holding(candidates, request, files);
      const kept = candidate && ((await read(store, candidate.output)) as Rendered | undefined);
      if (kept !== undefined) {
        meter.count('trueup_renders_reused_total');
        if (candidate !== candidates[0]) await remember(store, question, candidate!, candidates);
        return ok(kept);
      }
      const rendered = await renderer.render(request, files, remotes);
      if (!rendered.ok) return rendered;
      const made = candidateOf(question, rendered.value, request);
      // In this order, so that there is no candidate without its output.
      await write(store, made.output, rendered.value, made);
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
function questionOf({ unit, spec, root, refusedFiles = [] }: RenderRequest): Digest {
  return digestOf(canonicalJson({ form, renderer: rendererVersion, unit, spec, root, refusedFiles }));
}

function candidateOf(question: Digest, rendered: Rendered, request: RenderRequest): Candidate {
  return {
    output: digestOf(`${question} ${rendered.key}`),
    read: pathsOf(rendered.trace),
    content: contentOfTrace(rendered.trace),
    ...(isMadeUp(rendered) ? {} : { capabilities: capabilitiesOf(request) }),
  };
}

async function holding(
  candidates: readonly Candidate[],
  request: RenderRequest,
  files: RenderFiles,
): Promise<Candidate | undefined> {
  const served = capabilitiesOf(request);
  for (const candidate of candidates) {
    const isMadeUp = candidate.capabilities === undefined;
    if (!isMadeUp && (request.anew === true || candidate.capabilities !== served)) continue;
    const content = await contentAt(files, request.url, request.commit, candidate.read);
    if (content.ok && content.value === candidate.content) return candidate;
  }
  return undefined;
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

function capabilitiesOf({ capabilities }: RenderRequest): Digest {
  return digestOf(canonicalJson(capabilities));
}

async function read(store: RenderStore, key: Digest): Promise<unknown> {
  const value = await store.get(key);
  return value === undefined ? undefined : parseJson(Buffer.from(value).toString('utf8'));
}

function write(store: RenderStore, key: Digest, value: unknown, { capabilities }: Candidate): Promise<void> {
  return store.put(key, Buffer.from(jsonText(value)), capabilities === undefined);
}
