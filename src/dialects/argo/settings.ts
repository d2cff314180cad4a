/** What a control-plane namespace configures: `argocd-cm` and `argocd-cmd-params-cm`. */
import type { Lookup } from '#model/dialect.ts';
import type { Manifest, ObjectKey } from '#model/object.ts';
import type { Tracking } from '#model/unit.ts';

export const trackingAnnotation = 'argocd.argoproj.io/tracking-id';
export const defaultInstanceLabel = 'app.kubernetes.io/instance';

export type TrackingMethod = 'annotation' | 'label' | 'annotation+label';

export interface Settings {
  readonly trackingMethod: TrackingMethod;
  readonly instanceLabel: string;
  /** Globs of further namespaces whose Applications are reconciled. */
  readonly namespaces: readonly string[];
}

export function configMapKey(namespace: string, name: string): ObjectKey {
  return { group: '', kind: 'ConfigMap', namespace, name };
}

function dataOf(manifest: Manifest | undefined): Readonly<Record<string, string>> {
  return (manifest?.['data'] as Record<string, string> | undefined) ?? {};
}

export function settingsOf(lookup: Lookup, controlNamespace: string): Settings {
  const main = dataOf(lookup.get(configMapKey(controlNamespace, 'argocd-cm')));
  const parameters = dataOf(lookup.get(configMapKey(controlNamespace, 'argocd-cmd-params-cm')));
  const method = main['application.resourceTrackingMethod'];
  return {
    // Argo CD 3 tracks by annotation where nothing is configured.
    trackingMethod: method === 'label' || method === 'annotation+label' ? method : 'annotation',
    instanceLabel: main['application.instanceLabelKey'] || defaultInstanceLabel,
    namespaces: (parameters['application.namespaces'] ?? '')
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  };
}

export function trackingOf(settings: Settings, owner: string): Tracking {
  return {
    owner,
    ...(settings.trackingMethod === 'label' ? {} : { annotation: trackingAnnotation }),
    ...(settings.trackingMethod === 'annotation' ? {} : { label: settings.instanceLabel }),
  };
}
