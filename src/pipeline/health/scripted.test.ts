import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualTime } from '#kube/manual-time.fixture.ts';
import type { Manifest } from '#model/object.ts';
import type { Interpreter, LuaScript, ScriptAnswer, LuaResult } from '#model/scripts.ts';
import { openInterpreter } from '../scripts/interpreter.ts';
import { judgeHealth, reportOf } from './health.ts';
import { ScriptedHealth } from './scripted.ts';

const real = openInterpreter();
afterAll(() => real.close());

const place = 'argocd-cm, resource.customizations.health.example.com_Widget';
const script = (text: string): LuaScript => ({ text, openLibs: false, place });
const widget = (status: object = {}, metadata: object = {}): Manifest => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name: 'w', namespace: 'n', ...metadata },
  status,
});

let time: ManualTime;
let runs = 0;
beforeEach(() => {
  time = new ManualTime();
  runs = 0;
});
function scripted(lua: Interpreter['lua'] = (request) => real.lua(request)): ScriptedHealth {
  const interpreter = {
    ...real,
    lua: (request: Parameters<Interpreter['lua']>[0]) => ((runs += 1), lua(request)),
    prepare: () => undefined,
  };
  return new ScriptedHealth({ interpreter, clock: time, timers: time });
}
function judged(text: string, object: Manifest = widget()): ReturnType<typeof judgeHealth> {
  const health = scripted();
  health.use([{ of: 'example.com/Widget', script: script(text) }]);
  return judgeHealth(object, (manifest) => health.judge(manifest));
}

describe('a health check in Lua', () => {
  it('decides, with its message', () => {
    const text =
      'local hs = {} hs.status = obj.status.phase == "up" and "Healthy" or "Degraded" hs.message = obj.status.why return hs';
    expect(judged(text, widget({ phase: 'up' }))).toEqual({
      health: { status: 'Healthy' },
      rule: `the Lua check of ${place}`,
    });
    expect(judged(text, widget({ phase: 'down', why: 'no disk' })).health).toEqual({
      status: 'Degraded',
      message: 'no disk.',
    });
  });
  it('comes before our own rules, and after the deletion', () => {
    const ready = widget({ conditions: [{ type: 'Ready', status: 'True' }] });
    expect(judged('return { status = "Suspended", message = "resting" }', ready).health.status).toBe(
      'Suspended',
    );
    const deleted = widget({}, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect(judged('return { status = "Healthy" }', deleted).rule).toBe('it is being deleted');
    expect(runs).toBe(1);
  });
  it('that fails is Unknown, never Healthy, and names key and line (F23)', () => {
    expect(judged('local hs = {}\nhs.status = obj.status.a.b\nreturn hs').health).toEqual({
      status: 'Unknown',
      message: expect.stringMatching(
        /^The Lua check failed: argocd-cm, resource\.customizations\.health\.example\.com_Widget, line 2: .*\.$/,
      ),
    });
  });
  it('that gives no status, or none that there is, is Unknown', () => {
    expect(judged('return { status = "Fine" }').health).toMatchObject({
      status: 'Unknown',
      message: expect.stringContaining('"Fine"'),
    });
    expect(judged('return { message = "x" }').health.status).toBe('Unknown');
    expect(judged('return { "Healthy" }').health.status).toBe('Unknown');
    expect(judged('return "Healthy"').health.status).toBe('Unknown');
  });
  it('that returns nothing does not count, as in Argo CD', () => {
    expect(judged('local hs = { status = "Healthy" }').health).toMatchObject({
      status: 'Unknown',
      counts: false,
    });
    expect(judged('return {}').health).toMatchObject({ status: 'Unknown', counts: false });
  });
  it('does not count where the object is annotated', () => {
    const annotations = { 'argocd.argoproj.io/ignore-healthcheck': 'true' };
    const { health } = judged('return { status = "Degraded", message = "x" }', widget({}, { annotations }));
    expect(health).toEqual({ status: 'Degraded', message: 'x.', counts: false });
    const ref = { group: '', version: 'v1', kind: 'X', namespace: '', name: 'x' };
    expect(reportOf([{ ref, health }])).toMatchObject({
      overall: 'Healthy',
      objects: [{ status: 'Degraded' }],
    });
  });
  it('runs once for what did not change', () => {
    const health = scripted();
    health.use([{ of: '*/*', script: script('return { status = "Healthy" }') }]);
    health.judge(widget({ a: 1 }, { resourceVersion: '1', managedFields: [{ time: '1' }] }));
    health.judge(widget({ a: 1 }, { resourceVersion: '2', managedFields: [{ time: '2' }] }));
    expect(runs).toBe(1);
    health.judge(widget({ a: 2 }, { resourceVersion: '3' }));
    expect(runs).toBe(2);
  });
  it('that changes is told to who listens, with the kinds that it concerns', () => {
    const health = scripted();
    const told: string[] = [];
    health.onOther((concerns) => {
      for (const [group, kind] of [
        ['example.com', 'Widget'],
        ['other.com', 'Widget'],
        ['', 'Pod'],
      ] as const)
        if (concerns({ group, kind })) told.push(`${group}/${kind}`);
    });
    health.use([{ of: 'example.com/Widget', script: script('return {}') }]);
    expect(told).toEqual(['example.com/Widget']);
    health.use([{ of: 'example.com/Widget', script: script('return {}') }]);
    expect(told).toHaveLength(1);
    health.use([{ of: '*.com/*', script: script('return {}') }]);
    expect(told.slice(1)).toEqual(['example.com/Widget', 'other.com/Widget']);
    health.use([]);
    expect(told).toHaveLength(5);
    expect(health.judge(widget())).toBeUndefined();
  });
});

describe("an Application's health", () => {
  const application = (health: object): Manifest => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'child', namespace: 'argocd' },
    status: { health },
  });
  const asItSays = `
local own = obj.status and obj.status.health or { status = "Progressing" }
return { status = own.status, message = own.message }
`;
  it('says nothing about the one that declares it', () => {
    const { health } = judgeHealth(application({ status: 'Degraded' }));
    expect(health).toMatchObject({ status: 'Degraded', counts: false });
  });
  it('counts as soon as it is customised, unless it is not known', () => {
    const health = scripted();
    health.use([{ of: 'argoproj.io/Application', script: script(asItSays) }]);
    const of = (own: object) => judgeHealth(application(own), (manifest) => health.judge(manifest)).health;
    expect(of({ status: 'Degraded', message: 'bad' })).toEqual({ status: 'Degraded', message: 'bad.' });
    expect(of({ status: 'Missing' })).toMatchObject({ status: 'Missing', counts: false });
    expect(of({ status: 'Unknown' })).toMatchObject({ status: 'Unknown', counts: false });
  });
});

