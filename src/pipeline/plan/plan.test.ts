/** The planner: the same input gives the same plan, and no plan does what nobody asked for. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '#model/object.ts';
import type { InventoryEntry } from '#model/observed.ts';
import type { Plan, Step } from '#model/plan.ts';
import {
  edited,
  entryOf,
  live,
  manager,
  mark,
  object,
  otherMarks,
  planned,
  refTo,
  strange,
  unit,
  withPolicy,
} from './planning.fixture.ts';

const lines = ({ steps }: Plan): readonly string[] =>
  steps.map(({ action, object: ref, reason }) => `${action.verb} ${ref.name} ${reason}`);
const codes = ({ blocked }: Plan): readonly string[] => blocked.map(({ code }) => code);
const [one, two, three] = ['one', 'two', 'three'].map((name) => object(name)) as [
  Manifest,
  Manifest,
  Manifest,
];
const many = (count: number): readonly Manifest[] =>
  Array.from({ length: count }, (_, index) => object(`n${index}`));

describe('what is there and what is wanted', () => {
  it('in sync: no steps', () => {
    expect(planned({ git: [one], cluster: [live(one)], inventory: [entryOf(one)] }).plan).toMatchObject({
      steps: [],
      blocked: [],
      kept: [],
      pruned: 0,
    });
  });
  it('missing, changed, drifted, deleted, adopted, removed: each has its verb and reason', () => {
    expect(lines(planned({ git: [one] }).plan)).toEqual(['create one missing']);
    expect(
      lines(
        planned({ git: [object('one', { a: '2' })], cluster: [live(one)], inventory: [entryOf(one)] }).plan,
      ),
    ).toEqual(['apply one changed']);
    expect(
      lines(
        planned({
          git: [one],
          cluster: [edited(live(one), (draft) => (draft.data.a = 'x'))],
          inventory: [entryOf(one)],
        }).plan,
      ),
    ).toEqual(['apply one drifted']);
    expect(lines(planned({ git: [one], inventory: [entryOf(one)] }).plan)).toEqual(['create one drifted']);
    expect(lines(planned({ git: [one], cluster: [strange(one)] }).plan)).toEqual(['apply one adopted']);
    expect(
      lines(
        planned({ git: [two], cluster: [live(one), live(two)], inventory: [entryOf(one), entryOf(two)] })
          .plan,
      ),
    ).toEqual(['delete one removed']);
  });
  it('what is removed takes what belongs to it along first; plain data is gone with the request, unless told', () => {
    const web: Manifest = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: one.metadata };
    const propagationOf = (manifest: Manifest, of = unit): unknown => {
      const inventory = [entryOf(manifest), entryOf(two)];
      const { steps } = planned({
        git: [two],
        cluster: [live(manifest), live(two)],
        inventory,
        unit: of,
      }).plan;
      return steps.map(({ action }) => action.verb === 'delete' && action.propagation);
    };
    const asUsual = withPolicy({ propagation: undefined });
    expect(propagationOf(one, asUsual)).toEqual(['Background']);
    expect(propagationOf(web, asUsual)).toEqual(['Foreground']);
    expect(propagationOf(one, withPolicy({ propagation: 'Foreground' }))).toEqual(['Foreground']);
  });
  it('a step says which fields, their values, and who made them so', () => {
    const drifted = edited(live(one), (draft) => (draft.data.a = 'x'), 'rival');
    const [step] = planned({ git: [one], cluster: [drifted], inventory: [entryOf(one)] }).plan.steps;
    expect(step).toMatchObject({
      manager,
      action: { verb: 'apply', expect: { uid: 'uid-one' }, force: ['.data.a'] },
      changes: [
        { path: '.data.a', before: 'x', after: '1', owner: { manager: 'rival', operation: 'Update' } },
      ],
      at: { path: 'app/all.yaml', line: 1 },
    });
  });
  it('F3: nothing is forced where nobody else owns a field that is declared', () => {
    const theirs = edited(live(one), (draft) => (draft.data.theirs = 'x'));
    const [step] = planned({ git: [object('one', { a: '2' })], cluster: [theirs], inventory: [entryOf(one)] })
      .plan.steps;
    expect(step?.action).toMatchObject({ verb: 'apply', force: [] });
  });
  it('F3: what is forced is for the version that was seen', () => {
    const drifted = edited(live(one), (draft) => (draft.data.a = 'x'), 'rival');
    const { uid, resourceVersion } = drifted.metadata;
    const [step] = planned({ git: [one], cluster: [drifted], inventory: [entryOf(one)] }).plan.steps;
    expect(step?.action).toMatchObject({ verb: 'apply', expect: { uid, resourceVersion } });
  });
  it('an object that is on its way out is waited for, then made anew', () => {
    const going: Manifest = {
      ...live(one),
      metadata: { ...live(one).metadata, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x/y'] },
    };
    expect(lines(planned({ git: [one], cluster: [going], inventory: [entryOf(one)] }).plan)).toEqual([
      'wait one gate',
      expect.stringMatching(/^create one /),
    ]);
  });
  it('F27: one that a finalizer holds is kept, and named with it', () => {
    const going: Manifest = {
      ...live(one),
      metadata: { ...live(one).metadata, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x/y'] },
    };
    const { plan } = planned({
      git: [two],
      cluster: [going, live(two)],
      inventory: [{ ...entryOf(one), state: 'deleting' }, entryOf(two)],
    });
    expect(plan.steps).toEqual([]);
    expect(plan.kept).toMatchObject([{ ref: { name: 'one' }, why: expect.stringContaining('x/y') }]);
  });
  it('the content of every step that writes is carried with the plan, under its digest', () => {
    const { plan, content } = planned({
      git: [one, two],
      cluster: [strange(two, 'kubectl-client-side-apply')],
    });
    for (const { action } of plan.steps) {
      if (action.verb === 'create' || action.verb === 'apply') expect(content.has(action.desired)).toBe(true);
      if (action.verb === 'patch-metadata') expect(content.has(action.patch)).toBe(true);
    }
  });
});

describe('the digest', () => {
  const situation = {
    git: [one, two, object('four')],
    cluster: [strange(two), live(three)],
    inventory: [entryOf(three)],
  };

  it('is the same for the same input, whatever the attempt', () => {
    const { plan } = planned(situation);
    expect(planned(situation).plan).toEqual(plan);
    expect(planned({ ...situation, attempt: 4 }).plan.digest).toBe(plan.digest);
    expect(planned({ ...situation, attempt: 4 }).plan.steps[0]?.attempt).toBe(4);
  });
  it('is another as soon as another thing would be done', () => {
    const digests = [
      planned(situation),
      planned({ ...situation, git: [one, two] }),
      planned({ ...situation, git: [object('one', { a: '2' }), two, object('four')] }),
      planned({ ...situation, cluster: [strange(two, 'kubectl', 'another-uid'), live(three)] }),
      planned({ ...situation, unit: withPolicy({ propagation: 'Orphan' }) }),
    ].map(({ plan }) => plan.digest);
    expect(new Set(digests).size).toBe(digests.length);
  });
});

describe('order', () => {
  const crd = (name: string): Manifest => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: {
      group: 'x.example',
      scope: 'Namespaced',
      names: { kind: 'Thing', plural: 'things' },
      versions: [{ name: 'v1', served: true }],
    },
  });
  const kinds: readonly Manifest[] = [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'gate' },
    },
    { apiVersion: 'x.example/v1', kind: 'Thing', metadata: { name: 'thing' } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'deployment' }, spec: {} },
    object('config'),
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'namespace' } },
    crd('definition'),
  ];

  it('definitions, their kinds served, namespaces, configuration, the rest, what gates requests', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...kinds], { minLength: kinds.length }), (git) => {
        const names = planned({ git }).plan.steps.map(
          ({ action, object: ref }) => `${action.verb} ${ref.name}`,
        );
        expect(names.slice(0, 4)).toEqual([
          'create definition',
          'wait definition',
          'create namespace',
          'create config',
        ]);
        expect(names.slice(4, 6).toSorted()).toEqual(['create deployment', 'create thing']);
        expect(names.at(-1)).toBe('create gate');
      }),
    );
  });
  it('deletes come last, the other way round', () => {
    const gone = kinds.filter(({ kind }) => kind !== 'Thing');
    fc.assert(
      fc.property(fc.shuffledSubarray([...gone], { minLength: gone.length }), (shuffled) => {
        const { steps } = planned({
          git: [object('new')],
          cluster: shuffled.map((manifest) => live(manifest)),
          inventory: shuffled.map((manifest) => entryOf(manifest)),
        }).plan;
        expect(steps.map(({ action, object: ref }) => `${action.verb} ${ref.name}`)).toEqual([
          'create new',
          'delete gate',
          'delete deployment',
          'delete config',
          'delete namespace',
          'delete definition',
        ]);
        expect(steps.map(({ order }) => order)).toEqual(
          steps.map(({ order }) => order).toSorted((a, b) => a - b),
        );
      }),
    );
  });
});

describe('guards', () => {
  const all = (manifests: readonly Manifest[]) => ({
    cluster: manifests.map((manifest) => live(manifest)),
    inventory: manifests.map((manifest) => entryOf(manifest)),
  });

  it('F8: an empty render deletes nothing, also when a person asks to prune (argo-cd#23645)', () => {
    const request = { by: 'ada', prune: true, dryRun: false, refused: [] };
    for (const of of [unit, { ...unit, request }])
      expect(codes(planned({ unit: of, git: [], ...all(many(2)) }).plan)).toEqual(['EmptyRender']);
    const allowed = planned({ unit: withPolicy({ allowEmpty: true }), git: [], ...all(many(2)) }).plan;
    expect(allowed).toMatchObject({ blocked: [], pruned: 2 });
  });
  it('F8: an approval of the very plan that empties it passes, and no other one does', () => {
    const request = { by: 'ada', prune: true, dryRun: false, refused: [] };
    const asked = { ...unit, request, sync: { ...unit.sync, trigger: 'manual', prune: false } } as const;
    const situation = { git: [], ...all(many(2)) };
    const { plan } = planned({ unit: asked, ...situation });
    expect(plan.blocked[0]?.message).toContain(`until plan ${plan.digest} is approved`);
    expect(plan.blocked[0]?.hint).toContain(plan.digest);
    const approved = planned({ unit: { ...asked, approved: plan.digest }, ...situation }).plan;
    expect(approved).toMatchObject({ blocked: [], pruned: 2 });
    const other = { ...asked, approved: 'sha256:other' } as const;
    expect(codes(planned({ unit: other, ...situation }).plan)).toEqual(['EmptyRender']);
    // Where nothing would be deleted there is nothing to approve.
    const { request: _, ...unasked } = asked;
    const kept = planned({ unit: unasked, ...situation }).plan;
    expect(kept.blocked[0]?.hint).not.toContain('sha256:');
  });
  it('F9: a large share waits for approval of exactly this plan', () => {
    const situation = { git: many(2), ...all(many(12)) };
    const { plan } = planned(situation);
    expect(codes(plan)).toEqual(['PruneHeld']);
    expect(plan.blocked[0]?.message).toContain(plan.digest);
    expect(planned({ ...situation, unit: { ...unit, approved: plan.digest } }).plan.blocked).toEqual([]);
    expect(
      codes(planned({ ...situation, git: many(3), unit: { ...unit, approved: plan.digest } }).plan),
    ).toEqual(['PruneHeld']);
  });
  it.each([
    [12, 7, []],
    [12, 6, []],
    [12, 5, ['PruneHeld']],
    [10, 5, []],
    [6, 1, []],
    [100, 51, []],
    [100, 49, ['PruneHeld']],
  ])('F9: of %i objects %i stay: %j', (before, after, expected) => {
    expect(codes(planned({ git: many(after), ...all(many(before)) }).plan)).toEqual(expected);
  });
  it('F9: the share is of what stands: what somebody else has deleted already does not count', () => {
    const before = many(14);
    const situation = { ...all(before), cluster: before.slice(0, 8).map((manifest) => live(manifest)) };
    expect(codes(planned({ git: many(2), ...situation }).plan)).toEqual(['PruneHeld']);
    expect(codes(planned({ git: many(4), ...situation }).plan)).toEqual([]);
  });
  describe('values that templates made up', () => {
    const before = [object('password', { p: 'Gai9oh' }), object('plain')];
    const after = [object('password', { p: 'eew4Ie' }), object('plain')];
    const inputs = 'sha256:inputs' as const;
    const lost = { git: after, ...all(before), madeUp: true, state: { inputs } };

    it('are not replaced by others while nothing changed, until a person approves exactly these', () => {
      const { plan } = planned(lost);
      expect(codes(plan)).toEqual(['RandomTemplate']);
      expect(plan.blocked[0]?.message).toMatch(/ConfigMap web\/password are not kept/);
      expect(plan.blocked[0]?.message).toContain(plan.digest);
      const approved = { ...unit, approved: plan.digest };
      expect(planned({ ...lost, unit: approved }).plan.blocked).toEqual([]);
      const others = [object('password', { p: 'aePh3u' }), object('plain')];
      expect(codes(planned({ ...lost, git: others, unit: approved }).plan)).toEqual(['RandomTemplate']);
    });
    it('that stand in a name are held too', () => {
      const git = [object('password-eew4Ie'), object('plain')];
      expect(codes(planned({ ...lost, git }).plan)).toEqual(['RandomTemplate']);
    });
    it.each([
      ['they are those that were applied', { git: before, cluster: [] }],
      ['other inputs are applied', { state: { inputs: 'sha256:other' as const } }],
      ['nothing is applied', { state: {}, inventory: [], cluster: [] }],
      ['the values come from Git', { madeUp: false }],
      [
        'the object was made anew and never came to be',
        { inventory: [{ ref: refTo('password'), state: 'attempted' as const }, entryOf(before[1]!)] },
      ],
    ])('are applied where %s', (_, situation) => {
      expect(planned({ ...lost, ...situation }).plan.blocked).toEqual([]);
    });
  });
  it('F19: a kind that is not known is not an empty list', () => {
    const unknownInGit = planned({
      git: [one, two],
      unknown: ['one'],
      cluster: [live(two)],
      inventory: [entryOf(two)],
    }).plan;
    expect(codes(unknownInGit)).toEqual(['ObservationIncomplete']);
    const unknownOutOfGit = planned({
      git: [two],
      unknown: ['one'],
      cluster: [live(two)],
      inventory: [entryOf(one), entryOf(two)],
    }).plan;
    expect(codes(unknownOutOfGit)).toEqual(['ObservationIncomplete']);
    expect(unknownOutOfGit.pruned).toBe(0);
    const unserved = planned({
      git: [{ apiVersion: 'x.example/v1', kind: 'Thing', metadata: { name: 'x' } }],
      ...all([one]),
    }).plan;
    expect(codes(unserved)).toContain('UnknownKind');
  });
  it('an object that another Unit has is a conflict, and blocks all', () => {
    const { plan } = planned({
      git: [one, two],
      cluster: [live(one)],
      otherOwner: (ref) => (ref.name === 'one' ? 'Application argocd/other' : undefined),
    });
    expect(codes(plan)).toEqual(['ObjectConflict']);
    expect(plan.blocked[0]).toMatchObject({
      subject: { name: 'one' },
      at: { path: 'app/all.yaml', line: 1 },
      message: expect.stringContaining('argocd/other'),
    });
  });
  it('F26: marks of a Unit that exists are a conflict; of one that does not, and copied ones, are nothing', () => {
    const marked = (value: string): Manifest =>
      strange(
        object('one', undefined, {
          metadata: { name: 'one', namespace: 'web', annotations: { [mark]: value } },
        }),
      );
    const verdict = (value: string): readonly string[] =>
      codes(planned({ git: [one], cluster: [marked(value)], isUnit: (name) => name === 'other' }).plan);
    expect(verdict('other:/ConfigMap:web/one')).toEqual(['ObjectConflict']);
    expect(verdict('gone:/ConfigMap:web/one')).toEqual([]);
    expect(verdict('other:/ConfigMap:web/copied-from')).toEqual([]);
    expect(verdict('web:/ConfigMap:web/one')).toEqual([]);
  });
  it('F26: marks of a Unit of another dialect are a conflict too; one label that charts set as well is none', () => {
    const labels = (...keys: readonly string[]) => keys.map((key) => ({ key, value: 'any' }));
    const marked = (...marks: readonly (readonly [string, string])[]): Manifest => {
      const metadata = { name: 'one', namespace: 'web', annotations: Object.fromEntries(marks) };
      return strange(object('one', undefined, { metadata }));
    };
    const verdict = (live: Manifest, ...keys: readonly string[]): readonly string[] => {
      const trackings = [unit.tracking, { owner: 'any/any', labels: labels(...keys) }];
      return codes(
        planned({ git: [one], cluster: [live], isUnit: (name) => name !== 'gone', trackings }).plan,
      );
    };
    const [space, name] = otherMarks;
    expect(verdict(marked([space, 'flux'], [name, 'web']), space, name)).toEqual(['ObjectConflict']);
    expect(verdict(marked([space, 'flux']), space, name)).toEqual([]);
    expect(verdict(marked([name, 'web']), name)).toEqual([]);
    const own = [mark, 'web:/ConfigMap:web/one'] as const;
    expect(verdict(marked(own, [space, 'flux'], [name, 'web']), space, name)).toEqual([]);
  });
  it('of two files that declare one object the later one counts, also where only the one names a namespace', () => {
    const later: Manifest = { ...object('one', { a: '2' }), metadata: { name: 'one' } };
    const { plan } = planned({ git: [one, later] });
    expect(plan.blocked).toEqual([]);
    const digests = (git: readonly Manifest[]): readonly string[] =>
      planned({ git }).plan.desired.map(({ digest }) => digest);
    expect(digests([one, later])).toEqual(digests([later]));
    expect(digests([one, later])).not.toEqual(digests([one]));
  });
  it('limits of the project, and annotations that are not honoured, block it', () => {
    const limited = {
      ...unit,
      limits: { ...unit.limits, namespaces: ['web', '!secret'], clusterKinds: { allow: [] } },
    };
    const elsewhere = object('one', undefined, { metadata: { name: 'one', namespace: 'secret' } });
    expect(codes(planned({ unit: limited, git: [elsewhere] }).plan)).toEqual(['ProjectDenies']);
    expect(
      codes(
        planned({ unit: limited, git: [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } }] })
          .plan,
      ),
    ).toEqual(['ProjectDenies']);
    const annotated = (annotations: Record<string, string>): Manifest =>
      object('one', undefined, { metadata: { name: 'one', namespace: 'web', annotations } });
    expect(codes(planned({ git: [annotated({ 'argocd.argoproj.io/hook': 'Someday' })] }).plan)).toEqual([
      'Unsupported',
    ]);
    expect(
      codes(
        planned({ git: [annotated({ 'argocd.argoproj.io/sync-options': 'Prune=true, Replace=maybe' })] })
          .plan,
      ),
    ).toEqual(['Unsupported']);
    expect(
      codes(
        planned({
          git: [
            annotated({
              'argocd.argoproj.io/sync-wave': '-1',
              'argocd.argoproj.io/sync-options': 'Validate=false',
            }),
          ],
        }).plan,
      ),
    ).toEqual([]);
  });
});

describe('what may be deleted', () => {
  it('F26: only the very object that was applied', () => {
    const anew = strange(one, 'kubectl', 'another-uid');
    expect(
      lines(
        planned({ git: [two], cluster: [anew, live(two)], inventory: [entryOf(one), entryOf(two)] }).plan,
      ),
    ).toEqual([]);
  });
  it('F18: of a create that was not answered, one that has our own mark', () => {
    const attempted: InventoryEntry = { ref: refTo('one'), state: 'attempted' };
    const situation = (body: Manifest) => ({
      git: [two],
      cluster: [body, live(two)],
      inventory: [attempted, entryOf(two)],
    });
    expect(lines(planned(situation(live(one))).plan)).toEqual(['delete one removed']);
    expect(lines(planned(situation(strange(one))).plan)).toEqual([]);
  });
  it('nothing where pruning is off, unless a person asks', () => {
    const situation = {
      git: [two],
      cluster: [live(one), live(two)],
      inventory: [entryOf(one), entryOf(two)],
    };
    const off = withPolicy({ prune: false });
    expect(planned({ ...situation, unit: off }).plan).toMatchObject({
      pruned: 0,
      kept: [{ ref: { name: 'one' } }],
    });
    const request = { by: 'ada', prune: true, dryRun: false, refused: [] };
    expect(planned({ ...situation, unit: { ...off, request } }).plan.pruned).toBe(1);
  });
  it('what came with a takeover and is not in Git only when a person asks', () => {
    const situation = {
      git: [two],
      cluster: [live(one), live(two)],
      inventory: [{ ...entryOf(one), state: 'kept' as const }, entryOf(two)],
    };
    expect(planned(situation).plan).toMatchObject({ pruned: 0, kept: [{ ref: { name: 'one' } }] });
    expect(
      planned({ ...situation, inventory: [entryOf(one), entryOf(two)], state: { takenOver: true } }).plan
        .pruned,
    ).toBe(0);
    const request = { by: 'ada', prune: true, dryRun: false, refused: [] };
    expect(planned({ ...situation, unit: { ...unit, request } }).plan.pruned).toBe(1);
  });
  it('all of it, in a teardown, with the finalizer’s propagation and without the guards', () => {
    const manifests = many(12);
    const { plan } = planned({
      unit: { ...unit, teardown: { propagation: 'Background' } },
      git: [],
      cluster: manifests.map((manifest) => live(manifest)),
      inventory: manifests.map((manifest) => entryOf(manifest)),
    });
    expect(plan).toMatchObject({ pruned: 12, blocked: [] });
    expect(
      plan.steps.every(({ action }: Step) => action.verb === 'delete' && action.propagation === 'Background'),
    ).toBe(true);
  });
  it('in any situation: nothing that is in Git, nothing with another UID, nothing unknown, nothing that another has', () => {
    const name = fc.constantFrom('n0', 'n1', 'n2', 'n3');
    const set = fc.uniqueArray(name);
    fc.assert(
      fc.property(
        set,
        set,
        set,
        set,
        set,
        fc.boolean(),
        (git, cluster, inventory, replaced, unknown, prune) => {
          const { plan } = planned({
            unit: withPolicy({ prune, allowEmpty: true }),
            git: git.map((text) => object(text)),
            cluster: cluster.map((text) =>
              replaced.includes(text) ? strange(object(text), 'kubectl', 'other') : live(object(text)),
            ),
            inventory: inventory.map((text) => entryOf(object(text))),
            unknown,
          });
          for (const { action, object: ref } of plan.steps) {
            if (action.verb !== 'delete') continue;
            expect(prune).toBe(true);
            expect(git).not.toContain(ref.name);
            expect(replaced).not.toContain(ref.name);
            expect(unknown).not.toContain(ref.name);
            expect(inventory).toContain(ref.name);
          }
        },
      ),
    );
  });
});

describe('ownership of an earlier tool', () => {
  const legacy = (body: Manifest): Manifest => {
    const entries = body.metadata['managedFields'] as readonly Record<string, unknown>[];
    const theirs = { ...entries[0]!, manager: 'kubectl-client-side-apply', operation: 'Update' };
    return { ...body, metadata: { ...body.metadata, managedFields: [...entries, theirs] as never } };
  };

  it('is migrated before the object is applied again, under the version that was read', () => {
    const { plan } = planned({
      git: [object('one', { a: '2' })],
      cluster: [legacy(live(one))],
      inventory: [entryOf(one)],
    });
    expect(lines(plan)).toEqual(['patch-metadata one migration', 'apply one changed']);
    expect(plan.steps[0]?.action).toMatchObject({ expect: { uid: 'uid-one', resourceVersion: '1' } });
    expect(plan.steps[0]!.order).toBeLessThan(plan.steps[1]!.order);
  });
  it('is migrated before a forced apply, which then names no version: that is another one by then', () => {
    const drifted = edited(legacy(live(one)), (draft) => (draft.data.a = 'x'), 'rival');
    const { steps } = planned({ git: [one], cluster: [drifted], inventory: [entryOf(one)] }).plan;
    expect(steps.map(({ action }) => action)).toMatchObject([
      { verb: 'patch-metadata' },
      { verb: 'apply', force: ['.data.a'], expect: { uid: 'uid-one' } },
    ]);
    expect(steps[1]!.action).not.toHaveProperty('expect.resourceVersion');
  });
  it('is migrated by itself where nothing else is to be done', () => {
    expect(
      lines(planned({ git: [one], cluster: [legacy(live(one))], inventory: [entryOf(one)] }).plan),
    ).toEqual(['patch-metadata one migration']);
  });
});

describe('CreateNamespace', () => {
  const creating = withPolicy({ createNamespace: true });
  it('makes what is missing first, and never tracks it', () => {
    const { steps } = planned({ unit: creating, git: [one], namespaceExists: false }).plan;
    expect(steps).toMatchObject([
      {
        object: { kind: 'Namespace', name: 'web' },
        tracked: false,
        manager: expect.not.stringMatching(`^${manager}$`),
      },
      { object: { name: 'one' } },
    ]);
  });
  it('makes none that exists, that is rendered, or for nothing', () => {
    const rendered: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'web' } };
    expect(planned({ unit: creating, git: [one], namespaceExists: true }).plan.steps).toHaveLength(1);
    expect(
      planned({ unit: creating, git: [rendered, one], namespaceExists: false }).plan.steps.map(
        ({ tracked }) => tracked,
      ),
    ).toEqual([true, true]);
    expect(planned({ unit: creating, git: [], namespaceExists: false }).plan.steps).toEqual([]);
  });
});

describe('desired objects', () => {
  it('a Secret’s stringData is data, and its digest is keyed (S14)', () => {
    const secret: Manifest = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      data: { a: 'eA==' },
      stringData: { word: 'canary' },
    };
    const { plan, content } = planned({ git: [secret] });
    const [body] = [...content.values()] as Manifest[];
    expect(body).toMatchObject({
      metadata: { namespace: 'web' },
      data: { a: 'eA==', word: Buffer.from('canary').toString('base64') },
    });
    expect(body).not.toHaveProperty('stringData');
    expect(JSON.stringify(plan)).not.toMatch(/canary|Y2FuYXJ5/);
  });
  it('namespaced objects get the destination’s namespace, cluster-scoped ones none', () => {
    const bare = (kind: string, apiVersion: string, namespace?: string): Manifest => ({
      apiVersion,
      kind,
      metadata: { name: 'x', ...(namespace === undefined ? {} : { namespace }) },
    });
    const namespaces = planned({
      git: [
        bare('ConfigMap', 'v1'),
        bare('Deployment', 'apps/v1', 'own'),
        bare('ClusterRole', 'rbac.authorization.k8s.io/v1', 'wrong'),
      ],
    }).plan.desired.map(({ ref }) => ref.namespace);
    expect(namespaces).toEqual(['web', 'own', '']);
    const nowhere = { ...unit, target: { ...unit.target, namespace: '' } };
    expect(codes(planned({ unit: nowhere, git: [bare('ConfigMap', 'v1')] }).plan)).toEqual([
      'NamespaceMissing',
    ]);
  });
  it('labels of the owner are set beside those that Git has', () => {
    const labels = [
      { key: 'example.com/namespace', value: 'fleet' },
      { key: 'example.com/name', value: 'web' },
    ];
    const labelled = { ...unit, tracking: { owner: 'fleet/web', labels } };
    const { content } = planned({ unit: labelled, git: [one] });
    const [body] = [...content.values()] as Manifest[];
    expect(body!.metadata.labels).toEqual({ 'example.com/namespace': 'fleet', 'example.com/name': 'web' });
  });
});
