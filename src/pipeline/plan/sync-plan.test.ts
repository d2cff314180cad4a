/** What waves, hooks and sync options make of a plan. */
import { describe, expect, it } from 'vitest';
import type { Manifest } from '#model/object.ts';
import type { Plan } from '#model/plan.ts';
import type { ObjectOptions, SyncRequest, Unit } from '#model/unit.ts';
import { runMark } from './hook-run.ts';
import { edited, entryOf, live, object, planned, strange, unit, withPolicy } from './planning.fixture.ts';

const lines = ({ steps }: Plan): readonly string[] =>
  steps.map(({ action, object: ref, phase, wave }) => {
    const until = action.verb === 'wait' ? ` ${action.until}` : '';
    return `${phase} ${wave} ${action.verb}${until} ${ref.name}`;
  });
const annotated = (annotations: Record<string, string>, name = 'one', data = { a: '1' }): Manifest =>
  object(name, data, { metadata: { name, namespace: 'web', annotations } });
const option = (value: string, name = 'one'): Manifest =>
  annotated({ 'argocd.argoproj.io/sync-options': value }, name);
const waveOf = (number: number): Record<string, string> => ({
  'argocd.argoproj.io/sync-wave': String(number),
});
const wave = (number: number, name: string): Manifest => annotated(waveOf(number), name);
const hook = (phase: string, name: string, more: Record<string, string> = {}): Manifest =>
  annotated({ 'argocd.argoproj.io/hook': phase, ...more }, name);
const deployment = (name: string, number: number, image = 'a'): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name,
    namespace: 'web',
    annotations: { 'argocd.argoproj.io/sync-wave': String(number) },
  },
  spec: { replicas: 1, image },
});
const [one, two] = [object('one'), object('two')];
const asked = (request: Partial<SyncRequest> = {}, of: Unit = unit): Unit => ({
  ...of,
  request: { by: 'ada', prune: false, dryRun: false, refused: [], ...request },
});
const withOptions = (objects: Partial<ObjectOptions>, of: Unit = unit): Unit => withPolicy({ objects }, of);

