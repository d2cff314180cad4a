/** Stages 1 and 2: from a Unit's sources to revisions and trees, named by content. */
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { canonicalJson, type Digest } from '#model/json.ts';
import type { UnitState } from '#model/outcome.ts';
import type { ClusterView, Repositories } from '#model/ports.ts';
import type { TracePaths } from '#model/rendered.ts';
import { atRevision } from '#model/revision-marks.ts';
import { gitRefOf, versionRefOf } from '#model/target-revision.ts';
import type { Ancestry, GitRef, Input, Revision, Unit } from '#model/unit.ts';
import { clusterDigest, clusterTrace } from '../render/cluster-trace.ts';
import { rendererVersion } from '../render/version.ts';
import { contentAt, nothingRead, pinnedRead, type SameAt } from './dependence.ts';
import { overridden, type OverridePorts } from './overrides.ts';
import { namedInputs, type NamedInputs } from './remotes.ts';

export interface LocatedInput {
  readonly input: Input;
  readonly revision: Revision;
  /** The Git object id of the directory. */
  readonly tree: string;
  /** What rendering read last time; absent before the first. */
  readonly read?: TracePaths;
  /** Of what rendering depends on: of the whole directory until it is known what it reads. */
  readonly content: Digest;
  readonly same?: SameAt;
  /** Its options have the revision: another commit renders something else, whatever it changes. */
  readonly namesRevision?: true;
  /** What is worth knowing of files that say how it is rendered. */
  readonly warnings: readonly Failure[];
}
export interface LocatePorts extends OverridePorts {
  readonly repositories: Repositories;
}
export interface Located {
  readonly inputs: readonly LocatedInput[];
  readonly revisions: readonly Revision[];
  /** The worst of the inputs against what was applied last. */
  readonly ancestry: Ancestry;
  /** Of everything on which the desired objects depend. */
  readonly digest: Digest;
}

const worstFirst: readonly Ancestry[] = ['older', 'rewritten', 'descendant', 'same', 'first'];

export interface LocateQuestion {
  readonly unit: Unit;
  /** What was applied last, of which inputs, and what rendering them read. */
  readonly state: Pick<UnitState, 'revisions' | 'inputs' | 'read'> | undefined;
  /** Instead of what the sources say, in the order of the inputs: a person's choice, or the last good set. */
  readonly instead?: readonly (GitRef | undefined)[];
  /** Absent: as without a cluster. */
  readonly view?: ClusterView;
  /**
   * Whether names in other repositories stand for what they do now, and the cluster answers as it does now, or as when
   * it was rendered.
   */
  readonly when?: 'now' | 'then';
}

export async function locate(question: LocateQuestion, ports: LocatePorts): Promise<Result<Located>> {
  const { repositories } = ports;
  const places: Place[] = [];
  for (const [index, input] of question.unit.inputs.entries()) {
    const ref = question.instead?.[index];
    const place = await placeOf(ref === undefined ? input : withRef(input, ref), ports);
    if (!place.ok) return place;
    places.push(place.value);
  }
  const named = namedInputs(places);
  const inputs: LocatedInput[] = [];
  for (const [index, place] of places.entries()) {
    const { input, revision, tree } = place;
    const last = input.render.kind === 'none' ? nothingRead : question.state?.read?.[index];
    const read =
      last === undefined ? ok(undefined) : await readAgain(question, input, last, named, repositories);
    if (!read.ok) return read;
    if (read.value === undefined) {
      inputs.push({ ...place, content: digestOf(tree) });
      continue;
    }
    const { commit } = revision;
    const content = await contentAt(repositories, input.source.url, commit, read.value);
    if (!content.ok) return content;
    const { digest, isPlain } = content.value;
    inputs.push({ ...place, content: digest, read: read.value, same: { commit, isPlain } });
  }
  const digest = inputsDigest(question.unit, inputs);
  const ancestry = await ancestryOf(question, inputs, digest, repositories);
  if (!ancestry.ok) return ancestry;
  const revisions = inputs.map(({ revision }) => revision);
  return ok({ inputs, revisions, ancestry: ancestry.value, digest });
}

/** What a person asks for, in the order of the inputs; an empty text asks for what the source says. */
export function insteadOf({ inputs }: Unit, revisions: readonly string[]): readonly (GitRef | undefined)[] {
  return inputs.map(({ source: { kind }, render }, index) => {
    const wanted = revisions[index] ?? '';
    if (wanted === '') return undefined;
    if (kind === 'git') return gitRefOf(wanted);
    return versionRefOf(wanted, kind === 'helm' || render.kind === 'helm');
  });
}

