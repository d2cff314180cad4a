/** What the annotations of one object ask for: when and how it is applied, and whether it is a hook. */
import type { Manifest } from '#model/object.ts';
import {
  usualOptions,
  type Conventions,
  type HookConvention,
  type HookDeletion,
  type ObjectOptions,
  type Phase,
  type Unit,
} from '#model/unit.ts';

export interface Directives {
  readonly wave: number;
  readonly role:
    | { readonly is: 'object' }
    | { readonly is: 'skipped' }
    | {
        readonly is: 'hook';
        readonly phases: readonly Phase[];
        readonly deletions: ReadonlySet<HookDeletion>;
      };
  /** What is written there and cannot be understood. */
  readonly problem?: string;
  readonly options: ObjectOptions;
}

const asUsual = { is: 'object' } as const;

export function directivesOf(
  { metadata: { annotations } }: Manifest,
  { conventions, sync }: Pick<Unit, 'conventions' | 'sync'>,
): Directives {
  const usual = sync.objects === undefined ? usualOptions : { ...usualOptions, ...sync.objects };
  if (conventions === undefined || annotations === undefined)
    return { wave: 0, role: asUsual, options: usual };
  const waveKey = conventions.waves.find((key) => partsOf(annotations[key]).length > 0);
  const waveText = waveKey === undefined ? '0' : annotations[waveKey]!.trim();
  const isNumber = /^[+-]?\d{1,9}$/.test(waveText);
  // One that is left empty leaves it to the next; if none says when, it is never run, as in Argo CD.
  const hook =
    conventions.hooks.find(({ key }) => partsOf(annotations[key]).length > 0) ??
    conventions.hooks.find(({ key }) => annotations[key] !== undefined);
  return {
    wave: isNumber ? Number(waveText) : 0,
    role: hook === undefined ? asUsual : roleOf(annotations, hook, conventions.hooks),
    options: optionsOf(annotations, conventions, usual),
    ...(isNumber ? {} : { problem: `its annotation ${waveKey}: "${waveText}" is not a whole number` }),
  };
}

/** Values that are not known are refused by the Unit's limits, so that none is passed over in silence. */
function roleOf(
  annotations: Readonly<Record<string, string>>,
  { key, values }: HookConvention,
  all: readonly HookConvention[],
): Directives['role'] {
  const asked = partsOf(annotations[key]).flatMap((part) => values[part] ?? []);
  if (asked.includes('object')) return asUsual;
  const phases = asked.filter((phase) => phase !== 'skip' && phase !== 'object');
  if (phases.length === 0) return { is: 'skipped' };
  // Whichever convention makes it a hook: the delete policies of all of them hold, as in Argo CD.
  const deletions = all.flatMap(({ deletion }) =>
    partsOf(annotations[deletion.key]).flatMap((part) => deletion.values[part] ?? []),
  );
  return {
    is: 'hook',
    phases: [...new Set(phases)],
    deletions: new Set(deletions.length === 0 ? ['before'] : deletions),
  };
}

function optionsOf(
  annotations: Readonly<Record<string, string>>,
  { options }: Conventions,
  usual: ObjectOptions,
): ObjectOptions {
  const own = options.flatMap(({ key, values }) =>
    partsOf(annotations[key]).flatMap((part) => values[part] ?? []),
  );
  return own.length === 0 ? usual : Object.assign({}, usual, ...own);
}

/** Of a list that commas separate; templates leave parts of it empty. */
export function partsOf(text = ''): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
