/**
 * The rules of .oxlintrc.json that keep the architecture are only worth something if they bite. Each is shown a
 * planted violation, and the allowed thing beside it.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const repositoryRoot = join(import.meta.dirname, '../..');

const ground = ['model', 'fields'];
const world = [...ground, 'wasm', 'kube', 'git', 'registries', 'forges', 'host'];
const work = [...world, 'pipeline', 'controllers', 'promotion', 'notify'];
/** The directions as docs/ARCHITECTURE.md draws them; main imports every room. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  model: [],
  fields: ['model'],
  wasm: ['model'],
  dialects: ['model'],
  embedded: [...ground, 'wasm'],
  kube: ground,
  git: ground,
  registries: ground,
  forges: ground,
  host: ground,
  pipeline: world,
  controllers: world,
  promotion: world,
  notify: world,
  engine: work,
  http: [...work, 'dialects', 'engine'],
  cli: [...work, 'dialects', 'engine'],
};
const rooms = [...Object.keys(mayImport), 'main'];

/** Statements that reach for the world past the ports. */
const reaches: Readonly<Record<string, string>> = {
  'Date.now': 'export const it = Date.now();',
  'new Date()': 'export const it = new Date();',
  'globalThis.Date': 'export const it = globalThis.Date.now();',
  'Math.random': 'export const it = Math.random();',
  'destructured Math.random': 'const { random } = Math;\nexport const it = random();',
  'globalThis.Math.random': 'export const it = globalThis.Math.random();',
  setTimeout: 'export const it = setTimeout(() => {}, 1);',
  'globalThis.setTimeout': 'export const it = globalThis.setTimeout(() => {}, 1);',
  "globalThis['setTimeout']": "export const it = globalThis['setTimeout'](() => {}, 1);",
  'global.setTimeout': 'export const it = global.setTimeout(() => {}, 1);',
  setInterval: 'export const it = setInterval(() => {}, 1);',
  setImmediate: 'export const it = setImmediate(() => {});',
  'performance.now': 'export const it = performance.now();',
  'globalThis.performance': 'export const it = globalThis.performance.now();',
  fetch: "export const it = fetch('http://127.0.0.1');",
  'globalThis.fetch': "export const it = globalThis.fetch('http://127.0.0.1');",
  'crypto.randomUUID': 'export const it = crypto.randomUUID();',
  'globalThis.crypto': 'export const it = globalThis.crypto.randomUUID();',
  'process.env': "export const it = process.env['HOME'];",
  'globalThis.process': "export const it = globalThis.process.env['HOME'];",
  'node:crypto': "export { randomBytes } from 'node:crypto';",
  'bare crypto': "export { randomBytes } from 'crypto';",
  'node:timers': "export { setTimeout as it } from 'node:timers';",
  'node:timers/promises': "export { setTimeout as it } from 'node:timers/promises';",
  'node:perf_hooks': "export { performance as it } from 'node:perf_hooks';",
  'node:child_process': "export { execFile } from 'node:child_process';",
  'imported late': "export const it = await import('node:child_process');",
};
/** What main/ may do, as it wires the process. */
const forMainToo = new Set(['process.env']);

const planted = new Map<string, string>();
/** Plants a file, unless an equal name was planted; returns its path. */
function plant(path: string, text: string): string {
  planted.set(path, `${text}\n`);
  return path;
}

let directory = '';
const problems = new Map<string, readonly string[]>();

interface Report {
  readonly diagnostics: readonly { readonly filename: string; readonly code: string }[];
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'trueup-lint-'));
  await copyFile(join(repositoryRoot, '.oxlintrc.json'), join(directory, '.oxlintrc.json'));
  for (const [path, text] of planted) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  const oxlint = join(repositoryRoot, 'node_modules/oxlint/bin/oxlint');
  const output = await new Promise<string>((resolve) => {
    // Its exit code is 1: violations are what it was given.
    const options = { cwd: directory, maxBuffer: 64 << 20 };
    execFile(process.execPath, [oxlint, '-f', 'json', '.'], options, (_, stdout) => resolve(stdout));
  });
  for (const { filename, code } of (JSON.parse(output) as Report).diagnostics) {
    problems.set(filename, [...(problems.get(filename) ?? []), code]);
  }
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const direction = 'eslint(no-restricted-imports)';
const clockAndWorld = /^(eslint\(no-restricted-(globals|properties)\)|import\(no-nodejs-modules\))$/;
const of = (path: string): readonly string[] => problems.get(path) ?? [];
const identifier = (text: string): string => text.replaceAll(/[^A-Za-z]+/g, '-');

