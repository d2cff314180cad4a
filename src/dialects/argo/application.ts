/** The dialect of Argo CD's Application: which resources it reads, and how it reads and answers them. Pure. */
import type { Dialect, Lookup, Reported, Selection } from '#model/dialect.ts';
import { isObject, type JsonObject } from '#model/json.ts';
import { globProblem, matchesPattern } from '#model/glob.ts';
import type { Manifest } from '#model/object.ts';
import { compileApplication } from './compile.ts';
import { applicationNotice } from './notice.ts';
import { controllerSelections } from './predecessor.ts';
import { secretTypeLabel } from './repositories.ts';
import { settingsOf } from './settings.ts';
import { applicationStatus } from './status.ts';

export const applicationKind = { group: 'argoproj.io', version: 'v1alpha1', kind: 'Application' } as const;
export const projectKind = { group: 'argoproj.io', version: 'v1alpha1', kind: 'AppProject' } as const;

export function argoDialect(controlNamespace: string): Dialect {
  const own: Pick<Selection, 'namespace' | 'optional'> = { namespace: controlNamespace, optional: true };
  return {
    kind: applicationKind,
    plural: 'applications',
    optional: false,
    sources: [],
    selections: [
      { kind: projectKind, plural: 'appprojects', ...own },
      { kind: { group: '', version: 'v1', kind: 'ConfigMap' }, plural: 'configmaps', ...own },
      {
        kind: { group: '', version: 'v1', kind: 'Secret' },
        plural: 'secrets',
        ...own,
        labelSelector: secretTypeLabel,
      },
      ...controllerSelections(controlNamespace),
    ],
    admits: (resource, lookup) => admits(resource, lookup, controlNamespace),
    reported,
    notice: applicationNotice,
    compile: (resource, lookup) => compileApplication(resource, lookup, controlNamespace),
    status: (resource, [progress], nowMs) =>
      progress === undefined ? {} : applicationStatus(resource, progress, nowMs, controlNamespace),
  };
}

/** As `argocd app wait` has it: what is well and not as Git says is not what somebody waits for. */
function reported(resource: Manifest): Reported {
  const { status } = resource;
  const member = (name: string): JsonObject =>
    isObject(status) && isObject(status[name]) ? (status[name] as JsonObject) : {};
  const { status: sync, revision } = member('sync');
  const { status: health } = member('health');
  const isSynced = sync === 'Synced';
  const isWell = health === 'Healthy' || health === 'Suspended';
  const why = `it reports ${String((isSynced ? health : sync) ?? 'nothing')}`;
  return {
    readiness: isSynced && isWell ? { ready: true } : { ready: false, why },
    // Of a chart it is a version.
    ...(isSynced && typeof revision === 'string' && /^[0-9a-f]{40}$/.test(revision)
      ? { commit: revision }
      : {}),
  };
}

function admits(resource: Manifest, lookup: Lookup, controlNamespace: string): true | string {
  const namespace = resource.metadata.namespace ?? '';
  if (namespace === controlNamespace) return true;
  const { namespaces } = settingsOf(lookup, controlNamespace);
  if (namespaces.some((pattern) => matchesPattern(pattern, namespace))) return true;
  const [problem] = namespaces.flatMap((pattern) => globProblem(pattern) ?? []);
  if (problem !== undefined)
    return `application.namespaces in argocd-cmd-params-cm does not list namespace ${namespace}: ${problem}`;
  return `namespace ${namespace} is not the control-plane namespace ${controlNamespace}, and application.namespaces in argocd-cmd-params-cm does not list it`;
}
