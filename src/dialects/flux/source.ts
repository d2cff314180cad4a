/** What a GitRepository declares: where to fetch, which ref, how often, and what of it is not honoured. */
import type { Lookup } from '#model/dialect.ts';
import type { Failure } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import { usualTimeoutMs } from '#model/source-timeouts.ts';
import type { GitRef, SourceSpec } from '#model/unit.ts';
import { durationMs, parseSpec } from '../parse-spec.ts';
import { parseRevision } from './revision.ts';
import { gitRepositorySpec, type GitRepositorySpec } from './schema.ts';
import { inspectGitRepository, unsupported } from './unsupported.ts';

export interface ReadSource {
  /** Absent where the resource cannot be read. */
  readonly source?: SourceSpec;
  readonly suspended: boolean;
  /** In the form of `.gitignore`. */
  readonly ignore?: string;
  readonly refused: readonly Failure[];
  readonly warnings: readonly Failure[];
}

/** Asking more often than this helps nobody. */
const pollFloorMs = 1000;

export function readSource(resource: Manifest): ReadSource {
  const parsed = parseSpec(gitRepositorySpec, resource);
  if (!parsed.ok) return { suspended: true, refused: [parsed.failure], warnings: [] };
  const spec = parsed.value;
  const { refused, unknown } = inspectGitRepository(spec);
  const pollMs = Math.max(durationMs(spec.interval, 'interval', 60_000, refused), pollFloorMs);
  const { name, namespace = '' } = resource.metadata;
  const timeout = {
    ms: durationMs(spec.timeout, 'timeout', usualTimeoutMs, refused),
    where: `spec.timeout of GitRepository ${namespace}/${name}`,
  };
  return {
    source: {
      kind: 'git',
      url: spec.url,
      ref: refOfSpec(spec, refused),
      pollMs,
      timeout,
      ...signedOf(spec, namespace, refused),
      ...(spec.secretRef === undefined ? {} : { credentials: { namespace, name: spec.secretRef.name } }),
    },
    suspended: spec.suspend ?? false,
    ...(spec.ignore === undefined ? {} : { ignore: spec.ignore }),
    refused,
    warnings: unknown,
  };
}

const verified = { HEAD: 'commit', head: 'commit', Tag: 'tag', TagAndHEAD: 'both' } as const;

function signedOf(
  { verify }: GitRepositorySpec,
  namespace: string,
  refused: Failure[],
): Pick<SourceSpec, 'signed'> {
  if (verify === undefined) return {};
  const { mode = 'HEAD', secretRef } = verify;
  const what = verified[mode as keyof typeof verified];
  if (what === undefined) refused.push(unsupported(`spec.verify.mode: ${mode}`));
  const where = `Secret ${namespace}/${secretRef.name} (spec.verify)`;
  return { signed: { secret: { namespace, name: secretRef.name }, what: what ?? 'commit', where } };
}

/** Of several the one that Flux takes; without any, its default. */
function refOfSpec({ ref = {} }: GitRepositorySpec, refused: Failure[]): GitRef {
  const { commit = '', name = '', semver = '', tag = '', branch = '' } = ref;
  if (commit !== '') return { commit, ...(branch === '' ? {} : { on: branch }) };
  if (name !== '') {
    if (!/^refs\/(heads|tags)\//.test(name))
      refused.push(unsupported(`spec.ref.name: ${name} (neither below refs/heads/ nor below refs/tags/)`));
    return { name };
  }
  if (semver !== '') return { semver };
  if (tag !== '') return { tag };
  return { branch: branch === '' ? 'master' : branch };
}

/** As those that refer to it use it: a suspended one stays where it is, and is not asked any more. */
export function usedSource({ source, suspended }: ReadSource, resource: Manifest): SourceSpec | undefined {
  if (source === undefined || !suspended) return source;
  const status = resource['status'];
  const artifact = isObject(status) ? status['artifact'] : undefined;
  const stored = parseRevision(isObject(artifact) ? artifact['revision'] : undefined);
  if (stored === undefined) return undefined;
  const on = stored.name === '' ? {} : { on: stored.name };
  return { ...source, ref: { commit: stored.commit, ...on }, pollMs: 0 };
}

export function gitRepositoryOf(lookup: Lookup, namespace: string, name: string): Manifest | undefined {
  return lookup.get({ group: 'source.toolkit.fluxcd.io', kind: 'GitRepository', namespace, name });
}