describe('rooms import in one direction', () => {
  for (const [room, allowed] of Object.entries(mayImport)) {
    for (const other of rooms.filter((name) => name !== room)) {
      const value = plant(`src/${room}/imports-${other}.ts`, `export { it } from '#${other}/it.ts';`);
      const type = plant(
        `src/${room}/deep/types-of-${other}.ts`,
        `import type { It } from '#${other}/deep/it.ts';\nexport const it = (given: It): It => given;`,
      );
      if (allowed.includes(other)) {
        it(`${room} may import ${other}`, () => {
          expect(of(value)).toEqual([]);
          expect(of(type)).toEqual([]);
        });
      } else {
        it(`${room} may not import ${other}`, () => {
          expect(of(value)).toContain(direction);
          expect(of(type)).toContain(direction);
        });
      }
    }
    const late = plant(`src/${room}/imports-late.ts`, "export const it = await import('#main/it.ts');");
    it(`${room} may not import main late`, () => expect(of(late)).toContain(direction));
  }

  it.each(
    rooms.map((room) => [room, plant(`src/main/imports-${room}.ts`, `export { it } from '#${room}/it.ts';`)]),
  )('main may import %s', (_, path) => expect(of(path)).toEqual([]));
});

describe('a room is entered by its name only', () => {
  const shallow = plant('src/engine/around.ts', "export { it } from '../model/it.ts';");
  const deep = plant('src/dialects/argo/around.ts', "export { it } from '../../model/it.ts';");
  const within = plant('src/pipeline/plan/within.ts', "export { it } from '../apply/it.ts';");
  it('not by a relative path', () => {
    expect(of(shallow)).toContain(direction);
    expect(of(deep)).toContain(direction);
  });
  it('while within a room imports are relative', () => expect(of(within)).toEqual([]));
});

describe('production code never imports test code', () => {
  it.each(
    Object.entries({
      'tests by path': "export { it } from '../../tests/git-server/server.ts';",
      'a test file': "export { it } from './it.test.ts';",
      'a fixture': "export { it } from './it.fixture.ts';",
      vitest: "export { it } from 'vitest';",
      'fast-check': "export { assert } from 'fast-check';",
    }).flatMap(([name, text]) =>
      ['fields', 'main'].map((room) => [
        name,
        room,
        plant(`src/${room}/test-code-${identifier(name)}.ts`, text),
      ]),
    ),
  )('%s, from %s', (_name, _room, path) => expect(of(path)).toContain(direction));

  it('which may import itself', () => {
    expect(of(besideTest)).toEqual([]);
    expect(of(scenario)).toEqual([]);
  });
  const besideTest = plant('src/model/it.test.ts', "export { it } from 'vitest';");
  const scenario = plant('tests/scenarios/it.test.ts', "export { it } from '../git-server/server.ts';");
});

describe('the world is reached through ports only', () => {
  for (const [name, text] of Object.entries(reaches)) {
    const path = plant(`src/pipeline/apply/${identifier(name)}.ts`, text);
    const inModel = plant(`src/model/${identifier(name)}.ts`, text);
    const inMain = plant(`src/main/${identifier(name)}.ts`, text);
    const inHost = plant(`src/host/${identifier(name)}.ts`, text);
    const inTest = plant(`tests/scenarios/${identifier(name)}.ts`, text);
    it(`${name} is caught`, () => {
      const caught = expect.arrayContaining([expect.stringMatching(clockAndWorld)]);
      expect(of(path)).toEqual(caught);
      expect(of(inModel)).toEqual(caught);
      if (!forMainToo.has(name)) expect(of(inMain)).toEqual(caught);
    });
    it(`${name} is free in host/ and in tests`, () => {
      for (const free of [inHost, inTest])
        expect(of(free).filter((code) => clockAndWorld.test(code))).toEqual([]);
    });
  }

  const digest = plant('src/fields/digest.ts', "export { hash } from 'node:crypto';");
  const beside = plant('src/fields/beside.ts', "export { hash } from 'node:crypto';");
  it('only fields/digest.ts hashes', () => {
    expect(of(digest)).toEqual([]);
    expect(of(beside)).toEqual(['import(no-nodejs-modules)']);
  });

  const clock = plant('src/model/time.ts', 'export const it = Date.now();');
  const text = plant(
    'src/model/time-text.ts',
    'export const it = (at: number): string => new Date(at).toISOString();',
  );
  it('model/time.ts turns moments into text, and reads no clock', () => {
    expect(of(clock)).toEqual(['eslint(no-restricted-properties)']);
    expect(of(text)).toEqual(['eslint(no-restricted-globals)']);
  });
});

describe('exports have names', () => {
  const path = plant('src/engine/nameless.ts', 'export default function it(): void {}');
  const config = plant('vitest.config.ts', 'export default {};');
  it('a default export is caught', () => expect(of(path)).toContain('import(no-default-export)'));
  it('but for what a tool asks for', () => expect(of(config)).toEqual([]));
});
