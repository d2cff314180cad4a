/** `resource.customizations` of `argocd-cm`: health checks and actions in Lua, in both forms that Argo CD reads. */
import { parseDocument } from 'yaml';
import { isObject } from '#model/json.ts';
import type { Customizations, KindActions, LuaScript } from '#model/scripts.ts';

const root = 'resource.customizations';

interface Entry {
  health?: LuaScript;
  actions?: KindActions;
}
interface Found {
  /** What scripts are said to stand in. */
  readonly source: string;
  readonly entries: Map<string, Entry>;
  readonly problems: { readonly key: string; readonly message: string }[];
}

/** Every Application of an installation is read with the same ConfigMap. */
const read = new WeakMap<object, Customizations>();

/** `data` is that of the ConfigMap, from `source`. What cannot be read is a problem of its key, and the rest holds. */
export function customizationsOf(
  data: Readonly<Record<string, string>>,
  source = 'argocd-cm',
): Customizations {
  const known = read.get(data) ?? customizationsIn(data, source);
  read.set(data, known);
  return known;
}

function customizationsIn(data: Readonly<Record<string, string>>, source: string): Customizations {
  const found: Found = { source, entries: new Map(), problems: [] };
  readMap(data[root], found);
  const splitOpenLibs = openLibsOf(data, found);
  for (const [key, text] of Object.entries(data)) readSplit(key, text, splitOpenLibs, found);
  const sorted = [...found.entries].toSorted(([a], [b]) => precedence(a, b));
  return {
    health: sorted.flatMap(([of, { health }]) => (health === undefined ? [] : [{ of, script: health }])),
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
    const entry: Entry = {};
    const health = member['health.lua'];
    const openLibs = member['health.lua.useOpenLibs'] === true;
    if (typeof health === 'string' && health !== '')
      entry.health = { text: health, openLibs, place: `${place}, health.lua` };
    const actions = member['actions'];
    if (typeof actions === 'string' && actions !== '') {
      const read = actionsOf(root, actions, openLibs, `${place}, actions`, problems);
      if (read !== undefined) entry.actions = read;
    }
    entries.set(of, entry);
  }
}

/** The newer form: `resource.customizations.health.GROUP_KIND`, a key for each script. */
function readSplit(
  key: string,
  text: string,
  openLibs: ReadonlyMap<string, boolean>,
  { source, entries, problems }: Found,
): void {
  const split = splitKey(key);
  if (split === undefined || (split.type !== 'health' && split.type !== 'actions')) return;
  const { type, of } = split;
  if (of === undefined) {
    problems.push({ key, message: 'its end is neither GROUP_KIND nor KIND' });
    return;
  }
  if (text === '') return;
  const entry = entries.get(of) ?? {};
  const opens = openLibs.get(of) ?? entry.health?.openLibs ?? false;
  if (type === 'health') entry.health = { text, openLibs: opens, place: `${source}, ${key}` };
  else {
    const actions = actionsOf(key, text, opens, `${source}, ${key}`, problems);
    if (actions !== undefined) entry.actions = actions;
  }
  entries.set(of, entry);
}

function splitKey(key: string): { readonly type: string; readonly of: string | undefined } | undefined {
  if (!key.startsWith(`${root}.`)) return undefined;
  const [type = '', ...rest] = key.slice(root.length + 1).split('.');
  if (rest.length === 0) return undefined;
  const parts = rest.join('.').split('_');
  const of = parts.length > 2 || parts[0] === '' ? undefined : parts.join('/');
  return { type, of: of === 'all' ? '*/*' : of };
}

function openLibsOf(
  data: Readonly<Record<string, string>>,
  { problems }: Found,
): ReadonlyMap<string, boolean> {
  const opens = new Map<string, boolean>();
  for (const [key, text] of Object.entries(data)) {
    const split = splitKey(key);
    if (split?.type !== 'useOpenLibs') continue;
    const value = booleans.get(text.trim());
    if (split.of === undefined || value === undefined)
      problems.push({ key, message: `"${text}" is neither true nor false` });
    else opens.set(split.of, value);
  }
  return opens;
}

/** As Go reads them. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false] as const),
]);

/** Trueup brings no actions of its own: `mergeBuiltinActions` has nothing to add. */
function actionsOf(
  key: string,
  text: string,
  openLibs: boolean,
  place: string,
  problems: Found['problems'],
): KindActions | undefined {
  const map = yamlOf(key, text, problems);
  if (map === undefined) return undefined;
  const script = (value: unknown, where: string): LuaScript => ({
    text: typeof value === 'string' ? value : '',
    openLibs,
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
  const document = parseDocument(text);
  const [error] = document.errors;
  const value: unknown = error === undefined ? document.toJS({ maxAliasCount: 100 }) : undefined;
  if (isObject(value)) return value;
  const line = error?.linePos?.[0].line;
  problems.push({
    key,
    message:
      error === undefined
        ? 'it is not a map'
        : `${line === undefined ? '' : `line ${line}: `}${error.message.split(' at line ')[0]}`,
  });
  return undefined;
}
