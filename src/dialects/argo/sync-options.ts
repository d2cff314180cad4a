/**
 * Sync options, of an Application and of single objects. Source: Argo CD's page on sync options. Where a list says two
 * things of one, the later one counts.
 */
import type { ObjectOptions, Propagation } from '#model/unit.ts';

export const syncOptionsAnnotation = 'argocd.argoproj.io/sync-options';

/** Those that objects may set too. */
export const objectOptions: Readonly<Record<string, Partial<ObjectOptions>>> = {
  'Prune=true': { prune: 'yes' },
  'Prune=false': { prune: 'no' },
  'Prune=confirm': { prune: 'confirm' },
  'Delete=true': { deletion: 'yes' },
  'Delete=false': { deletion: 'no' },
  'Delete=confirm': { deletion: 'confirm' },
  'PruneLast=true': { pruneLast: true },
  'PruneLast=false': { pruneLast: false },
  'Replace=true': { replace: true },
  'Replace=false': { replace: false },
  'Force=true': { force: true },
  'Force=false': { force: false },
  'SkipDryRunOnMissingResource=true': { awaitsKind: true },
  'SkipDryRunOnMissingResource=false': { awaitsKind: false },
  'PrunePropagationPolicy=foreground': { propagation: 'Foreground' },
  'PrunePropagationPolicy=background': { propagation: 'Background' },
  'PrunePropagationPolicy=orphan': { propagation: 'Orphan' },
};

/** What they ask for is done anyway. */
export const harmlessOptions: readonly string[] = [
  'Validate=true',
  'ApplyOutOfSyncOnly=true',
  'ApplyOutOfSyncOnly=false',
  'ServerSideApply=true',
  'FailOnSharedResource=true',
  'ClientSideApplyMigration=true',
  'DisableClientSideApplyMigration=false',
];

const migrates = 'fields that client-side apply left are taken over all the same';
/** What is done instead of what they ask for. */
export const idleOptions: Readonly<Record<string, string>> = {
  'Validate=false': 'server-side apply refuses fields that the schema of a kind does not have all the same',
  'ServerSideApply=false': 'objects are applied by server-side apply all the same',
  'FailOnSharedResource=false': 'an object of another Application stops the sync all the same',
  'ClientSideApplyMigration=false': migrates,
  'DisableClientSideApplyMigration=true': migrates,
};
/** Of an Application only; Argo CD passes them over on objects. */
const ofApplications: Readonly<Record<string, string>> = Object.fromEntries(
  ['CreateNamespace', 'RespectIgnoreDifferences', 'FailOnSharedResource', 'ApplyOutOfSyncOnly']
    .flatMap((name) => [`${name}=true`, `${name}=false`])
    .map((option) => [option, 'it is an option of Applications']),
);

/** Of what an object may say: what is as it says, and what is said of the rest. */
export const objectValues = {
  harmless: [...Object.keys(objectOptions), ...harmlessOptions],
  idle: { ...idleOptions, ...ofApplications },
} as const;

const propagations: Readonly<Record<string, Propagation>> = {
  foreground: 'Foreground',
  background: 'Background',
  orphan: 'Orphan',
};

export interface SyncOptions {
  readonly createNamespace: boolean;
  /** Absent: as the kind needs it. */
  readonly propagation?: Propagation;
  readonly respectsIgnored: boolean;
  readonly objects: Partial<ObjectOptions>;
  /** Passed over, with what is done instead. */
  readonly idle: Readonly<Record<string, string>>;
  /** Known, or not, and not honoured (F30). */
  readonly refused: readonly string[];
}

export function readSyncOptions(options: readonly string[]): SyncOptions {
  let createNamespace = false;
  let respectsIgnored = false;
  let propagation: Propagation | undefined;
  let objects: Partial<ObjectOptions> = {};
  const idle: Record<string, string> = {};
  const refused: string[] = [];
  for (const option of options) {
    const [name, value = ''] = option.split('=');
    const asked = value.toLowerCase();
    const policy = Object.hasOwn(propagations, asked) ? propagations[asked] : undefined;
    if (option === 'CreateNamespace=true' || option === 'CreateNamespace=false')
      createNamespace = value === 'true';
    else if (option === 'RespectIgnoreDifferences=true' || option === 'RespectIgnoreDifferences=false')
      respectsIgnored = value === 'true';
    else if (name === 'PrunePropagationPolicy' && policy !== undefined) propagation = policy;
    else if (Object.hasOwn(objectOptions, option)) objects = { ...objects, ...objectOptions[option] };
    else if (Object.hasOwn(idleOptions, option)) idle[option] = idleOptions[option]!;
    else if (!harmlessOptions.includes(option)) refused.push(option);
  }
  return {
    createNamespace,
    ...(propagation === undefined ? {} : { propagation }),
    respectsIgnored,
    objects,
    idle,
    refused,
  };
}