describe('waves', () => {
  it('go up, negative ones first; what has a state of its own is waited for', () => {
    expect(lines(planned({ git: [deployment('b', 2), deployment('a', -1), wave(1, 'c')] }).plan)).toEqual([
      'sync -1 create a',
      'sync -1 wait healthy a',
      'sync 1 create c',
      'sync 2 create b',
    ]);
  });
  it('the last is not waited for, and one wave alone is not', () => {
    expect(lines(planned({ git: [deployment('a', 3), deployment('b', 3)] }).plan)).toEqual([
      'sync 3 create a',
      'sync 3 create b',
    ]);
  });
  it('what stands as Git says and is not well holds up the waves after its own', () => {
    const [a] = [deployment('a', 0)];
    const situation = { git: [a!, wave(1, 'c')], cluster: [live(a!)], inventory: [entryOf(a!)] };
    expect(lines(planned(situation).plan)).toEqual(['sync 0 wait healthy a', 'sync 1 create c']);
  });
  it('in sync there is nothing to wait for', () => {
    const [a] = [deployment('a', 0)];
    expect(planned({ git: [a!], cluster: [live(a!)], inventory: [entryOf(a!)] }).plan.steps).toEqual([]);
  });
  it('an approval holds whatever the health of what is waited for', () => {
    const [a] = [deployment('a', 0)];
    const situation = { git: [a!, wave(1, 'c')], inventory: [entryOf(a!)] };
    const well = edited(
      live(a!),
      (draft) =>
        (draft.status = {
          observedGeneration: 1,
          replicas: 1,
          updatedReplicas: 1,
          availableReplicas: 1,
        }),
    );
    const digests = [live(a!), well].map((manifest) => planned({ ...situation, cluster: [manifest] }).plan);
    expect(digests[0]!.steps.length).not.toBe(digests[1]!.steps.length);
    expect(digests[0]!.digest).toBe(digests[1]!.digest);
  });
  it('deletes come after them, those of the highest wave first', () => {
    const gone = [wave(1, 'low'), wave(5, 'high')];
    const situation = {
      git: [wave(2, 'one')],
      cluster: gone.map((of) => live(of)),
      inventory: gone.map((of) => entryOf(of)),
    };
    expect(lines(planned({ ...situation, state: {} }).plan)).toEqual([
      'sync 2 create one',
      'sync 2 delete high',
      'sync 2 wait absent high',
      'sync 3 delete low',
    ]);
  });
  describe('what goes already', () => {
    const [low, high] = [wave(1, 'low'), wave(5, 'high')];
    const going = (manifest: Manifest, finalizers: readonly string[]): Manifest =>
      edited(live(manifest), (draft) =>
        Object.assign(draft.metadata, { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers }),
      );
    const teardown: Unit = { ...unit, teardown: { propagation: 'Foreground' } };
    const situation = { cluster: [live(low), going(high, ['example.com/hold'])] };
    const inventory = [low, high].map((of) => entryOf(of));
    const [wait, lower] = ['wait absent high', 'delete low'];

    it.each([['example.com/hold'], ['foregroundDeletion']])(
      'lower waves wait for it, whatever holds it: %s',
      (finalizer) => {
        const cluster = [live(low), going(high, [finalizer])];
        const { plan } = planned({ cluster, inventory, git: [one] });
        expect(lines(plan)).toEqual(['sync 0 create one', `sync 0 ${wait}`, `sync 1 ${lower}`]);
        expect(plan.steps[1]?.action).toMatchObject({ which: { uid: 'uid-high' }, timeoutMs: 3_600_000 });
        expect(plan.pruned).toBe(1);
      },
    );
    it('also when the Unit goes, for as long as it says', () => {
      const { steps } = planned({
        ...situation,
        inventory,
        git: [],
        unit: withPolicy({ waitMaxMs: 5 }, teardown),
      }).plan;
      expect(steps.map(({ action }) => action.verb)).toEqual(['wait', 'delete']);
      expect(steps[0]?.action).toMatchObject({ timeoutMs: 5 });
    });
    it('nothing waits for a lower wave, for the same one, or where nothing is to be deleted', () => {
      for (const manifest of [wave(0, 'other'), wave(1, 'other')]) {
        const cluster = [live(low), going(manifest, ['example.com/hold'])];
        const entries = [low, manifest].map((of) => entryOf(of));
        const made = planned({ cluster, inventory: entries, git: [one] });
        expect(lines(made.plan)).toEqual(['sync 0 create one', `sync 0 ${lower}`]);
      }
      const alone = { cluster: [going(high, [])], inventory: [entryOf(high)], git: [], unit: teardown };
      expect(planned(alone).plan.steps).toEqual([]);
    });
    it('PruneLast waits for what is to be deleted last', () => {
      const { steps } = planned({
        ...situation,
        inventory,
        git: [one],
        unit: withOptions({ pruneLast: true }),
      }).plan;
      expect(steps.map(({ action, object: ref }) => `${action.verb} ${ref.name}`)).toEqual([
        'create one',
        'wait high',
        'delete low',
      ]);
    });
    it('an approval holds while it goes', () => {
      const [before, after] = [situation.cluster, [live(low)]].map(
        (cluster) => planned({ cluster, inventory, git: [one] }).plan,
      );
      expect(lines(after!)).toEqual(['sync 0 create one', `sync 0 ${lower}`]);
      expect(before!.steps.length).not.toBe(after!.steps.length);
      expect(before!.digest).toBe(after!.digest);
    });
  });
  it('PruneLast: only when everything is healthy, of the Unit and of one object', () => {
    const gone = object('gone');
    const situation = { git: [deployment('a', 0)], cluster: [live(gone)], inventory: [entryOf(gone)] };
    const expected = ['sync 0 create a', 'sync 0 wait healthy a', 'sync 1 delete gone'];
    expect(lines(planned({ ...situation, unit: withOptions({ pruneLast: true }) }).plan)).toEqual(expected);
    const own = option('PruneLast=true', 'gone');
    expect(lines(planned({ ...situation, cluster: [live(own)], inventory: [entryOf(own)] }).plan)).toEqual(
      expected,
    );
  });
});

