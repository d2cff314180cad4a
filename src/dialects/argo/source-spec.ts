/** Where a source comes from: a Git repository, a repository of charts, or a registry. */
import type { Failure } from '#model/failure.ts';
import { loginFor, trustFor, type Login, type RepositoryAccess } from '#model/repository-access.ts';
import { gitRefOf, versionRefOf } from '#model/target-revision.ts';
import type { SourceSpec } from '#model/unit.ts';
import { invalid } from '../parse-spec.ts';
import type { ApplicationSource } from './schema.ts';
import { isSet } from './unsupported.ts';

export interface SourceContext {
  readonly trust: RepositoryAccess['trust'] | undefined;
  readonly logins: readonly Login[];
  readonly signed: SourceSpec['signed'] | undefined;
}

export function specOf(source: ApplicationSource, context: SourceContext, refused: Failure[]): SourceSpec {
  const { repoURL } = source;
  const credentials = loginFor(context.logins, repoURL);
  const trust = trustFor(context.trust, repoURL);
  const place = placeOf(source, refused);
  return {
    ...place,
    ...(credentials === undefined ? {} : { credentials }),
    ...(trust === undefined ? {} : { trust }),
    ...(context.signed === undefined ? {} : { signed: context.signed }),
    ...(place.kind === 'helm' && source.helm?.passCredentials === true ? { passCredentials: true } : {}),
  };
}

function placeOf(
  source: ApplicationSource,
  refused: Failure[],
): Pick<SourceSpec, 'kind' | 'url' | 'chart' | 'ref'> {
  const { repoURL, chart, targetRevision = '' } = source;
  const isRegistry = repoURL.startsWith('oci://');
  if (!isSet(chart)) {
    return isRegistry
      ? { kind: 'oci', url: repoURL, ref: versionRefOf(targetRevision, false) }
      : { kind: 'git', url: repoURL, ref: gitRefOf(targetRevision) };
  }
  if (isSet(source.ref))
    refused.push(invalid('A chart of a repository has spec.sources[].ref', 'remove ref'));
  if (isSet(source.path)) refused.push(invalid('A source has both chart and path', 'keep one of them'));
  const ref = versionRefOf(targetRevision, true);
  // Argo CD writes registries of charts without a scheme.
  if (isRegistry || !repoURL.includes('://'))
    return {
      kind: 'oci',
      url: `oci://${repoURL.replace(/^oci:\/\//, '').replace(/\/+$/, '')}/${chart}`,
      ref,
    };
  return { kind: 'helm', url: repoURL, chart: chart!, ref };
}
