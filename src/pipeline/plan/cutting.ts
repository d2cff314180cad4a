/**
 * What jq paths of ignore rules leave of objects. Programs run elsewhere and may take their time, so this is done before
 * a plan is made, which waits for nothing.
 */
import { digestOf } from '#fields/digest.ts';
import type { Bodies } from '#fields/ignored.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { canonicalJson, type JsonObject } from '#model/json.ts';
import { keyText, type Manifest } from '#model/object.ts';
import type { PathCutter, PathFailure } from '#model/scripts.ts';
import type { IgnoreRule, Unit } from '#model/unit.ts';
import type { Compared } from './compare.ts';
import { rulesFor } from './ignoring.ts';

/** Whether all jq paths of a Unit are programs, also those that no object needs now. */
export async function checkPaths({ ignores = [] }: Unit, cutter: PathCutter): Promise<Result<undefined>> {
  const paths = pathsOf(ignores);
  const failure = paths.length === 0 ? undefined : await cutter.check(paths);
  return failure === undefined ? ok(undefined) : fail(pathFailure(failure, ignores));
}

/** By key text, of the objects that differ and that such a rule is about. */
export async function cutBodies(
  unit: Unit,
  { comparisons }: Compared,
  bodies: ReadonlyMap<string, Manifest>,
  cutter: PathCutter,
): Promise<Result<ReadonlyMap<string, Bodies>>> {
  const { ignores = [] } = unit;
  const asked = comparisons.flatMap(({ ref, desired: { manifest: desired } }) => {
    const live = bodies.get(keyText(ref));
    const paths = pathsOf(rulesFor(ignores, ref));
    return live === undefined || paths.length === 0 ? [] : [{ key: keyText(ref), paths, desired, live }];
  });
  if (asked.length === 0) return ok(new Map());
  const asker = digestOf(canonicalJson({ unit: unit.id, ignores }));
  const cuts = asked.flatMap(({ paths, desired, live }) => [
    { paths, object: desired as unknown as JsonObject },
    { paths, object: live as unknown as JsonObject },
  ]);
  const answer = await cutter.cut(asker, cuts);
  if (!answer.ok) return fail(pathFailure(answer.failure, ignores));
  const left = answer.value as unknown as readonly Manifest[];
  return ok(
    new Map(asked.map(({ key }, index) => [key, { desired: left[2 * index]!, live: left[2 * index + 1]! }])),
  );
}

function pathsOf(rules: readonly IgnoreRule[]): readonly string[] {
  return [...new Set(rules.flatMap(({ jq }) => jq?.paths ?? []))];
}

function pathFailure({ path, message, stopped }: PathFailure, ignores: readonly IgnoreRule[]): Failure {
  const where = ignores.find(({ jq }) => jq?.paths.includes(path))?.jq?.where ?? 'ignoreDifferences';
  return {
    // It may have been a moment without processor time.
    kind: stopped === true ? 'transient' : 'blocked',
    code: 'JqPathFailed',
    stage: 'plan',
    message: `${where}: the jq path "${path}" ${stopped === true ? `was not evaluated: ${message}` : `is no program: ${message}`}; nothing is applied`,
    hint: `correct ${where}`,
  };
}