describe('hooks', () => {
  it('each phase in its place, with its steps; hooks are not wanted objects', () => {
    const { plan } = planned({ git: [hook('PostSync', 'after'), hook('PreSync', 'before'), one] });
    expect(lines(plan)).toEqual([
      'pre 0 create before',
      'pre 0 wait completed before',
      'sync 0 create one',
      'post 0 create after',
      'post 0 wait completed after',
    ]);
    expect(plan.desired.map(({ ref }) => ref.name)).toEqual(['one']);
  });
  it('a deployment that a PostSync hook comes after is waited for', () => {
    expect(lines(planned({ git: [deployment('a', 0), hook('PostSync', 'after')] }).plan)).toContain(
      'sync 0 wait healthy a',
    );
  });
  it('are not run for drift, for a selection, with the strategy apply, or when nothing changes', () => {
    const git = [hook('PreSync', 'before'), one];
    const drifted = {
      cluster: [edited(live(one), (draft) => (draft.data.a = 'x'))],
      inventory: [entryOf(one)],
    };
    const names = (of: Plan): readonly string[] => of.steps.map(({ object: { name } }) => name);
    expect(names(planned({ git, ...drifted }).plan)).toEqual(['one']);
    const only = [{ group: '', kind: 'ConfigMap', name: 'one' }];
    expect(names(planned({ git, unit: asked({ only }) }).plan)).toEqual(['one']);
    expect(names(planned({ git, unit: asked({ withoutHooks: true }) }).plan)).toEqual(['one']);
    const same = { cluster: [live(one)], inventory: [entryOf(one)] };
    expect(names(planned({ git, ...same }).plan)).toEqual([]);
    expect(names(planned({ git, ...same, unit: asked() }).plan)).toEqual(['before', 'before']);
  });
  it('are not run because objects that stand as Git says are taken in', () => {
    const git = [hook('PreSync', 'before'), one];
    const taken = planned({ git, cluster: [live(one)] }).plan;
    expect(taken.steps.map(({ reason }) => reason)).toEqual(['adopted']);
    expect(planned({ git, cluster: [strange(object('one', { a: 'x' }))] }).plan.hookRun).toBeDefined();
  });
  it('F29: are not run again because somebody asks for a takeover; for what it changes they are', () => {
    const git = [hook('PreSync', 'before'), one];
    const left = { unit: asked(), state: { takenOver: true } };
    expect(planned({ git, ...left, cluster: [live(one)] }).plan.hookRun).toBeUndefined();
    expect(planned({ git, ...left }).plan.hookRun).toBeDefined();
    const synced = { takenOver: true, inputs: 'sha256:inputs' } as const;
    expect(planned({ git, ...left, state: synced, cluster: [live(one)] }).plan.hookRun).toBeDefined();
  });
  it('the digest is the same whichever attempt runs them', () => {
    const git = [hook('PreSync', 'before'), one];
    const [first, second] = [1, 2].map((epoch) => planned({ git, state: { epoch } }).plan);
    expect(first!.hookRun).not.toBe(second!.hookRun);
    expect(first!.digest).toBe(second!.digest);
  });
  it('one that an earlier sync left is deleted before it runs again', () => {
    const before = hook('PreSync', 'before');
    expect(lines(planned({ git: [before, one], cluster: [live(before)] }).plan).slice(0, 4)).toEqual([
      'pre 0 delete before',
      'pre 0 wait absent before',
      'pre 0 create before',
      'pre 0 wait completed before',
    ]);
  });
  it('F1: one of this very attempt is continued; one that only has its mark runs anew', () => {
    const before = hook('PreSync', 'before');
    const { hookRun, steps } = planned({ git: [before, one] }).plan;
    const standing = edited(live(before), (draft) => (draft.metadata.annotations[runMark] = hookRun));
    const begun = [{ ...steps[0]!.hook!, ref: steps[0]!.object }];
    const state = { hooks: { id: hookRun!, inputs: 'sha256:inputs', begun, earlier: [] } } as const;
    expect(lines(planned({ git: [before, one], cluster: [standing], state }).plan)).toEqual([
      'pre 0 wait completed before',
      'sync 0 create one',
    ]);
    expect(lines(planned({ git: [before, one], cluster: [standing] }).plan)[0]).toBe('pre 0 delete before');
  });
  it('F26: an object that is not the Unit’s own is not deleted for a hook', () => {
    const before = hook('PreSync', 'before');
    const { plan } = planned({ git: [before, one], cluster: [strange(before)] });
    expect(plan.blocked.map(({ code }) => code)).toEqual(['ObjectConflict']);
  });
  it('delete policies', () => {
    const policy = (text: string): Manifest =>
      hook('PreSync', 'before', { 'argocd.argoproj.io/hook-delete-policy': text });
    expect(lines(planned({ git: [policy('HookSucceeded'), one] }).plan)).toEqual([
      'pre 0 create before',
      'pre 0 wait completed before',
      'sync 0 create one',
      'pre 0 delete before',
    ]);
    const failing = planned({ git: [policy('HookFailed'), one] }).plan;
    expect(lines(failing).at(-1)).toBe('fail 0 delete before');
    expect(failing.steps.at(-1)?.cleanup).toEqual({ wait: failing.steps[1]?.id, orFailed: true });
    // Not to be deleted before: what ended well counts as long as it stands.
    const standing = { git: [policy('HookSucceeded'), one], cluster: [live(policy('HookSucceeded'))] };
    expect(lines(planned(standing).plan)).toEqual(['sync 0 create one']);
  });
  it('delete policies of both conventions hold, whichever makes it a hook', () => {
    const [argo, helm] = ['argocd.argoproj.io/hook-delete-policy', 'helm.sh/hook-delete-policy'];
    const phaseOfDeletes = (manifest: Manifest): readonly string[] =>
      planned({ git: [manifest, one] }).plan.steps.flatMap(({ action, phase }) =>
        action.verb === 'delete' ? [phase] : [],
      );
    const byHelm = { 'helm.sh/hook': 'pre-install' };
    expect(phaseOfDeletes(annotated({ ...byHelm, [argo]: 'HookSucceeded' }, 'x'))).toEqual(['pre']);
    expect(phaseOfDeletes(hook('PreSync', 'x', { [helm]: 'hook-failed' }))).toEqual(['fail']);
    expect(
      phaseOfDeletes(annotated({ ...byHelm, [argo]: 'HookSucceeded', [helm]: 'hook-failed' }, 'x')),
    ).toEqual(['pre', 'fail']);
  });
  describe('HookSucceeded: what others may need goes when the sync is over', () => {
    const policy = 'argocd.argoproj.io/hook-delete-policy';
    const needed = hook('PreSync', 'needed', { [policy]: 'HookSucceeded,HookFailed', ...waveOf(-5) });
    const git = [
      needed,
      hook('PreSync', 'before'),
      hook('PostSync', 'after'),
      hook('SyncFail', 'rescue'),
      one,
    ];

    it('after the last wave and phase; after a failure, after what follows it', () => {
      const { steps } = planned({ git }).plan;
      const deletes = lines({ steps } as Plan).flatMap((line, index) =>
        line.includes('delete needed') ? [`${index} ${line}`] : [],
      );
      const rescued = steps.findLastIndex(({ object: ref }) => ref.name === 'rescue');
      const after = steps.findLastIndex(({ object: ref }) => ref.name === 'after');
      expect(deletes).toEqual([`${after + 1} pre -5 delete needed`, `${rescued + 1} fail -5 delete needed`]);
      expect(rescued).toBe(steps.length - 2);
    });
    it('F1: a crash before it costs neither the deletion nor a second run', () => {
      const { hookRun, steps } = planned({ git }).plan;
      const begun = steps
        .filter(({ action, phase }) => action.verb === 'create' && phase !== 'fail')
        .flatMap(({ hook: mark, object: ref }) =>
          mark === undefined ? [] : [{ ...mark, ref, uid: `uid-${ref.name}`, result: 'succeeded' } as const],
        );
      const state = { hooks: { id: hookRun!, inputs: 'sha256:inputs', begun, earlier: [] } } as const;
      const cluster = git.map((manifest) => live(manifest));
      const made = planned({ git, cluster, inventory: [entryOf(one)], state }).plan;
      const others = lines(made).filter((line) => !line.includes('rescue'));
      expect(others).toEqual(['pre -5 delete needed', 'fail -5 delete needed']);
      expect(made.steps.at(-1)?.cleanup).toEqual({ orFailed: true });
    });
    it('what a sync without success has left is made anew; what nobody recorded counts', () => {
      const only = hook('PreSync', 'only', { [policy]: 'HookSucceeded' });
      const standing = edited(live(only), (draft) => (draft.metadata.uid = 'uid-only'));
      const [mark] = planned({ git: [only, one] }).plan.steps;
      const left = { ref: mark!.object, uid: 'uid-only' };
      const late = edited(standing, (draft) => (draft.metadata.annotations[runMark] = 'abc-1'));
      const unanswered = { ref: mark!.object, mark: 'abc-1' };
      const made = (ranHooks: readonly object[], live = standing): readonly string[] =>
        lines(planned({ git: [only, one], cluster: [live], state: { ranHooks } as object }).plan);
      const anew = ['pre 0 delete only', 'pre 0 wait absent only', 'pre 0 create only'];
      expect(made([])).toEqual(['sync 0 create one']);
      expect(made([left]).slice(0, 3)).toEqual(anew);
      expect(made([unanswered], late).slice(0, 3)).toEqual(anew);
      expect(made([unanswered])).toEqual(['sync 0 create one']);
    });
  });
  describe('of two phases', () => {
    const both = hook('PostSync,PreSync', 'both');
    const run = (begun: readonly object[]): object => ({
      hooks: { id: planned({ git: [both, one] }).plan.hookRun, inputs: 'sha256:inputs', begun, earlier: [] },
    });
    const recorded = (phase: string, more: object): object => {
      const { steps } = planned({ git: [both, one] }).plan;
      const { hook: mark, object: ref } = steps.find((step) => step.phase === phase)!;
      return { ...mark, ref, ...more };
    };
    const standing = (uid: string): Manifest => {
      const { hookRun } = planned({ git: [both, one] }).plan;
      return edited(live(both, unit, uid), (draft) => (draft.metadata.annotations[runMark] = hookRun));
    };
    const resumed = (begun: readonly object[], uid?: string): readonly string[] =>
      lines(
        planned({
          git: [both, one],
          cluster: [live(one), ...(uid === undefined ? [] : [standing(uid)])],
          inventory: [entryOf(one)],
          state: run(begun),
        }).plan,
      );
    const first = ['pre 0 create both', 'pre 0 wait completed both'];
    const second = [
      'post 0 delete both',
      'post 0 wait absent both',
      'post 0 create both',
      'post 0 wait completed both',
    ];

    it('is made anew for the second', () => {
      const { steps } = planned({ git: [both, one] }).plan;
      expect(lines({ steps } as Plan)).toEqual([...first, 'sync 0 create one', ...second]);
      expect(steps[3]?.action).toMatchObject({ expect: { lastOf: [{ madeBy: steps[0]?.id }] } });
    });
    it('F1: each once, wherever a crash comes between', () => {
      const pre = recorded('pre', { uid: 'first', result: 'succeeded' });
      expect(resumed([recorded('pre', { uid: 'first' })], 'first')).toEqual([first[1], ...second]);
      expect(resumed([pre], 'first')).toEqual(second);
      expect(resumed([pre])).toEqual(second.slice(2));
      // Recorded, and not yet made: what stands is still the first.
      expect(resumed([pre, recorded('post', {})], 'first')).toEqual(second);
      expect(resumed([pre, recorded('post', {})], 'second')).toEqual(second.slice(3));
      expect(resumed([pre, recorded('post', { uid: 'second' })], 'second')).toEqual(second.slice(3));
      expect(resumed([pre, recorded('post', { uid: 'second', result: 'succeeded' })], 'second')).toEqual([]);
    });
    it('after a failure, in place of whichever was made last', () => {
      const git = [hook('SyncFail,PreSync', 'both'), one];
      const { steps } = planned({ git, cluster: [standing('old')] }).plan;
      const [removal] = steps.filter(({ phase }) => phase === 'fail');
      const create = steps.find(({ phase, action }) => phase === 'pre' && action.verb === 'create');
      expect(removal?.action).toMatchObject({ expect: { lastOf: [{ uid: 'old' }, { madeBy: create?.id }] } });
    });
    it('pre-install and pre-upgrade are one phase', () => {
      const helm = annotated({ 'helm.sh/hook': 'pre-install,pre-upgrade' }, 'both');
      expect(lines(planned({ git: [helm, one] }).plan)).toEqual([...first, 'sync 0 create one']);
    });
  });
  it('S1, F30: what hooks may be is limited as any object is; unknown values are refused', () => {
    const limited = { ...unit, limits: { ...unit.limits, namespaces: ['other'] } };
    expect(planned({ unit: limited, git: [hook('PreSync', 'x')] }).plan.blocked).toMatchObject([
      { code: 'ProjectDenies' },
    ]);
    expect(planned({ git: [hook('PreSnyc', 'x')] }).plan.blocked).toMatchObject([{ code: 'Unsupported' }]);
  });
  it.each(['', 'PreSync,', ' , PreSync ,'])('parts of a list that are empty are nothing: "%s"', (text) => {
    const { plan } = planned({ git: [hook(text, 'x'), one] });
    expect(plan.blocked).toEqual([]);
    expect(lines(plan).includes('pre 0 create x')).toBe(text !== '');
    expect(lines(plan)).not.toContain('sync 0 create x');
  });
  it('an empty hook of Argo CD leaves it to that of Helm', () => {
    const both = hook('', 'x', { 'helm.sh/hook': 'pre-install' });
    expect(lines(planned({ git: [both, one] }).plan)).toContain('pre 0 create x');
  });
  it.each(['helm.sh/hook', 'helm.sh/resource-policy', 'argocd.argoproj.io/sync-wave'])(
    'an empty %s stops nothing',
    (key) => expect(planned({ git: [annotated({ [key]: '' }, 'x'), one] }).plan.blocked).toEqual([]),
  );
  it('a name that is left open is for hooks alone', () => {
    const open: Manifest = { ...one, metadata: { generateName: 'x-', namespace: 'web' } as never };
    expect(planned({ git: [open] }).plan.blocked).toMatchObject([{ code: 'InvalidObject' }]);
  });
});