describe('a check that has to be stopped (F23)', () => {
  const stopped: ScriptAnswer<LuaResult> = {
    ok: false,
    failure: { message: 'it was stopped after 1 s', stopped: true },
  };
  const fine: ScriptAnswer<LuaResult> = { ok: true, value: { result: { status: 'Healthy' } } };
  const minute = 60_000;

  it('costs its second once, and rests; then all that it judges is looked at again', () => {
    const health = scripted((request) => ((request.object['status'] as any).bad === true ? stopped : fine));
    health.use([{ of: 'example.com/Widget', script: script('…') }]);
    let told = 0;
    health.onOther(() => (told += 1));
    expect(health.judge(widget({ bad: true }))?.health).toMatchObject({
      status: 'Unknown',
      message: expect.stringContaining('stopped after 1 s'),
    });
    for (let index = 0; index < 100; index += 1)
      expect(health.judge(widget({ index }))?.health).toMatchObject({
        status: 'Unknown',
        message: expect.stringContaining('rests'),
      });
    expect(runs).toBe(1);
    time.advance(minute);
    expect(told).toBe(1);
    expect(health.judge(widget({ index: 1 }))?.health.status).toBe('Healthy');
  });
  it('for the same object again and again is not tried any more, until one of the two changes', () => {
    const health = scripted(() => stopped);
    health.use([{ of: 'example.com/Widget', script: script('…') }]);
    for (let hour = 0; hour < 10; hour += 1) {
      expect(health.judge(widget())?.health.status).toBe('Unknown');
      time.advance(60 * minute);
    }
    expect(runs).toBe(3);
    health.judge(widget({ other: true }));
    expect(runs).toBe(4);
  });
  it('rests longer and longer while nothing of it ends in time', () => {
    const health = scripted(() => stopped);
    health.use([{ of: 'example.com/Widget', script: script('…') }]);
    for (let index = 0; index < 24 * 60; index += 1) {
      health.judge(widget({ index }));
      time.advance(minute);
    }
    expect(runs).toBeLessThan(24 * 6 + 10);
  });
});
