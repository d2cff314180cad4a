/** Which repositories a Unit has polled. */
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '#model/json.ts';
import type { GitRef, Input, Unit } from '#model/unit.ts';
import { newRuntime, polledSources, type UnitRuntime } from './runtime.ts';

const charts = { url: 'helm+https://charts.example/stable#web', ref: '1.x' };
const helm = { kind: 'helm', releaseName: 'r', namespace: 'n', values: {} } as const;
const input = (of: JsonObject = { a: 1 }): Input => ({
  source: { kind: 'git', url: 'https://git.example/own', ref: { name: 'main' } },
  path: 'app',
  render: helm,
  overrides: { files: ['.argocd-source.yaml'], of },
});
const runtimeOf = (unit: object): UnitRuntime => ({
  ...newRuntime({ remotes: { rule: '', logins: [] }, ...unit } as unknown as Unit, new Map() as never),
  remotes: [charts],
});
const located = (said: Input) => ({ inputs: [{ input: said }] }) as never;
const passes = (runtime: UnitRuntime): boolean | undefined =>
  polledSources(runtime, undefined).find(({ kind }) => kind === 'helm')?.passCredentials;

describe('what is polled', () => {
  it('dependencies of a chart as files beside it say, until its source says otherwise', () => {
    const runtime = runtimeOf({ inputs: [input()] });
    expect(passes(runtime)).toBeUndefined();
    runtime.located = located({ ...input(), render: { ...helm, passCredentials: true } });
    expect(passes(runtime)).toBe(true);
    runtime.unit = { ...runtime.unit, inputs: [input({ a: 2 })] };
    expect(passes(runtime)).toBeUndefined();
  });
  it('what a person asks for instead, for as long as they do', () => {
    const source = { kind: 'helm', url: 'https://charts.example', chart: 'web', ref: { semver: '*' } };
    const inputs = [{ source, path: '.', render: helm }];
    const refs = (request?: object): readonly GitRef[] =>
      polledSources(runtimeOf({ inputs, request }), undefined)
        .filter(({ url }) => url === source.url)
        .map(({ ref }) => ref);
    expect(refs({ revisions: ['1.2.*'] })).toEqual([{ semver: '*' }, { semver: '1.2.*' }]);
    expect(refs({ revisions: [''] })).toEqual([{ semver: '*' }]);
    expect(refs()).toEqual([{ semver: '*' }]);
  });
});
