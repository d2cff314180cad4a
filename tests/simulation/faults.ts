/** What can go wrong with one I/O, and who decides that it does. */
import type { SeededRandom } from './random.ts';
import { cellOf, type Step } from './steps.ts';

/** The request did not arrive. */
const unsent = ['refused', 'reset-before', 'swallowed'] as const;
/** It was carried out, and nobody hears of it. */
const lost = ['reply-lost', 'reply-swallowed'] as const;
/** Its body ends half-way: what stands in it was sent, and not all of it came. */
const cut = 'reply-cut';
const answers = ['429', '500', '503', '504', '401', '410', '409'] as const;
const streams = ['watch-broken', 'watch-ended', 'watch-hung', 'watch-slow', 'watch-coalesced'] as const;
const ofGit = ['git-unreachable', 'git-refused', 'git-full', 'git-slow'] as const;
const ofStore = ['store-full', 'store-torn', 'store-lost'] as const;
const ofRenderer = ['render-timeout', 'render-memory', 'render-crash', 'render-slow'] as const;
const ofProcess = ['crash-before', 'crash-after'] as const;

export const faultKinds = [
  ...unsent,
  ...lost,
  ...answers,
  'slow',
  ...streams,
  ...ofGit,
  ...ofStore,
  ...ofRenderer,
  ...ofProcess,
  cut,
] as const;
export type FaultKind = (typeof faultKinds)[number];

const writes = new Set(['create', 'update', 'patch', 'apply', 'delete']);
export const isWrite = (verb: string): boolean => writes.has(verb);

/** The faults that can happen to such a step. */
export function possibleFaults({ io, verb }: Pick<Step, 'io' | 'verb'>): readonly FaultKind[] {
  switch (io) {
    case 'watch':
      return [
        'refused',
        'reset-before',
        'swallowed',
        '429',
        '500',
        '401',
        '410',
        ...streams,
        'crash-before',
        cut,
      ];
    case 'git':
      return verb === 'fetch' ? [...ofGit, ...ofProcess] : ['crash-before'];
    case 'store':
      return ofStores(verb);
    case 'render':
      return [...ofRenderer, ...ofProcess];
    case 'request': {
      const refusals = answers.filter((code) =>
        code === '409'
          ? isWrite(verb) && verb !== 'delete'
          : code === '410'
            ? verb === 'list' || verb === 'page'
            : true,
      );
      return [...unsent, ...lost, ...refusals, 'slow', ...ofProcess, cut];
    }
  }
}

/** What is rendered is kept by `get`, `put` and `remove`; the records by `read` and `write`, in transactions: nothing is torn. */
function ofStores(verb: string): readonly FaultKind[] {
  if (verb === 'get') return ['store-lost', 'crash-before'];
  if (verb === 'read') return ['store-full', 'store-lost', 'crash-before'];
  return verb === 'write' ? ['store-full', ...ofProcess] : [...ofStore, ...ofProcess];
}

/** Asked before each I/O, once. */
export interface Faults {
  next(step: Step): FaultKind | undefined;
}

export interface Met {
  readonly step: Step;
  readonly fault: FaultKind;
}

/** Counts what it passes on; `isOn` ends all faults. */
export class FaultGate implements Faults {
  readonly #faults: Faults;
  readonly met = new Map<FaultKind, number>();
  /** `cell fault` → how often; a cell without a fault is the step that went well while it could have met one. */
  readonly cells = new Map<string, number>();
  steps = 0;
  isOn = true;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  next(step: Step): FaultKind | undefined {
    this.steps += 1;
    const fault = this.isOn ? this.#faults.next(step) : undefined;
    const cell = `${cellOf(step)} ${fault ?? ''}`.trimEnd();
    if (this.isOn) this.cells.set(cell, (this.cells.get(cell) ?? 0) + 1);
    if (fault !== undefined) this.met.set(fault, (this.met.get(fault) ?? 0) + 1);
    return fault;
  }
}

export const noFaults: Faults = { next: () => undefined };

/** At the k-th I/O (from 0), this one. */
export class OneFault implements Faults {
  readonly #at: number;
  readonly #choose: (step: Step) => FaultKind | undefined;
  #count = 0;
  met: Met | undefined;

  constructor(at: number, choose: (step: Step) => FaultKind | undefined) {
    this.#at = at;
    this.#choose = choose;
  }

  get steps(): number {
    return this.#count;
  }

  next(step: Step): FaultKind | undefined {
    this.#count += 1;
    if (this.#count - 1 !== this.#at) return undefined;
    const fault = this.#choose(step);
    if (fault !== undefined) this.met = { step, fault };
    return fault;
  }
}

/** What came later has a stream of its own: what seeds drew before stays as it was. */
const cameLater = new Set<FaultKind>([cut]);
const isLaterStep = ({ io, sort, verb }: Step): boolean =>
  (io === 'store' && sort === 'record') || (io === 'git' && verb !== 'fetch');

/** Each seed has a few kinds of faults, some often and some seldom: all of them at once would hide each other. */
export class RandomFaults implements Faults {
  readonly #random: SeededRandom;
  readonly #apart: SeededRandom;
  readonly #shares = new Map<FaultKind, number>();

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#apart = random.fork('later steps');
    const breadth = random.pick([0.1, 0.25, 0.5]);
    const weight = random.pick([0.002, 0.01, 0.03]);
    const apart = random.fork('later kinds');
    for (const kind of faultKinds) {
      const own = cameLater.has(kind) ? apart : random;
      if (own.chance(breadth)) this.#shares.set(kind, weight * own.between(0.2, 2));
    }
  }

  get kinds(): readonly FaultKind[] {
    return [...this.#shares.keys()];
  }

  next(step: Step): FaultKind | undefined {
    let left = (isLaterStep(step) ? this.#apart : this.#random).next();
    for (const kind of possibleFaults(step)) {
      const share = this.#shares.get(kind);
      if (share === undefined) continue;
      // Processes do not die as often as packets.
      left -= kind.startsWith('crash') ? share / 4 : share;
      if (left < 0) return kind;
    }
    return undefined;
  }
}

/** Others, and this one at the first step of that kind. */
export class Meeting implements Faults {
  readonly #others: Faults;
  #left: Meet | undefined;

  constructor(others: Faults, meet: Meet) {
    this.#others = others;
    this.#left = meet;
  }

  next(step: Step): FaultKind | undefined {
    const drawn = this.#others.next(step);
    if (this.#left === undefined || cellOf(step) !== this.#left.step) return drawn;
    const { fault } = this.#left;
    this.#left = undefined;
    return fault;
  }
}
export interface Meet {
  /** As `cellOf` names it. */
  readonly step: string;
  readonly fault: FaultKind;
}
