/** Which differences do not count, and how a sync leaves ignored fields as they are. */
import { describe, expect, it } from 'vitest';
import { applied, updated } from '../../tests/fakes/field-managers.ts';
import type { Manifest } from '#model/object.ts';
import { createSealer } from './digest.ts';
import {
  differsOnlyInIgnored,
  isIgnored,
  mayBeIgnored,
  parsePointer,
  respecting,
  type IgnoredFields,
} from './ignored.ts';
import { project } from './projection.ts';

const manager = 'argocd-controller';
const sealer = createSealer(new Uint8Array(32).fill(1));
const base: Manifest = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'web', uid: 'u', resourceVersion: '1' },
};
const desired: Manifest = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'web', annotations: { 'a/b': '1' } },
  spec: { replicas: 2, paused: false, template: { spec: { containers: [{ name: 'main', image: 'a:1' }] } } },
};
const live = applied(base, desired, manager, 1_000_000).manifest;
const recorded = project(live, manager, sealer)!.values;
const change = (edit: (draft: any) => void, by = 'kubectl', of = live): Manifest => {
  const draft = structuredClone(of);
  edit(draft);
  return updated(of, draft, by, 2_000_000);
};
const ignoring = (pointers: readonly string[], managers: readonly string[] = []): IgnoredFields => ({
  pointers: pointers.map((text) => parsePointer(text)!),
  managers,
});
const tolerates = (now: Manifest, ignored: IgnoredFields): boolean =>
  differsOnlyInIgnored(recorded, { desired, live: now }, manager, sealer, ignored);

describe('pointers', () => {
  it('are taken apart, with their escapes', () => {
    expect(parsePointer('/metadata/annotations/a~1b~0c')).toEqual(['metadata', 'annotations', 'a/b~c']);
    expect(parsePointer('spec.replicas')).toBeUndefined();
    expect(parsePointer('/')).toBeUndefined();
  });
});

it('a rule can only matter for what is wanted, for what we own, and for what managers own', () => {
  const { spec: _, ...withoutSpec } = desired;
  const matters = (ignored: IgnoredFields, wanted: Manifest = desired): boolean =>
    mayBeIgnored(ignored, { desired: wanted, live }, manager);
  expect(matters(ignoring(['/status', '/spec/replicas']))).toBe(true);
  expect(matters(ignoring(['/spec/replicas']), withoutSpec as Manifest)).toBe(true);
  expect(matters(ignoring([], ['autoscaler']))).toBe(true);
  expect(matters({ ...ignoring([]), cut: { desired, live } })).toBe(true);
  expect(matters(ignoring(['/status']))).toBe(false);
});

describe('what differs', () => {
  const scaled = change((draft) => (draft.spec.replicas = 5), 'autoscaler');
  it('is ignored at a pointer, and below it', () => {
    expect(tolerates(scaled, ignoring(['/spec/replicas']))).toBe(true);
    expect(tolerates(scaled, ignoring(['/spec']))).toBe(true);
    expect(tolerates(scaled, ignoring(['/spec/paused']))).toBe(false);
    expect(tolerates(scaled, ignoring(['/spec/repl']))).toBe(false);
  });
  it('is not ignored where something else differs as well', () => {
    const both = change((draft) => (draft.spec.paused = true), 'kubectl', scaled);
    expect(tolerates(both, ignoring(['/spec/replicas']))).toBe(false);
  });
  it('counts as ignored also when only the ownership of the field moved, or it was removed', () => {
    const back = change((draft) => (draft.spec.replicas = 2), 'autoscaler', scaled);
    expect(tolerates(back, ignoring(['/spec/replicas']))).toBe(true);
    const removed = change((draft) => delete draft.spec.replicas);
    expect(tolerates(removed, ignoring(['/spec/replicas']))).toBe(true);
    expect(tolerates(live, ignoring(['/spec/replicas']))).toBe(false);
  });
  it('is ignored by who owns it', () => {
    expect(tolerates(scaled, ignoring([], ['autoscaler']))).toBe(true);
    expect(tolerates(scaled, ignoring([], ['kubectl']))).toBe(false);
  });
  it('finds items of lists by their position in the object', () => {
    const image = change((draft) => (draft.spec.template.spec.containers[0].image = 'a:2'));
    expect(tolerates(image, ignoring(['/spec/template/spec/containers/0/image']))).toBe(true);
    expect(tolerates(image, ignoring(['/spec/template/spec/containers/1/image']))).toBe(false);
    expect(tolerates(image, ignoring(['/spec/template/spec/containers/0/name']))).toBe(false);
  });
  it('an escaped name', () => {
    const noted = change((draft) => (draft.metadata.annotations['a/b'] = '2'));
    expect(tolerates(noted, ignoring(['/metadata/annotations/a~1b']))).toBe(true);
  });
  it('a part of a value that is whole for the API server: the rest of it must be the same', () => {
    const bodies = {
      desired: { ...desired, spec: { list: [{ a: 1, b: 1 }] } },
      live: { ...live, spec: { list: [{ a: 1, b: 2 }] } },
    };
    expect(isIgnored('.spec.list', bodies, ignoring(['/spec/list/0/b']))).toBe(true);
    expect(isIgnored('.spec.list', bodies, ignoring(['/spec/list/0/a']))).toBe(false);
  });
});

