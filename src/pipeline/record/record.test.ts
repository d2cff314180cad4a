/** What is kept of a Run: the inventory's algebra (F18), the history, and their form in the cluster. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '#model/object.ts';
import { keyText } from '#model/object.ts';
import type { InventoryEntry } from '#model/observed.ts';
import type { HistoryEntry, StepResult, UnitState } from '#model/outcome.ts';
import type { Step } from '#model/plan.ts';
import {
  edited,
  entryOf,
  live,
  object,
  planned,
  seen,
  strange,
  unit,
  withPolicy,
} from '../plan/planning.fixture.ts';
import { isRevert, pendingRevert, withDrift, withStable, withSync } from './history.ts';
import {
  goneKeys,
  inventoryAfter,
  inventoryBefore,
  inventoryNow,
  inventorySettled,
  withUnanswered,
} from './inventory.ts';
import { decodeUnitState, encodeUnitState, shardBytesMax, shardNames } from './unit-state-codec.ts';

const keys = (inventory: readonly InventoryEntry[]): readonly string[] =>
  inventory.map(({ ref }) => ref.name).toSorted();
const state: UnitState = {
  unit: 'u-1',
  owner: unit.owner,
  epoch: 4,
  revisions: [],
  inventory: [],
  values: {},
  history: [],
  sinceMs: 7,
  takenOver: false,
};

const refusedStep = { kind: 'transient', code: 'Timeout', stage: 'apply', message: '', hint: '' } as const;

describe('F18: the inventory', () => {
  it('before a Run is the old and the attempted, without the UID of what is made anew', () => {
    const { plan } = planned({
      git: [object('new'), object('anew'), object('adopted')],
      cluster: [strange(object('adopted'))],
      inventory: [entryOf(object('anew')), entryOf(object('old'))],
    });
    const before = inventoryBefore([entryOf(object('anew')), entryOf(object('old'))], plan);
    expect(keys(before)).toEqual(['adopted', 'anew', 'new', 'old']);
    const byName = new Map(before.map((entry) => [entry.ref.name, entry]));
    expect(byName.get('new')).toMatchObject({ state: 'attempted' });
    expect(byName.get('anew')).not.toHaveProperty('uid');
    expect(byName.get('adopted')).toMatchObject({ uid: 'uid-adopted', state: 'attempted' });
    expect(byName.get('old')).toEqual(entryOf(object('old')));
  });

  it('after a Run, however it went, has everything that may be there until its end was seen', () => {
    const name = fc.constantFrom<string>('n0', 'n1', 'n2', 'n3', 'n4');
    const set = fc.uniqueArray(name);
    const fate = fc.constantFrom<StepResult['result']>('done', 'failed', 'stale', 'skipped');
    fc.assert(
      fc.property(
        set,
        set,
        set,
        fc.infiniteStream(fate),
        fc.infiniteStream(fc.boolean()),
        (git, cluster, recorded, fates, landed) => {
          const inventory = recorded.map((text) => entryOf(object(text)));
          const { plan } = planned({
            unit: withPolicy({ allowEmpty: true }),
            git: git.map((text) => object(text)),
            cluster: cluster.map((text) => live(object(text))),
            inventory,
          });
          const before = inventoryBefore(inventory, plan);
          const present = new Set(cluster);
          const results = plan.steps.map((step): StepResult => {
            const result = fates.next().value;
            // What is not answered may have happened all the same (F2).
            const happened = result === 'done' || (result === 'failed' && landed.next().value);
            const { verb } = step.action;
            if (happened && verb === 'delete') present.delete(step.object.name);
            if (happened && (verb === 'create' || verb === 'apply')) present.add(step.object.name);
            const observed =
              result === 'done' && verb !== 'delete'
                ? { observed: seen(live(object(step.object.name))) }
                : {};
            return { step: step.id, object: step.object, result, ...observed };
          });
          const sightings = new Map(
            before.map(({ ref }) => [
              keyText(ref),
              present.has(ref.name)
                ? ({ state: 'present', object: seen(live(object(ref.name))) } as const)
                : ({ state: 'absent' } as const),
            ]),
          );
          const after = keys(
            inventoryAfter(before, {}, plan, results, goneKeys(before, sightings, true), false).inventory,
          );
          for (const entry of before)
            if (present.has(entry.ref.name) || git.includes(entry.ref.name))
              expect(after).toContain(entry.ref.name);
          for (const text of after) expect(present.has(text) || git.includes(text)).toBe(true);
        },
      ),
    );
  });
  it('F19: what is not known to be gone stays', () => {
    const entry = entryOf(object('one'));
    expect(
      goneKeys([entry], new Map([[keyText(entry.ref), { state: 'unknown', why: 'x' }]]), false).size,
    ).toBe(0);
    expect(goneKeys([entry], new Map(), false).size).toBe(0);
  });
  it('F18: what was created without an answer stays for as long as it may still come', () => {
    const { plan } = planned({ git: [object('one'), object('two')] });
    const before = inventoryBefore([], plan);
    const results = plan.steps.map((step, index) => ({
      step: step.id,
      object: step.object,
      result: 'failed' as const,
      failure: { ...refusedStep, ...(index === 0 ? { isUnanswered: true as const } : {}) },
    }));
    const sent = withUnanswered(before, results);
    const away = new Map(before.map(({ ref }) => [keyText(ref), { state: 'absent' } as const]));
    const left = (mayLand: boolean): readonly string[] => {
      const gone = goneKeys(sent, away, mayLand);
      return keys(sent.filter(({ ref }) => !gone.has(keyText(ref))));
    };
    expect(left(true)).toEqual([plan.steps[0]!.object.name]);
    expect(left(false)).toEqual([]);
    const answered = inventoryBefore(sent, plan);
    expect(answered).toEqual(sent);
  });
  it('F1, F18: what a Run attempted that was cut off may still come', () => {
    const { plan } = planned({ git: [object('one')] });
    const inventory = inventoryBefore([], plan);
    const intent = { plan: plan.digest, revisions: [], by: '', startedAtMs: 0, attempt: 0 };
    expect(inventoryNow({ inventory })).toBe(inventory);
    expect(inventoryNow({ intent, inventory })).toEqual([{ ...inventory[0], unanswered: true }]);
  });
  it('without a Run: what is gone leaves, what is kept is no longer wanted, and nothing else changes', () => {
    const inventory = ['one', 'gone', 'kept'].map((text) => entryOf(object(text)));
    const { plan } = planned({
      unit: withPolicy({ prune: false }),
      git: [object('one')],
      cluster: [live(object('one')), live(object('kept'))],
      inventory,
    });
    const sightings = new Map(
      inventory.map(({ ref }) => [
        keyText(ref),
        ref.name === 'gone'
          ? ({ state: 'absent' } as const)
          : ({ state: 'present', object: seen(live(object(ref.name))) } as const),
      ]),
    );
    const settled = inventorySettled(inventory, plan, sightings, true);
    expect(keys(settled)).toEqual(['kept', 'one']);
    expect(settled.find(({ ref }) => ref.name === 'kept')).not.toHaveProperty('desired');
    expect(inventorySettled(settled, plan, sightings, true)).toBe(settled);
  });
});

describe('history', () => {
  const facts = { atMs: 1, durationMs: 1, by: 'automated sync', message: '' };
  const { plan } = planned({ git: [object('one')] });
  const drift = planned({
    git: [object('one')],
    cluster: [edited(live(object('one')), (draft) => (draft.data.a = 'x'.repeat(700_000)))],
    inventory: [entryOf(object('one'))],
  }).plan;

  it('neither drift nor failures push the deployments out', () => {
    let now = withSync(state, plan, { ...facts, result: 'succeeded' });
    for (let count = 0; count < 100; count += 1)
      now = withDrift(withSync(now, plan, { ...facts, result: 'failed' }), drift, {
        healed: false,
        nowMs: 5,
        seenAtMs: 4,
      });
    expect(now.history.filter((entry) => entry.kind === 'sync' && entry.result === 'succeeded')).toHaveLength(
      1,
    );
    expect(now.history.length).toBeLessThanOrEqual(61);
    const ids = now.history.map(({ id }: HistoryEntry) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });
  it('fits into one object, whatever drifted', () => {
    let now = state;
    for (let count = 0; count < 30; count += 1)
      now = withDrift(now, drift, { healed: true, nowMs: 5, seenAtMs: 4 });
    expect(JSON.stringify(now.history).length).toBeLessThan(100_000);
  });
});

describe('a revert', () => {
  it.each([
    ['Revert "Raise it"', true],
    ['Revert "Revert "Raise it""', true],
    ['Merge pull request #12 from ada/revert-11-raise', true],
    ['Revert to smaller images', false],
    ['Merge branch revert', false],
    ['Do not revert "it"', false],
  ])('%s: %s', (message, expected) => expect(isRevert(message)).toBe(expected));

  it('is stable once, when all is well after it; what comes after it is not counted as its time', () => {
    const { plan } = planned({ git: [object('a')] });
    const facts = { atMs: 10, durationMs: 1, by: 'ada', message: '', result: 'succeeded' } as const;
    const reverted = withSync(state, plan, { ...facts, revert: { seenAtMs: 5 } });
    expect(pendingRevert(reverted)?.id).toBe(1);
    const stable = withStable(reverted, 42);
    expect(stable.history[0]).toMatchObject({ revert: { seenAtMs: 5, stableAtMs: 42 } });
    expect(pendingRevert(stable)).toBeUndefined();
    expect(withStable(stable, 99)).toBe(stable);
    expect(pendingRevert(withSync(reverted, plan, facts))).toBeUndefined();
    expect(
      pendingRevert(withSync(state, plan, { ...facts, result: 'failed', revert: { seenAtMs: 5 } })),
    ).toBeUndefined();
  });
});

describe('UnitState in the cluster', () => {
  const values = (text: string) => ({ '.data.a': text });
  /** Thousands of objects whose values do not compress. */
  function large(count: number): UnitState {
    let seed = 1;
    const noise = (): string =>
      Array.from({ length: 40 }, () => (seed = (seed * 48_271) % 2_147_483_647).toString(36)).join('');
    const entries = Array.from({ length: count }, (_, index): InventoryEntry => ({
      ...entryOf(object('x')),
      ref: { ...entryOf(object('x')).ref, name: `n${index}` },
      uid: noise().slice(0, 36),
    }));
    return {
      ...state,
      inventory: entries,
      values: Object.fromEntries(entries.map(({ ref }) => [keyText(ref), values(noise())])),
    };
  }
  const decoded = (manifests: readonly Manifest[]): UnitState | undefined => {
    const [head, ...shards] = manifests;
    return decodeUnitState(head!, (name) => shards.find(({ metadata }) => metadata.name === name));
  };

  it('is read as it was written', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/)),
        fc.nat(),
        fc.boolean(),
        (names, epoch, takenOver) => {
          const inventory = names.map((text) => entryOf(object(text)));
          const one: UnitState = {
            ...state,
            epoch,
            takenOver,
            inventory,
            values: Object.fromEntries(inventory.map(({ ref }) => [keyText(ref), values(ref.name)])),
          };
          const manifests = JSON.parse(JSON.stringify(encodeUnitState(one, '5').manifests)) as Manifest[];
          expect(manifests).toHaveLength(1);
          expect(manifests[0]!.metadata['resourceVersion']).toBe('5');
          expect(decoded(manifests)).toEqual(one);
        },
      ),
    );
  });
  it('with thousands of objects is cut into shards of at most 512 KiB, named by content', () => {
    const one = large(6000);
    const { manifests, parts } = encodeUnitState(one, undefined);
    expect(manifests.length).toBeGreaterThan(2);
    for (const manifest of manifests)
      expect(String(manifest['packed']).length).toBeLessThanOrEqual(shardBytesMax);
    expect(shardNames(manifests[0]!)).toEqual(manifests.slice(1).map(({ metadata }) => metadata.name));
    expect(decoded(manifests)).toEqual(one);
    expect(encodeUnitState(one, undefined).manifests).toEqual(manifests);
    const changed = one.inventory.with(3000, { ...one.inventory[3000]!, state: 'kept' });
    const after = encodeUnitState({ ...one, inventory: changed }, undefined, parts);
    expect(decoded(after.manifests)).toEqual({ ...one, inventory: changed });
    expect(after.parts.filter((part) => !parts.includes(part))).toHaveLength(1);
  });
  it('with a shard missing, or of another form, is not a state at all, rather than half of one', () => {
    const [head, ...shards] = encodeUnitState(large(6000), undefined).manifests;
    expect(decoded([head!, ...shards.slice(1)])).toBeUndefined();
    expect(decodeUnitState({ ...head!, form: 99 }, () => undefined)).toBeUndefined();
    expect(
      decodeUnitState(
        { apiVersion: 'trueup.dev/v1alpha1', kind: 'UnitState', metadata: { name: 'x' } },
        () => undefined,
      ),
    ).toBeUndefined();
  });
  it('damaged is not a state, and does not throw (F28)', () => {
    const [head] = encodeUnitState(state, undefined).manifests;
    for (const packed of ['', 'AAAA', 'not base64 …', 5])
      expect(() => decodeUnitState({ ...head!, packed }, () => undefined)).not.toThrow();
  });
  it('belongs to its Application, so that it goes with it', () => {
    const [head] = encodeUnitState(state, undefined).manifests;
    expect(head!.metadata['ownerReferences']).toMatchObject([
      { kind: 'Application', name: 'web', uid: 'u-1' },
    ]);
  });
  it('no value of a Secret is in it (S14): values are sealed before they come here', () => {
    const step = planned({
      git: [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { word: 'canary' } }],
    }).plan.steps[0] as Step;
    expect(JSON.stringify(step)).not.toContain('canary');
  });
});
