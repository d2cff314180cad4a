import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elementKey, parsePath, pathText, type PathElement } from './path.ts';

describe('path texts', () => {
  it.each([
    [['f:spec', 'f:replicas'], '.spec.replicas'],
    [['f:metadata', 'f:labels', 'f:a/b'], '.metadata.labels["a/b"]'],
    [['f:data', 'f:0a', 'f:-x'], '.data["0a"]["-x"]'],
    [['f:env', 'k:{"name":"A"}', 'f:value'], '.env[name="A"].value'],
    [['f:ports', 'k:{"containerPort":80,"protocol":"TCP"}'], '.ports[containerPort=80,protocol="TCP"]'],
    [['f:finalizers', 'v:"x.y/z"'], '.finalizers[="x.y/z"]'],
    [['f:list', 'i:3'], '.list[3]'],
    [[], ''],
  ])('of %j is %s', (keys, text) => {
    expect(pathText(keys)).toBe(text);
    expect(parsePath(text)?.map(elementKey)).toEqual(keys);
  });
  it('are read back exactly, whatever the names', () => {
    const json = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
    const name = fc.string({ minLength: 1 });
    const keyName = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]*$/);
    const element: fc.Arbitrary<PathElement> = fc.oneof(
      name.map((field) => ({ kind: 'field' as const, name: field })),
      fc
        .dictionary(keyName, json, { minKeys: 1, maxKeys: 3 })
        .map((keys) => ({ kind: 'item' as const, keys })),
      json.map((value) => ({ kind: 'member' as const, value })),
      fc.nat().map((index) => ({ kind: 'index' as const, index })),
    );
    fc.assert(
      fc.property(fc.array(element, { maxLength: 5 }), (elements) => {
        const keys = elements.map(elementKey);
        expect(parsePath(pathText(keys))?.map(elementKey)).toEqual(keys);
      }),
    );
  });
  it.each(['x', '.', '.a[', '.a[name]', '.a["b]', '.a[=]'])('%s is none', (text) => {
    expect(parsePath(text)).toBeUndefined();
  });
});
