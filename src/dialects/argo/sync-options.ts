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
};

/**
 * What they ask for is done anyway: objects are always applied by server-side apply, which validates them, and only where
 * they differ; an object of another Application stops the sync.
 */
export const harmlessOptions: readonly string[] = [
  'Validate=true',
  'Validate=false',
  'ApplyOutOfSyncOnly=true',
  'ApplyOutOfSyncOnly=false',
  'ServerSideApply=true',
  'ServerSideApply=false',
  'FailOnSharedResource=true',
  'FailOnSharedResource=false',
  'ClientSideApplyMigration=true',
  'DisableClientSideApplyMigration=false',
];

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
  /** Known, or not, and not honoured (F30). */
  readonly refused: readonly string[];
}

export function readSyncOptions(options: readonly string[]): SyncOptions {
  let createNamespace = false;
  let respectsIgnored = false;
  let propagation: Propagation | undefined;
  let objects: Partial<ObjectOptions> = {};
  const refused: string[] = [];
  for (const option of options) {
    const [name, value = ''] = option.split('=');
    const policy = propagations[value.toLowerCase()];
    if (option === 'CreateNamespace=true' || option === 'CreateNamespace=false')
      createNamespace = value === 'true';
    else if (option === 'RespectIgnoreDifferences=true' || option === 'RespectIgnoreDifferences=false')
      respectsIgnored = value === 'true';
    else if (name === 'PrunePropagationPolicy' && policy !== undefined) propagation = policy;
    else if (objectOptions[option] !== undefined) objects = { ...objects, ...objectOptions[option] };
    else if (!harmlessOptions.includes(option)) refused.push(option);
  }
  return {
    createNamespace,
    ...(propagation === undefined ? {} : { propagation }),
    respectsIgnored,
    objects,
    refused,
  };
}
