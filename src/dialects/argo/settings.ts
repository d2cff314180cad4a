/** What a control-plane namespace configures: `argocd-cm` and `argocd-cmd-params-cm`. */
import type { Lookup } from '#model/dialect.ts';
import type { Manifest, ObjectKey } from '#model/object.ts';
import type { Customizations } from '#model/scripts.ts';
import type { Tracking } from '#model/unit.ts';
import { customizationsOf } from './customizations.ts';
import { otherSettings, type OtherSettings } from './other-settings.ts';
import { kindFiltersOf, type KindFilters } from './excluded-kinds.ts';

export const trackingAnnotation = 'argocd.argoproj.io/tracking-id';
export const installationAnnotation = 'argocd.argoproj.io/installation-id';
export const defaultInstanceLabel = 'app.kubernetes.io/instance';

export type TrackingMethod = 'annotation' | 'label' | 'annotation+label';

export interface Settings {
  readonly trackingMethod: TrackingMethod;
  readonly instanceLabel: string;
  /** Which of several installations that share a cluster this one is. */
  readonly installation?: string;
  /** Globs of further namespaces whose Applications are reconciled. */
  readonly namespaces: readonly string[];
  readonly others: OtherSettings;
  /** Kinds that are left alone. */
  readonly filters: KindFilters['filters'];
  /** The data of `argocd-cm`, for those that read keys by a prefix. */
  readonly main: Readonly<Record<string, string>>;
  /** How long one operation may take; absent: no limit is set. */
  readonly syncTimeoutMs?: number;
  /** What cannot be read, and must be before anything is applied. */
  readonly problems: Customizations['problems'];
}

export function configMapKey(namespace: string, name: string): ObjectKey {
  return { group: '', kind: 'ConfigMap', namespace, name };
}

const noData: Readonly<Record<string, string>> = {};

/** The data of a ConfigMap. */
export function dataOf(manifest: Manifest | undefined): Readonly<Record<string, string>> {
  return (manifest?.['data'] as Record<string, string> | undefined) ?? noData;
}

export function settingsOf(lookup: Lookup, controlNamespace: string): Settings {
  const main = dataOf(lookup.get(configMapKey(controlNamespace, 'argocd-cm')));
  const parameters = dataOf(lookup.get(configMapKey(controlNamespace, 'argocd-cmd-params-cm')));
  const method = main['application.resourceTrackingMethod'];
  const installation = (main['installationID'] ?? '').trim();
  const { filters, problems } = kindFiltersOf(main);
  const timeout = Number(parameters['controller.sync.timeout.seconds'] ?? 0);
  return {
    // Argo CD 3 tracks by annotation where nothing is configured.
    trackingMethod: method === 'label' || method === 'annotation+label' ? method : 'annotation',
    instanceLabel: main['application.instanceLabelKey'] || defaultInstanceLabel,
    ...(installation === '' ? {} : { installation }),
    namespaces: (parameters['application.namespaces'] ?? '')
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
    others: otherSettings(main, parameters),
    filters,
    main,
    ...(timeout > 0 ? { syncTimeoutMs: timeout * 1000 } : {}),
    problems: [...customizationsOf(main).problems, ...problems],
  };
}

/** Label values have at most 63 characters and end with a letter or a digit. */
const labelLengthMax = 63;
function labelValue(owner: string): string {
  return owner.slice(0, labelLengthMax).replace(/[^A-Za-z0-9]+$/, '');
}

export function trackingOf(settings: Settings, owner: string): Tracking {
  const { installation } = settings;
  const annotations = {
    annotation: trackingAnnotation,
    ...(installation === undefined
      ? {}
      : { installation: { key: installationAnnotation, value: installation } }),
  };
  return {
    owner,
    ...(settings.trackingMethod === 'label' ? {} : annotations),
    ...(settings.trackingMethod === 'annotation'
      ? {}
      : { labels: [{ key: settings.instanceLabel, value: labelValue(owner) }] }),
  };
}
