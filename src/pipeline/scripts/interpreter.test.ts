import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '#model/json.ts';
import type { Interpreter } from '#model/scripts.ts';
import { openInterpreter } from './interpreter.ts';

let interpreter: Interpreter;
beforeAll(() => {
  interpreter = openInterpreter({ deadlineMs: 400, graceMs: 400 });
  interpreter.prepare();
});
afterAll(() => interpreter.close());

const lua = (script: string, object: JsonObject = {}, openLibs = false) =>
  interpreter.lua({ script, object, openLibs });
const given = (script: string, object: JsonObject = {}, openLibs = false): unknown => {
  const answer = lua(script, object, openLibs);
  if (!answer.ok) throw new Error(answer.failure.message);
  return answer.value.result;
};

describe('Lua, as gopher-lua has it', () => {
  it('has the object as obj, and gives its table as JSON', () => {
    const object = { spec: { n: 3, list: ['a', 'b'], on: true }, status: {} };
    expect(
      given('return { n = obj.spec.n + 1, last = obj.spec.list[#obj.spec.list], on = obj.spec.on }', object),
    ).toEqual({ n: 4, last: 'b', on: true });
    expect(given('return obj', object)).toEqual({ spec: object.spec, status: [] });
  });
  it('is Lua 5.1: no goto of 5.2, no integer division of 5.3', () => {
    expect(given('return { unpack ~= nil, table.unpack == nil, setfenv ~= nil }')).toEqual([
      true,
      true,
      true,
    ]);
    expect(lua('return { 7 // 2 }').ok).toBe(false);
  });
  it('has the base and tables, and of os the time, for who requires it', () => {
    expect(
      given(
        'local os = require("os") return { os.date("!%Y-%m-%d", 86400), os.time{year=1970,month=1,day=2,hour=0} }',
      ),
    ).toEqual(['1970-01-02', 86_400]);
    expect(given('return { string == nil, io == nil, os == nil, table ~= nil }')).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });
  it('has the standard libraries where they are opened, and still nothing of this machine', () => {
    expect(given('return { string.upper("a"), math.floor(1.5), ("x"):rep(3) }', {}, true)).toEqual([
      'A',
      1,
      'xxx',
    ]);
    expect(
      given(
        'return { io.open("/etc/passwd") == nil, os.getenv("PATH") == nil or os.getenv("PATH") == "" }',
        {},
        true,
      ),
    ).toEqual([true, true]);
    for (const script of [
      'os.exit(1) return {}',
      'os.execute("id") return {}',
      'io.popen("id") return {}',
      'return { io.read("*a") }',
    ])
      lua(script, {}, true);
    expect(given('return { 1 }')).toEqual([1]);
  });
  it('gives what was printed to who tries a script', () => {
    const answer = lua('print("a", 1, nil) print(obj.x) return {}', { x: 'y' });
    expect(answer.ok && answer.value.printed).toBe('a\t1\tnil\ny\n');
  });
  it('names the line of an error', () => {
    expect(lua('local hs = {}\nhs.x = obj.status.conditions\nreturn hs')).toEqual({
      ok: false,
      failure: { message: expect.stringContaining("with key 'conditions'"), line: 2 },
    });
    expect(lua('hs = {}\nhs.status = = 1')).toMatchObject({
      failure: { line: 2, message: expect.stringContaining('syntax error') },
    });
    expect(lua('if true then\n  x = 1\n')).toMatchObject({ failure: { line: 2 } });
    expect(lua('error("mine")')).toMatchObject({ failure: { line: 1, message: 'mine' } });
  });
  it('that returns no table says so; nothing is nothing', () => {
    expect(lua('return 3')).toMatchObject({ failure: { message: 'it returns a number, not a table' } });
    expect(lua('return { print }')).toMatchObject({
      failure: { message: expect.stringContaining('cannot be written as JSON') },
    });
    expect(lua('local t = {} t.t = t return t')).toMatchObject({
      failure: { message: expect.stringContaining('nested') },
    });
    expect(given('local x = 1')).toBeUndefined();
  });
});

/** F23 */
const hostile: readonly (readonly [what: string, script: string, openLibs: boolean])[] = [
  ['an endless loop', 'while true do end', false],
  [
    'an endless loop that catches its end',
    'while true do pcall(function() while true do end end) end',
    false,
  ],
  ['an endless loop in a coroutine', 'coroutine.wrap(function() while true do end end)() return {}', true],
  ['an endless repeat by goto-less recursion', 'local function f() return f() end f()', false],
  [
    'a pattern without end',
    'return { string.find(string.rep("a", 5000), string.rep("a*", 40) .. "b") }',
    true,
  ],
  [
    'a sort that never agrees',
    'local t = {} for i = 1, 1e5 do t[i] = i end while true do table.sort(t, function() return true end) end',
    false,
  ],
  ['a string bomb', 'local s = "x" while true do s = s .. s end', false],
  ['a gigabyte at once', 'return { string.rep("x", 1e9) }', true],
  ['a table bomb', 'local t, n = {}, 0 while true do n = n + 1 t[n] = { n, n, n } end', false],
  ['a replacement bomb', 'return { (string.gsub(string.rep("a", 1e6), "a", string.rep("b", 1e4))) }', true],
  [
    'a metatable that calls itself',
    'local m = {} m.__index = function(t, k) return t[k] end return { setmetatable({}, m).x }',
    false,
  ],
  ['endless recursion', 'local function f(n) return 1 + f(n) end return { f(1) }', false],
  ['deep parentheses', `return ${'('.repeat(200_000)}1${')'.repeat(200_000)}`, false],
  [
    'a table that is too deep to write',
    'local r = {} local t = r for i = 1, 1e5 do t.x = {} t = t.x end return r',
    false,
  ],
  [
    'code that writes code',
    'local s = "return " while true do s = s .. "1 + " loadstring(s .. "1")() end',
    false,
  ],
];

describe('what a script does to the machine (F23)', () => {
  it.each(hostile)('%s is ended in time, and the next script runs', (_, script, openLibs) => {
    const startedMs = performance.now();
    expect(lua(script, {}, openLibs).ok).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(4000);
    expect(given('return { status = "Healthy" }')).toEqual({ status: 'Healthy' });
  });
  it('what was stopped says so, and why', () => {
    expect(lua('while true do end')).toEqual({
      ok: false,
      failure: { message: 'it was stopped after 0.4 s', stopped: true },
    });
    expect(lua('return { string.rep("x", 1e9) }', {}, true)).toEqual({
      ok: false,
      failure: { message: 'it was stopped because it ran out of memory', stopped: true },
    });
  });
  it('a script leaves nothing behind for the next', () => {
    lua('leftover = 1 table.insert = nil obj = nil return {}');
    expect(given('return { leftover == nil, table.insert ~= nil, obj ~= nil }')).toEqual([true, true, true]);
  });
});
