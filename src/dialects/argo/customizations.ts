/** `resource.customizations` of `argocd-cm`: health checks and actions in Lua, in both forms that Argo CD reads. */
import { problemText, readYaml } from './yaml-text.ts';
import { globProblem } from '#model/glob.ts';
import { isObject } from '#model/json.ts';
import type { Customizations, KindActions, LuaScript } from '#model/scripts.ts';

const root = 'resource.customizations';

interface Entry {
  health?: Omit<LuaScript, 'openLibs'>;
  openLibs?: boolean;
  actions?: KindActions;
}
interface Found {
  /** What scripts are said to stand in. */
  readonly source: string;
  readonly entries: Map<string, Entry>;
  readonly problems: { readonly key: string; readonly message: string }[];
}

/** Every Application of an installation is read with the same ConfigMap. */
const readBefore = new WeakMap<object, Customizations>();

/** `data` is that of the ConfigMap, from `source`. What cannot be read is a problem of its key, and the rest holds. */
export function customizationsOf(
  data: Readonly<Record<string, string>>,
  source = 'argocd-cm',
): Customizations {
  const known = readBefore.get(data) ?? customizationsIn(data, source);
  readBefore.set(data, known);
  return known;
}

function customizationsIn(data: Readonly<Record<string, string>>, source: string): Customizations {
  const found: Found = { source, entries: new Map(), problems: [] };
  readMap(data[root], found);
  for (const [key, text] of Object.entries(data)) readSplit(key, text, found);
  const sorted = [...found.entries].toSorted(([a], [b]) => precedence(a, b));
  return {
    health: sorted.flatMap(([of, { health, openLibs = false }]) =>
      health === undefined ? [] : [{ of, script: { ...health, openLibs } }],
    ),
    actions: sorted.flatMap(([of, { actions }]) => (actions === undefined ? [] : [{ of, actions }])),
    problems: found.problems,
  };
}

/** Names before globs, and of two globs the one that says more. */
function precedence(a: string, b: string): number {
  const isGlob = (of: string): number => (/[*?[{]/.test(of) ? 1 : 0);
  return isGlob(a) - isGlob(b) || b.length - a.length || (a < b ? -1 : 1);
}

/** The older form: one YAML map by `group/Kind`. */
function readMap(text: string | undefined, { source, entries, problems }: Found): void {
  if (text === undefined || text.trim() === '') return;
  const map = yamlOf(root, text, problems);
  if (map === undefined) return;
  for (const [of, member] of Object.entries(map)) {
    const place = `${source}, ${root}, ${of}`;
    if (!isObject(member)) {
      problems.push({ key: root, message: `${of} is not a map` });
      continue;
    }
    const problem = globProblem(of);
    if (problem !== undefined) problems.push({ key: root, message: problem });
    const entry: Entry = { openLibs: member['health.lua.useOpenLibs'] === true };
    const { 'health.lua': health, actions } = member;
    if (typeof health === 'string' && health !== '')
      entry.health = { text: health, place: `${place}, health.lua` };
    if (typeof actions === 'string' && actions !== '') {
      const read = actionsOf(root, actions, `${place}, actions`, problems);
      if (read !== undefined) entry.actions = read;
    }
    entries.set(of, entry);
  }
}

/** The newer form: `resource.customizations.health.GROUP_KIND`, a key for each script. */
function readSplit(key: string, text: string, { source, entries, problems }: Found): void {
  const split = splitKey(key);
  if (split === undefined || !['health', 'actions', 'useOpenLibs'].includes(split.type)) return;
  const { type, of } = split;
  if (of === undefined) {
    problems.push({ key, message: 'its end is neither GROUP_KIND nor KIND' });
    return;
  }
  const entry = entries.get(of) ?? {};
  entries.set(of, entry);
  const place = `${source}, ${key}`;
  if (type === 'useOpenLibs') {
    const value = booleans.get(text.trim());
    if (value === undefined) problems.push({ key, message: `"${text}" is neither true nor false` });
    else entry.openLibs = value;
  } else if (type === 'health' && text !== '') entry.health = { text, place };
  else if (text !== '') {
    const actions = actionsOf(key, text, place, problems);
    if (actions !== undefined) entry.actions = actions;
  }
}

function splitKey(key: string): { readonly type: string; readonly of: string | undefined } | undefined {
  if (!key.startsWith(`${root}.`)) return undefined;
  const [type = '', ...rest] = key.slice(root.length + 1).split('.');
  if (rest.length === 0) return undefined;
  const parts = rest.join('.').split('_');
  const of = parts.length > 2 || parts[0] === '' ? undefined : parts.join('/');
  return { type, of: of === 'all' ? '*/*' : of };
}

/** As Go reads them. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false] as const),
]);

/**
 * Trueup brings no actions of its own: `mergeBuiltinActions` has nothing to add. As in Argo CD, the standard libraries
 * are for health checks only.
 */
function actionsOf(
  key: string,
  text: string,
  place: string,
  problems: Found['problems'],
): KindActions | undefined {
  const map = yamlOf(key, text, problems);
  if (map === undefined) return undefined;
  const script = (value: unknown, where: string): LuaScript => ({
    text: typeof value === 'string' ? value : '',
    openLibs: false,
    place: `${place}, ${where}`,
  });
  const definitions = Array.isArray(map['definitions']) ? map['definitions'].filter(isObject) : [];
  return {
    discovery: script(map['discovery.lua'], 'discovery.lua'),
    actions: definitions.map((definition) => {
      const name = String(definition['name'] ?? '');
      return { name, script: script(definition['action.lua'], `${name}, action.lua`) };
    }),
  };
}

function yamlOf(
  key: string,
  text: string,
  problems: Found['problems'],
): Readonly<Record<string, unknown>> | undefined {
  const { value, problem } = readYaml(text);
  if (isObject(value)) return value;
  problems.push({ key, message: problem === undefined ? 'it is not a map' : problemText(problem) });
  return undefined;
}