describe('what may be deleted', () => {
  const gone = (value: string): Parameters<typeof planned>[0] => {
    const manifest = option(value, 'gone');
    return { git: [one], cluster: [live(one), live(manifest)], inventory: [entryOf(one), entryOf(manifest)] };
  };
  const teardown = { ...unit, teardown: { propagation: 'Foreground' } } as const;
  const deleted = (situation: Parameters<typeof planned>[0]): readonly string[] =>
    planned(situation)
      .plan.steps.filter(({ action }) => action.verb === 'delete')
      .map(({ object: { name } }) => name);

  it('Prune=false: of the object, or of the Unit; the object’s word goes before', () => {
    expect(deleted(gone('Prune=false'))).toEqual([]);
    expect(planned(gone('Prune=false')).plan.kept).toMatchObject([{ ref: { name: 'gone' } }]);
    const never = withOptions({ prune: 'no' });
    expect(deleted({ ...gone('Validate=false'), unit: never })).toEqual([]);
    expect(deleted({ ...gone('Prune=true'), unit: never })).toEqual(['gone']);
    expect(deleted({ ...gone('Prune=false'), git: [], unit: teardown })).toEqual(['one', 'gone']);
  });
  it('an option that is empty, or stands beside a comma too many, is none', () => {
    expect(deleted(gone(''))).toEqual(['gone']);
    expect(deleted(gone('Prune=false,'))).toEqual([]);
    expect(planned({ git: [option(' Prune=false , ')] }).plan.blocked).toEqual([]);
  });
  it('PrunePropagationPolicy: of the object, or of the Unit; the object’s word goes before', () => {
    const propagations = (situation: Parameters<typeof planned>[0]): readonly unknown[] =>
      planned(situation).plan.steps.map(({ action }) => action.verb === 'delete' && action.propagation);
    const orphaned = withPolicy({ propagation: 'Orphan' });
    expect(propagations({ ...gone('PrunePropagationPolicy=foreground'), unit: orphaned })).toEqual([
      'Foreground',
    ]);
    expect(propagations({ ...gone(''), unit: orphaned })).toEqual(['Orphan']);
  });
  it('Delete=false: it outlives the Unit, and is pruned all the same', () => {
    expect(deleted(gone('Delete=false'))).toEqual(['gone']);
    const left = planned({ ...gone('Delete=false'), git: [], unit: teardown }).plan;
    expect(left.kept).toMatchObject([{ ref: { name: 'gone' }, isMeant: true }]);
  });
  it('helm.sh/resource-policy: keep: neither pruned nor deleted', () => {
    const kept = annotated({ 'helm.sh/resource-policy': 'keep' }, 'gone');
    const situation = {
      git: [one],
      cluster: [live(one), live(kept)],
      inventory: [entryOf(one), entryOf(kept)],
    };
    expect(deleted(situation)).toEqual([]);
    expect(deleted({ ...situation, git: [], unit: teardown })).toEqual(['one']);
  });
  it('confirm: not before a person’s word, and not by one from before the last sync', () => {
    const state = {
      history: [
        {
          kind: 'sync',
          id: 1,
          atMs: 5000,
          durationMs: 0,
          revisions: [],
          by: '',
          plan: 'sha256:',
          result: 'succeeded',
          message: '',
          counts: { applied: 0, pruned: 0 },
        },
      ],
    } as const;
    for (const [value, of] of [
      ['Prune=confirm', unit],
      ['Delete=confirm', teardown],
    ] as const) {
      const situation = { ...gone(value), state, ...(of === teardown ? { git: [] } : {}) };
      const others = of === teardown ? ['one'] : [];
      expect(deleted({ ...situation, unit: of })).toEqual(others);
      expect(deleted({ ...situation, unit: { ...of, confirmedAtMs: 4000 } })).toEqual(others);
      expect(deleted({ ...situation, unit: { ...of, confirmedAtMs: 6000 } })).toEqual([...others, 'gone']);
    }
    expect(planned(gone('Prune=confirm')).plan.kept[0]?.why).toContain('deletion-approved');
  });
  it('IgnoreExtraneous: nothing is out of sync for it; the next sync deletes it', () => {
    const extra = annotated({ 'argocd.argoproj.io/compare-options': 'IgnoreExtraneous' }, 'gone');
    const situation = {
      git: [one],
      cluster: [live(one), live(extra)],
      inventory: [entryOf(one), entryOf(extra)],
    };
    expect(planned(situation).plan).toMatchObject({ steps: [], kept: [{ isMeant: true }] });
    expect(deleted({ ...situation, git: [object('one', { a: '2' })] })).toEqual(['gone']);
  });
});

