/** Stages 1 and 2: from a Unit's sources to revisions and trees, named by content. */
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { canonicalJson, type Digest } from '#model/json.ts';
import type { Repositories } from '#model/ports.ts';
import type { TracePaths } from '#model/rendered.ts';
import type { Ancestry, GitRef, Input, Revision, Unit } from '#model/unit.ts';
import { contentAt } from './dependence.ts';

export interface LocatedInput {
  readonly input: Input;
  readonly revision: Revision;
  /** The Git object id of the directory. */
  readonly tree: string;
  /** What rendering read last time; absent before the first. */
  readonly read?: TracePaths;
  /** Of what rendering depends on: of the whole directory until it is known what it reads. */
  readonly content: Digest;
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
  /** What was applied last, in the order of the inputs. */
  readonly before: readonly Revision[];
  /** What rendering read last time, in the order of the inputs. */
  readonly read?: readonly TracePaths[];
  /** Instead of what the sources say: a person's choice, or the last good set. */
  readonly instead?: GitRef;
}

export async function locate(question: LocateQuestion, repositories: Repositories): Promise<Result<Located>> {
  const inputs: LocatedInput[] = [];
  const ancestries: Ancestry[] = [];
  for (const [index, input] of question.unit.inputs.entries()) {
    const source = question.instead === undefined ? input.source : { ...input.source, ref: question.instead };
    const revision = await repositories.resolve(source);
    if (!revision.ok) return revision;
    const { commit, label } = revision.value;
    const before = question.before[index];
    const sameSource = before?.url === source.url;
    const ancestry = await repositories.ancestry(source, sameSource ? before.commit : undefined, commit);
    if (!ancestry.ok) return ancestry;
    ancestries.push(ancestry.value);
    const trees = await repositories.trees(source.url, [{ commit, path: input.path }]);
    if (!trees.ok) return trees;
    const [tree] = trees.value;
    if (tree === undefined) return fail(pathMissing(input, label));
    const read = question.read?.[index];
    const content =
      read === undefined ? ok(digestOf(tree)) : await contentAt(repositories, source.url, commit, read);
    if (!content.ok) return content;
    inputs.push({
      input: { ...input, source },
      revision: revision.value,
      tree,
      content: content.value,
      ...(read === undefined ? {} : { read }),
    });
  }
  return ok({
    inputs,
    revisions: inputs.map(({ revision }) => revision),
    ancestry: worstFirst.find((ancestry) => ancestries.includes(ancestry)) ?? 'first',
    digest: inputsDigest(question.unit, inputs),
  });
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

function pathMissing({ path, source }: Input, label: string): Failure {
  return {
    kind: 'terminal',
    code: 'PathNotFound',
    stage: 'artifact',
    message: `${source.url} has no directory "${path}" at ${label}; what is applied stays (F8)`,
    hint: 'correct the path, or push the directory',
    at: { path },
  };
}

function inputsDigest({ target, tracking, manager, limits }: Unit, inputs: readonly LocatedInput[]): Digest {
  return digestOf(
    canonicalJson({
      form: 2,
      inputs: inputs.map(({ content, input }) => ({ content, render: input.render, path: input.path })),
      target,
      tracking,
      manager,
      limits,
    }),
  );
}
