/** Where a source comes from: a Git repository, a repository of charts, or a registry. */
import type { Failure } from '#model/failure.ts';
import { loginFor, trustFor, type Login, type RepositoryAccess } from '#model/repository-access.ts';
import type { GitRef, SourceSpec } from '#model/unit.ts';
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
  const { repoURL, chart } = source;
  const isRegistry = repoURL.startsWith('oci://');
  if (!isSet(chart)) {
    return isRegistry
      ? { kind: 'oci', url: repoURL, ref: refOfVersion(source, false) }
      : { kind: 'git', url: repoURL, ref: refOfRevision(source.targetRevision) };
  }
  if (isSet(source.ref))
    refused.push(invalid('A chart of a repository has spec.sources[].ref', 'remove ref'));
  if (isSet(source.path)) refused.push(invalid('A source has both chart and path', 'keep one of them'));
  const ref = refOfVersion(source, true);
  // Argo CD writes registries of charts without a scheme.
  if (isRegistry || !repoURL.includes('://'))
    return {
      kind: 'oci',
      url: `oci://${repoURL.replace(/^oci:\/\//, '').replace(/\/+$/, '')}/${chart}`,
      ref,
    };
  return { kind: 'helm', url: repoURL, chart: chart!, ref };
}

/** Characters that make a target revision a range of versions and not a name. */
const rangeCharacters = /[*^~<>=|,]|\s-\s|^v?\d+(\.\d+)?(\.[xX]){1,2}$|^[xX]$/;

/** Without one, and as `HEAD`, the highest; of images that is the tag `latest`. */
function refOfVersion({ targetRevision = '' }: ApplicationSource, isChart: boolean): GitRef {
  const wanted = targetRevision.trim();
  if (wanted === '' || wanted === 'HEAD') return isChart ? { semver: '*' } : { name: 'latest' };
  if (rangeCharacters.test(wanted)) return { semver: wanted };
  // A part of a version is a range for Helm: `1.2` is `1.2.x`. Of images it may be a tag.
  return isChart && /^v?\d+(\.\d+)?$/.test(wanted) ? { semver: wanted } : { name: wanted };
}

/** A range is looked for among tags first, and then it is a name like any other: `1.x` may be a branch. */
function refOfRevision(targetRevision = ''): GitRef {
  const name = targetRevision.trim();
  if (rangeCharacters.test(name)) return { semver: name, orName: true };
  if (/^[0-9a-f]{40}$/.test(name)) return { commit: name };
  return { name: name === '' ? 'HEAD' : name.replace(/^refs\/heads\//, '') };
}