type Place = Pick<LocatedInput, 'input' | 'revision' | 'tree' | 'warnings' | 'namesRevision'>;

const withRef = (input: Input, ref: GitRef): Input => ({ ...input, source: { ...input.source, ref } });

async function placeOf(input: Input, ports: LocatePorts): Promise<Result<Place>> {
  const { repositories } = ports;
  const { source, path } = input;
  const revision = await repositories.resolve(source);
  if (!revision.ok) return revision;
  const trees = await repositories.trees(source.url, [{ commit: revision.value.commit, path }]);
  if (!trees.ok) return trees;
  const [tree] = trees.value;
  if (tree === undefined) return fail(pathMissing(path, revision.value));
  const said = await overridden(
    input,
    { url: source.url, commit: revision.value.commit },
    repositories,
    ports,
  );
  if (!said.ok) return said;
  const place = { ...said.value, revision: revision.value, tree };
  const { render } = place.input;
  const filled = render.kind === 'none' ? undefined : atRevision(render, revision.value);
  if (filled === undefined) return ok(place);
  return ok({ ...place, input: { ...place.input, render: filled }, namesRevision: true });
}

/** Undefined where a remote cannot be had: nothing is known of what would be read. */
async function readAgain(
  { unit, view, when = 'now' }: LocateQuestion,
  input: Input,
  last: TracePaths,
  named: NamedInputs,
  repositories: Pick<Repositories, 'resolve'>,
): Promise<Result<TracePaths | undefined>> {
  const read = await pinnedRead({ unit, input, named }, last, repositories, when);
  if (read === undefined || when === 'then') return ok(read);
  const trace = view === undefined ? ok({}) : await clusterTrace(read, input.render, view);
  if (!trace.ok) return trace;
  const answered = clusterDigest(trace.value);
  const { answered: _, ...asked } = read;
  return ok(answered === undefined ? asked : { ...asked, answered });
}

/** After rendering, when it is known what the inputs depend on. */
export function relocate(unit: Unit, located: Located, inputs: readonly LocatedInput[]): Located {
  return { ...located, inputs, digest: inputsDigest(unit, inputs) };
}

/** What to remember of a rendering, for the next time that its inputs are located. */
export function readOf({ inputs }: Located): readonly TracePaths[] | undefined {
  const read = inputs.flatMap((input) => input.read ?? []);
  return read.length === inputs.length ? read : undefined;
}

/** History matters only where the files differ: the same files are neither older nor newer. */
async function ancestryOf(
  { state, instead }: LocateQuestion,
  inputs: readonly LocatedInput[],
  digest: Digest,
  repositories: Repositories,
): Promise<Result<Ancestry>> {
  if (state?.inputs === digest) return ok('same');
  const found = new Set<Ancestry>();
  for (const [index, { input, revision }] of inputs.entries()) {
    const before = state?.revisions[index];
    const commit = before?.url === revision.url ? before.commit : undefined;
    const ancestry = await repositories.ancestry(input.source, commit, revision.commit);
    if (!ancestry.ok) return ancestry;
    const isOwn = state?.inputs !== undefined && instead?.[index] === undefined;
    const isWanted = isOwn && before !== undefined && isRenamed(input, before, revision);
    found.add(ancestry.value === 'older' && isWanted ? 'descendant' : ancestry.value);
  }
  return ok(worstFirst.find((ancestry) => found.has(ancestry)) ?? 'first');
}

/**
 * Whoever names another branch, tag or commit wants what it stands for. Where the same name, a range or the default branch
 * stands for something older, nobody asked for it (F10).
 */
function isRenamed({ source: { ref } }: Input, before: Revision, now: Revision): boolean {
  if ('semver' in ref || ('name' in ref && /^(?:HEAD)?$/.test(ref.name))) return false;
  return nameIn(before) !== nameIn(now);
}
/** `main` of `main@1f2e3d4c`; of a commit without a name itself. */
const nameIn = ({ label }: Revision): string => label.replace(/@[^@]*$/, '');

function pathMissing(path: string, { url, label }: Revision): Failure {
  return {
    kind: 'terminal',
    code: 'PathNotFound',
    stage: 'artifact',
    message: `${url} has no directory "${path}" at ${label}; what is applied stays`,
    hint: 'correct the path, or push the directory',
  };
}

function inputsDigest({ target, tracking, manager, limits }: Unit, inputs: readonly LocatedInput[]): Digest {
  return digestOf(
    canonicalJson({
      form: 2,
      renderer: rendererVersion,
      inputs: inputs.map(({ content, read, input }) => ({
        content,
        cluster: read?.answered,
        render: input.render,
        path: input.path,
      })),
      target,
      tracking,
      manager,
      limits,
    }),
  );
}