describe('what jq paths leave of both sides', () => {
  const container = (body: Manifest): any => (body['spec'] as any).template.spec.containers[0];
  const without = (of: Manifest, edit: (draft: any) => void): Manifest => {
    const draft = structuredClone(of);
    edit(draft);
    return draft;
  };
  const cutting = (now: Manifest, edit: (draft: any) => void): IgnoredFields => ({
    pointers: [],
    managers: [],
    cut: { desired: without(desired, edit), live: without(now, edit) },
  });
  const scaled = change((draft) => (draft.spec.replicas = 5), 'autoscaler');

  it('where they are the same after the cut, and the cut was there, the difference is ignored', () => {
    expect(
      tolerates(
        scaled,
        cutting(scaled, (draft) => delete draft.spec.replicas),
      ),
    ).toBe(true);
    expect(
      tolerates(
        scaled,
        cutting(scaled, (draft) => delete draft.spec),
      ),
    ).toBe(true);
    expect(
      tolerates(
        scaled,
        cutting(scaled, (draft) => delete draft.spec.paused),
      ),
    ).toBe(false);
  });
  it('what is no difference to Git, and was not cut, counts all the same', () => {
    // The recorded value is another: somebody had changed it before, and now changed it back.
    const back = { ...recorded, '.spec.replicas': 9 };
    const ignored = cutting(live, (draft) => delete draft.spec.paused);
    expect(differsOnlyInIgnored(back, { desired, live }, manager, sealer, ignored)).toBe(false);
  });
  it('an item of a list, by what it says', () => {
    const image = change((draft) => (container(draft).image = 'a:2'));
    const cut = cutting(image, (draft) => (draft.spec.template.spec.containers = []));
    expect(tolerates(image, cut)).toBe(true);
    const onlyName = cutting(image, (draft) => delete container(draft).name);
    expect(tolerates(image, onlyName)).toBe(false);
  });
  it('of a value that is one for the API server, the rest must be the same', () => {
    const bodies = {
      desired: { ...desired, spec: { list: [{ a: 1, b: 1 }] } },
      live: { ...live, spec: { list: [{ a: 1, b: 2 }] } },
    };
    const cut = (name: string): IgnoredFields => {
      const edit = (draft: any): unknown => delete draft.spec.list[0][name];
      return {
        pointers: [],
        managers: [],
        cut: { desired: without(bodies.desired, edit), live: without(bodies.live, edit) },
      };
    };
    expect(isIgnored('.spec.list', bodies, cut('b'))).toBe(true);
    expect(isIgnored('.spec.list', bodies, cut('a'))).toBe(false);
  });
  it('a sync that respects them leaves the live value', () => {
    const next: Manifest = { ...desired, spec: { ...(desired['spec'] as object), replicas: 3 } };
    const edit = (draft: any): unknown => delete draft.spec.replicas;
    const ignored = {
      pointers: [],
      managers: [],
      cut: { desired: without(next, edit), live: without(scaled, edit) },
    };
    const { manifest } = respecting({ desired: next, live: scaled }, manager, ignored);
    expect(manifest['spec']).not.toHaveProperty('replicas');
  });
});

describe('a sync that respects them', () => {
  const next: Manifest = { ...desired, spec: { ...(desired['spec'] as object), replicas: 3, paused: true } };
  const specOf = (now: Manifest, ignored = ignoring(['/spec/replicas'])): unknown => {
    const { manifest, isCopied } = respecting({ desired: next, live: now }, manager, ignored);
    return { spec: manifest['spec'], isCopied };
  };
  it('leaves out what somebody else owns', () => {
    const scaled = change((draft) => (draft.spec.replicas = 5), 'autoscaler');
    expect(specOf(scaled)).toMatchObject({ spec: { paused: true }, isCopied: false });
    expect(specOf(scaled)).not.toHaveProperty('spec.replicas');
  });
  it('declares the live value of what nobody else owns: leaving it out would delete it', () => {
    expect(specOf(live)).toMatchObject({ spec: { replicas: 2, paused: true }, isCopied: true });
  });
  it('leaves the rest as Git says, and the manifest that it was given as it is', () => {
    expect(specOf(live, ignoring(['/spec/strategy']))).toMatchObject({
      spec: { replicas: 3 },
      isCopied: false,
    });
    expect(next['spec']).toMatchObject({ replicas: 3 });
  });
  it('takes no empty map along', () => {
    const scaled = change((draft) => (draft.metadata.annotations['a/b'] = '2'), 'other');
    const { manifest } = respecting(
      { desired, live: scaled },
      manager,
      ignoring(['/metadata/annotations/a~1b']),
    );
    expect(manifest.metadata).not.toHaveProperty('annotations');
  });
});
