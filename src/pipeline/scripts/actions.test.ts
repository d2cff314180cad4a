import { afterAll, describe, expect, it } from 'vitest';
import type { Manifest } from '#model/object.ts';
import type { KindActions, LuaScript } from '#model/scripts.ts';
import { impactsOf, offeredActions } from './actions.ts';
import { openInterpreter } from './interpreter.ts';

const interpreter = openInterpreter();
afterAll(() => interpreter.close());
const script = (text: string): LuaScript => ({ text, openLibs: false, place: 'argocd-cm, key' });
const cronJob = (spec: object = {}): Manifest => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'nightly', namespace: 'n', uid: 'u', labels: {} },
  spec: {
    jobTemplate: { spec: { template: { spec: { containers: [{ name: 'x', resources: {} }] } } } },
    ...spec,
  },
});
const discovery = `
local isSuspended = obj.spec.suspend == true
return {
  suspend = { disabled = isSuspended },
  resume = { disabled = not isSuspended },
  scale = { displayName = "Scale it", params = { { name = "replicas", default = "1" } } },
}`;
const offers = (text: string, object: Manifest) =>
  offeredActions({ discovery: script(text), actions: [] } satisfies KindActions, object, interpreter);
const impacts = (text: string, object: Manifest = cronJob(), parameters = {}) =>
  impactsOf(script(text), object, parameters, interpreter);

describe('the actions of an object', () => {
  it('are those that its discovery names, as it stands now', () => {
    expect(offers(discovery, cronJob())).toEqual({
      ok: true,
      value: [
        { name: 'resume', disabled: true, params: [] },
        {
          name: 'scale',
          disabled: false,
          displayName: 'Scale it',
          params: [{ name: 'replicas', default: '1' }],
        },
        { name: 'suspend', disabled: false, params: [] },
      ],
    });
    expect(offers(discovery, cronJob({ suspend: true }))).toMatchObject({
      value: [{ name: 'resume', disabled: false }, {}, { name: 'suspend', disabled: true }],
    });
    expect(offers('return {}', cronJob())).toEqual({ ok: true, value: [] });
  });
  it('cannot be told when the script fails, with its place', () => {
    expect(offers('local x = 1\nreturn obj.a.b', cronJob())).toMatchObject({
      failure: { code: 'ScriptFailed', at: { path: 'argocd-cm, key', line: 2 } },
    });
    expect(offers('local x = 1', cronJob())).toMatchObject({ failure: { code: 'ScriptFailed' } });
  });
});

describe('an action', () => {
  it('that returns the object patches it, and empty objects stay objects', () => {
    const object = cronJob({ suspend: false });
    expect(impacts('obj.spec.suspend = true return obj', object)).toEqual({
      ok: true,
      value: [{ operation: 'patch', object: cronJob({ suspend: true }) }],
    });
  });
  it('that returns a list creates and patches', () => {
    const text = `
local job = { apiVersion = "batch/v1", kind = "Job", metadata = { name = obj.metadata.name .. "-now", namespace = obj.metadata.namespace } }
obj.metadata.labels["ran"] = actionParams["why"]
return { { operation = "create", resource = job }, { operation = "patch", resource = obj } }`;
    expect(impacts(text, cronJob(), { why: 'test' })).toMatchObject({
      ok: true,
      value: [
        { operation: 'create', object: { kind: 'Job', metadata: { name: 'nightly-now', namespace: 'n' } } },
        { operation: 'patch', object: { metadata: { labels: { ran: 'test' } } } },
      ],
    });
  });
  it.each([
    ['return { { operation = "delete", resource = obj } }', /"delete"; there are create and patch/],
    ['return { { operation = "create", resource = {} } }', /no object/],
    ['obj.metadata.name = "other" return obj', /only the object itself/],
    ['return 3', /returns a number/],
    ['while true do end', /stopped after 1 s/],
  ])('%s is refused (F23)', (text, message) => {
    expect(impacts(text)).toMatchObject({
      failure: { code: 'ScriptFailed', message: expect.stringMatching(message) },
    });
  });
});