describe('how objects are written', () => {
  const changed = (value: string): Parameters<typeof planned>[0] => {
    const manifest = option(value);
    const next = { ...manifest, data: { a: '2' } };
    return { git: [next], cluster: [live(manifest)], inventory: [entryOf(manifest)] };
  };
  it('Replace=true: whole, under its version, and then owned by an apply', () => {
    const { plan } = planned(changed('Replace=true'));
    expect(lines(plan)).toEqual(['sync 0 replace one', 'sync 0 apply one']);
    expect(plan.steps[0]?.action).toMatchObject({ expect: { uid: 'uid-one', resourceVersion: '1' } });
  });
  it('Force=true: made anew where the change is refused', () => {
    expect(planned(changed('Force=true')).plan.steps).toMatchObject([{ action: { orElse: 'recreate' } }]);
    const forced = asked({ force: true });
    expect(planned({ ...changed('Validate=false'), unit: forced }).plan.steps).toMatchObject([
      { action: { orElse: 'recreate' } },
    ]);
  });
  it('Force=true,Replace=true: made anew in every sync, and not for drift elsewhere', () => {
    const anew = ['sync 0 delete one', 'sync 0 wait absent one', 'sync 0 create one'];
    expect(lines(planned(changed('Force=true,Replace=true')).plan)).toEqual(anew);
    const same = option('Force=true,Replace=true');
    const standing = { git: [same, two], cluster: [live(same)], inventory: [entryOf(same)] };
    expect(lines(planned(standing).plan)).toEqual([
      ...anew.slice(0, 2),
      'sync 0 create two',
      'sync 0 create one',
    ]);
    const drifted = edited(live(two), (draft) => (draft.data.a = 'x'));
    const drift = { ...standing, cluster: [live(same), drifted], inventory: [entryOf(same), entryOf(two)] };
    expect(lines(planned(drift).plan)).toEqual(['sync 0 apply two']);
  });
  it('SkipDryRunOnMissingResource: an object whose kind is yet to come is tried, the others are applied', () => {
    const custom = (value: string): Manifest => ({
      ...option(value),
      apiVersion: 'example.com/v1',
      kind: 'Widget',
    });
    expect(planned({ git: [custom('Validate=false')] }).plan.blocked).toMatchObject([
      { code: 'UnknownKind' },
    ]);
    expect(lines(planned({ git: [custom('SkipDryRunOnMissingResource=true'), two] }).plan)).toEqual([
      'sync 0 create two',
      'sync 0 create one',
    ]);
  });
});

