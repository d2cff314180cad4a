/**
 * Kinds of widely used operators, as data: what their documented status says, and what that means. The first line that
 * fits decides.
 */
import { matchesGlob } from '#model/glob.ts';
import { isObject } from '#model/json.ts';
import type { Health } from '#model/observed.ts';
import { splitApiVersion, type Manifest } from '#model/object.ts';
import {
  conditionsIn,
  explain,
  health,
  healthy,
  isUnobserved,
  unobserved,
  type Condition,
  type Judgement,
} from './reading.ts';

/** A condition and, where it is given, its reason. */
export interface ConditionLine {
  readonly condition: string;
  readonly is: string;
  readonly reasons?: readonly string[];
  readonly means: Health;
}
/** A field by its path, as `status.phase`; without `is` it is enough that it is there. */
export interface FieldLine {
  readonly field: string;
  readonly is?: readonly (string | number | boolean)[];
  readonly means: Health;
  /** The path of the sentence that explains it. */
  readonly message?: string;
}
export interface KnownKind {
  /** `group/Kind`; globs where a family of groups is alike. */
  readonly of: readonly string[];
  readonly lines: readonly (ConditionLine | FieldLine)[];
  /** Where no line fits; Progressing unless said otherwise. */
  readonly otherwise?: Health;
  /**
   * A list whose entries have conditions of their own: `status.parents`. Each is judged by the lines, and the worst
   * counts; an empty list is Progressing.
   */
  readonly each?: string;
}

export function condition(
  type: string,
  is: string,
  means: Health,
  ...reasons: readonly string[]
): ConditionLine {
  return { condition: type, is, means, ...(reasons.length === 0 ? {} : { reasons }) };
}

export function field(
  path: string,
  is: FieldLine['is'] | 'there',
  means: Health,
  message?: string,
): FieldLine {
  return {
    field: path,
    means,
    ...(is === 'there' || is === undefined ? {} : { is }),
    ...(message === undefined ? {} : { message }),
  };
}

/** What most controllers say: Ready, True or False, and why. */
export const readyOrDegraded: readonly ConditionLine[] = [
  condition('Ready', 'True', 'Healthy'),
  condition('Ready', 'False', 'Degraded'),
  condition('Ready', 'Unknown', 'Progressing'),
];

export function judgeKnown(known: KnownKind, manifest: Manifest): Judgement {
  const table = `the table of ${kindName(manifest)}`;
  // What a spec says holds before any controller has seen it.
  const ofSpec = known.lines.filter((line) => 'field' in line && line.field.startsWith('spec.'));
  const asked = firstVerdict(ofSpec, manifest, [], table);
  if (asked !== undefined) return asked;
  if (isUnobserved(manifest)) return { health: unobserved, rule: `${table}: status.observedGeneration` };
  if (known.each !== undefined) return worstEntry(known, manifest, table);
  return judgeConditions(known, manifest, conditionsIn(at(manifest, 'status.conditions')), table);
}

function judgeConditions(
  { lines, otherwise = 'Progressing' }: KnownKind,
  manifest: Manifest,
  conditions: readonly Condition[],
  table: string,
): Judgement {
  const verdict = firstVerdict(lines, manifest, conditions, table);
  if (verdict !== undefined) return verdict;
  const message = isObject(manifest['status'])
    ? 'It is not ready yet'
    : 'Its controller has not reported yet';
  return {
    health: otherwise === 'Healthy' ? healthy : health(otherwise, message),
    rule: `${table}: no line fits`,
  };
}

function firstVerdict(
  lines: KnownKind['lines'],
  manifest: Manifest,
  conditions: readonly Condition[],
  table: string,
): Judgement | undefined {
  for (const line of lines) {
    const verdict =
      'condition' in line ? conditionVerdict(line, conditions, table) : fieldVerdict(line, manifest, table);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

const worstFirst: readonly Health[] = ['Degraded', 'Progressing', 'Suspended', 'Healthy'];

function worstEntry(known: KnownKind, manifest: Manifest, table: string): Judgement {
  const entries = at(manifest, known.each!);
  const verdicts = (Array.isArray(entries) ? entries : []).map((entry) =>
    judgeConditions(known, manifest, conditionsIn(at(entry, 'conditions')), table),
  );
  for (const status of worstFirst) {
    const found = verdicts.find(({ health: own }) => own.status === status);
    if (found !== undefined) return found;
  }
  return {
    health: health('Progressing', 'Nothing that it attaches to has answered yet'),
    rule: `${table}: ${known.each} is empty`,
  };
}

function conditionVerdict(
  line: ConditionLine,
  conditions: readonly Condition[],
  table: string,
): Judgement | undefined {
  const found = conditions.find(({ type }) => type === line.condition);
  if (found?.status !== line.is) return undefined;
  if (line.reasons !== undefined && !line.reasons.includes(found.reason)) return undefined;
  const because = line.reasons === undefined ? '' : ` because of ${found.reason}`;
  const fallback = `Its condition ${line.condition} is ${line.is}`;
  return {
    health: line.means === 'Healthy' ? healthy : health(line.means, explain(found, fallback)),
    rule: `${table}: ${line.condition} is ${line.is}${because}`,
  };
}

function fieldVerdict(line: FieldLine, value: unknown, table: string): Judgement | undefined {
  const found = at(value, line.field);
  if (found === undefined || found === null) return undefined;
  if (line.is !== undefined && !line.is.includes(found as string)) return undefined;
  const shown = line.is === undefined ? 'there' : String(found) || 'empty';
  const said = line.message === undefined ? undefined : textOf(at(value, line.message));
  return {
    health: line.means === 'Healthy' ? healthy : health(line.means, said || `Its ${line.field} is ${shown}`),
    rule: `${table}: ${line.field} is ${shown}`,
  };
}

/** Some controllers have a list of messages. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string').join('; ');
  return typeof value === 'string' ? value : '';
}

function at(value: unknown, path: string): unknown {
  let found: unknown = value;
  for (const name of path.split('.')) found = isObject(found) ? found[name] : undefined;
  return found;
}

/** `group/Kind`, or `Kind` in the core group: as `argocd-cm` has it. */
export function kindName({ apiVersion, kind }: Manifest): string {
  const { group } = splitApiVersion(apiVersion);
  return group === '' ? kind : `${group}/${kind}`;
}

/** Finds the entry of a kind: by name, else by the first glob. */
export function indexOf(known: readonly KnownKind[]): (kind: string) => KnownKind | undefined {
  const byKind = new Map<string, KnownKind | undefined>();
  const globs: (readonly [string, KnownKind])[] = [];
  for (const entry of known)
    for (const name of entry.of)
      if (name.includes('*')) globs.push([name, entry]);
      else byKind.set(name, entry);
  return (kind) => {
    // There are few kinds, and many objects of each.
    if (!byKind.has(kind)) byKind.set(kind, globs.find(([glob]) => matchesGlob(glob, kind))?.[1]);
    return byKind.get(kind);
  };
}
