/** Actions on objects in Lua, as `argocd-cm` has them: which there are now, and what one would do. Changes nothing. */
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { isObject, type Json, type JsonObject } from '#model/json.ts';
import { refOf, type Manifest } from '#model/object.ts';
import type { Interpreter, KindActions, LuaScript } from '#model/scripts.ts';

export interface OfferedAction {
  readonly name: string;
  readonly disabled: boolean;
  readonly displayName?: string;
  readonly params: readonly { readonly name: string; readonly default?: string }[];
}
/** What an action wants done with an object. */
export interface Impact {
  readonly operation: 'create' | 'patch';
  readonly object: Manifest;
}

export function offeredActions(
  { discovery }: KindActions,
  object: Manifest,
  interpreter: Interpreter,
): Result<readonly OfferedAction[]> {
  const run = table(discovery, object, {}, interpreter);
  if (!run.ok) return run;
  // An empty table is an empty array.
  if (Array.isArray(run.value)) return ok([]);
  return ok(
    Object.entries(run.value as JsonObject)
      .map(([name, value]) => offered(name, value))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );
}

function offered(name: string, value: Json): OfferedAction {
  const { disabled, displayName, params } = isObject(value) ? value : {};
  return {
    name,
    disabled: disabled === true,
    ...(typeof displayName === 'string' ? { displayName } : {}),
    params: (Array.isArray(params) ? params : []).filter(isObject).map((param) => ({
      name: String(param['name'] ?? ''),
      ...(typeof param['default'] === 'string' ? { default: param['default'] } : {}),
    })),
  };
}

/** The older form returns the object changed, the newer one a list of objects and what to do with each. */
export function impactsOf(
  script: LuaScript,
  object: Manifest,
  parameters: Readonly<Record<string, string>>,
  interpreter: Interpreter,
): Result<readonly Impact[]> {
  const run = table(script, object, parameters, interpreter);
  if (!run.ok) return run;
  const listed: readonly unknown[] = Array.isArray(run.value)
    ? run.value
    : [{ operation: 'patch', resource: run.value }];
  const impacts: Impact[] = [];
  for (const entry of listed) {
    const impact = impactOf(entry, object);
    if (typeof impact === 'string') return fail(failure(script, impact, undefined));
    impacts.push(impact);
  }
  return ok(impacts);
}

function impactOf(entry: unknown, source: Manifest): Impact | string {
  const { operation, resource } = isObject(entry) ? entry : {};
  if (operation !== 'create' && operation !== 'patch')
    return `it asks for the operation ${JSON.stringify(operation ?? null)}; there are create and patch`;
  if (!isManifest(resource)) return 'it returns something that is no object with apiVersion, kind and name';
  if (operation === 'create') return { operation, object: resource };
  const [mine, theirs] = [refOf(source), refOf(resource)];
  if (mine.kind !== theirs.kind || mine.name !== theirs.name || mine.namespace !== theirs.namespace)
    return `it patches ${theirs.kind} ${theirs.name}, and only the object itself can be patched`;
  return { operation, object: asBefore(resource, source) as Manifest };
}

function isManifest(value: unknown): value is Manifest {
  return (
    isObject(value) &&
    typeof value['apiVersion'] === 'string' &&
    typeof value['kind'] === 'string' &&
    isObject(value['metadata']) &&
    typeof value['metadata']['name'] === 'string'
  );
}

/** Lua has one empty table: what was an empty object comes back as an empty array. And its numbers have 53 bits. */
function asBefore(value: unknown, before: unknown): unknown {
  if (typeof before === 'bigint' && value === Number(before)) return before;
  if (Array.isArray(value)) {
    if (value.length === 0 && isObject(before)) return {};
    return Array.isArray(before) ? value.map((item, index) => asBefore(item, before[index])) : value;
  }
  if (!isObject(value) || !isObject(before)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, asBefore(member, before[key])]),
  );
}

function table(
  script: LuaScript,
  object: Manifest,
  parameters: Readonly<Record<string, string>>,
  interpreter: Interpreter,
): Result<unknown> {
  const { text, openLibs } = script;
  const answer = interpreter.lua({
    script: text,
    openLibs,
    object: object as unknown as JsonObject,
    parameters,
  });
  if (!answer.ok) return fail(failure(script, answer.failure.message, answer.failure.line));
  const { result } = answer.value;
  if (typeof result === 'object' && result !== null) return ok(result);
  return fail(failure(script, 'it returns nothing', undefined));
}

function failure(script: LuaScript, message: string, line: number | undefined): Failure {
  return {
    kind: 'terminal',
    code: 'ScriptFailed',
    stage: 'apply',
    message: `the Lua script failed: ${message}`,
    hint: 'correct the script',
    at: { path: script.place, ...(line === undefined ? {} : { line }) },
  };
}