describe('ignored fields that a sync respects', () => {
  const of: Unit = {
    ...withPolicy({ respectsIgnored: true }),
    ignores: [{ group: '', kind: '*', pointers: ['/data/a'], managers: [] }],
  };
  const next = object('one', { a: '2', b: '2' });
  const before = object('one', { a: '1', b: '1' });
  const standing = (version: string): Manifest =>
    edited(live(before), (draft) => (draft.metadata.resourceVersion = version));
  const made = (version: string): ReturnType<typeof planned> =>
    planned({ unit: of, git: [next], cluster: [standing(version)], inventory: [entryOf(before)] });

  it('the live value is declared, under the version of the object; an approval holds for any version', () => {
    const { plan, content } = made('7');
    const { action } = plan.steps[0]!;
    expect(action).toMatchObject({ verb: 'apply', expect: { uid: 'uid-one', resourceVersion: '7' } });
    const body = content.get(action.verb === 'apply' ? action.desired : 'sha256:');
    expect(body).toMatchObject({ data: { a: '1', b: '2' } });
    expect(made('8').plan.digest).toBe(plan.digest);
  });
  it('what is recorded as applied is what Git says', () => {
    expect(made('7').plan.desired[0]?.digest).toBe(planned({ git: [next] }).plan.desired[0]?.digest);
  });
  it('an object that is not there is made with all that Git says', () => {
    const { plan, content } = planned({ unit: of, git: [next] });
    const { action } = plan.steps[0]!;
    expect(content.get(action.verb === 'create' ? action.desired : 'sha256:')).toMatchObject({
      data: { a: '2', b: '2' },
    });
  });
});

describe('a selection', () => {
  const only = (...patterns: Partial<NonNullable<SyncRequest['only']>[number]>[]): Unit =>
    asked({ only: patterns.map((pattern) => ({ group: '', kind: 'ConfigMap', name: '', ...pattern })) });
  it('applies what it names, or all but what it excludes, and says nothing of the rest', () => {
    const { plan } = planned({ git: [one, two], unit: only({ name: 'two' }) });
    expect(lines(plan)).toEqual(['sync 0 create two']);
    expect(plan.isPartial).toBe(true);
    expect(lines(planned({ git: [one, two], unit: only({ name: 'two', exclude: true }) }).plan)).toEqual([
      'sync 0 create one',
    ]);
    expect(planned({ git: [one], unit: only({ name: 'one', namespace: 'other' }) }).plan.steps).toEqual([]);
  });
  it('deletes only what it names', () => {
    const situation = { git: [], cluster: [live(one), live(two)], inventory: [entryOf(one), entryOf(two)] };
    const of = { ...only({ name: 'two' }), sync: { ...unit.sync, allowEmpty: true } };
    expect(lines(planned({ ...situation, unit: of }).plan)).toEqual(['sync 0 delete two']);
  });
});
