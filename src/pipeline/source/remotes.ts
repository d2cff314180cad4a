/** Other repositories that a Unit's files name: whether they may, and which commit a name in them stands for. */
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { Remotes, Repositories } from '#model/ports.ts';
import type { RemotePaths, RemoteSource } from '#model/rendered.ts';
import { allowsRepository, loginFor, trustFor } from '#model/repository-access.ts';
import type { Input, Revision, SourceSpec, Unit } from '#model/unit.ts';

/** The inputs of a Unit that others name, by `$NAME`: where they are located. */
export type NamedInputs = ReadonlyMap<string, Pick<Revision, 'url' | 'commit'>>;

export function namedInputs(
  located: readonly { readonly input: Input; readonly revision: Pick<Revision, 'commit'> }[],
): NamedInputs {
  return new Map(
    located.flatMap(({ input: { name, source }, revision: { commit } }) =>
      name === undefined ? [] : [[`$${name}`, { url: source.url, commit }] as const],
    ),
  );
}

/** Which input reads, beside which others. */
export interface Reader {
  readonly unit: Unit;
  readonly input: Input;
  readonly named: NamedInputs;
}

export interface RemotesPorts {
  readonly repositories: Repositories;
  /** Has a repository polled from now on; resolves when it was fetched once. Absent: nothing is polled. */
  readonly follow?: (remote: RemoteSource, spec: SourceSpec) => Promise<void>;
}

/** What a rendering asks; those in `pinned` stand for what they stood for when the input was located. */
export function remotesOf(
  { unit, input, named }: Reader,
  { repositories, follow }: RemotesPorts,
  pinned: readonly RemotePaths[] = [],
): Remotes {
  return {
    files: repositories,
    named: [...named].map(([ref, { url }]) => ({ url, ref })),
    pin: async (remote) => {
      const own = named.get(remote.ref);
      if (own?.url === remote.url) return ok(own);
      const spec = remoteSpec(unit, input, remote);
      if (!spec.ok) return spec;
      // An archive goes by the name under which it is asked for: its address alone does not say which it is.
      const url = spec.value.kind === 'git' ? spec.value.url : remote.url;
      const pin = pinned.find((one) => one.url === url && one.ref === remote.ref);
      if (pin !== undefined) return ok({ url, commit: pin.commit });
      if (isPolled(spec.value)) await follow?.(remote, spec.value);
      const revision = await repositories.resolve(spec.value);
      return revision.ok ? ok({ url, commit: revision.value.commit }) : revision;
    },
  };
}

/**
 * The commits that these remotes stand for now, or that they stood for. Undefined when one may not or cannot be read:
 * rendering says why, with the file and line that names it.
 */
export async function pinRemotes(
  { unit, input, named }: Reader,
  read: readonly RemotePaths[],
  repositories: Pick<Repositories, 'resolve'>,
  when: 'now' | 'then' = 'now',
): Promise<readonly RemotePaths[] | undefined> {
  const pinned: RemotePaths[] = [];
  for (const remote of read) {
    if (remote.ref.startsWith('$')) {
      const own = named.get(remote.ref);
      if (own?.url !== remote.url) return undefined;
      pinned.push({ ...remote, commit: own.commit });
      continue;
    }
    const spec = remoteSpec(unit, input, remote);
    if (!spec.ok) return undefined;
    const ref = when === 'now' ? spec.value.ref : { commit: remote.commit };
    const revision = await repositories.resolve({ ...spec.value, ref });
    if (!revision.ok) return undefined;
    pinned.push({ ...remote, commit: revision.value.commit });
  }
  return pinned;
}

/** Those that may be read and can move. */
export function polledRemotes(
  unit: Unit,
  input: Input,
  remotes: readonly RemoteSource[],
): readonly SourceSpec[] {
  return remotes.flatMap((remote) => {
    if (remote.ref.startsWith('$')) return [];
    const spec = remoteSpec(unit, input, remote);
    return spec.ok && isPolled(spec.value) ? [spec.value] : [];
  });
}

const isPolled = ({ ref }: SourceSpec): boolean => !('commit' in ref);

/** A remote as a source: the same rules and the same login as if the Unit itself named it (S7). */
function remoteSpec({ remotes }: Unit, input: Input, remote: RemoteSource): Result<SourceSpec> {
  const { ref } = remote;
  const { source: own } = input;
  const [, helm, chart] = /^helm\+(.*)#(.*)$/.exec(remote.url) ?? [];
  const kind = helm !== undefined ? 'helm' : remote.url.startsWith('oci://') ? 'oci' : 'git';
  const url = normal(helm ?? remote.url);
  const shown = url.replace(/\/\/[^/]*@/, '//');
  // Registries of charts are listed as Argo CD writes them, without a scheme and with or without the chart.
  const registry = url.replace(/^oci:\/\//, '');
  const names = kind === 'oci' ? [url, registry, registry.replace(/\/[^/]*$/, '')] : [url];
  if (/^https?:\/\/[^/]*@/i.test(url))
    return fail(
      refused(shown, 'has a user or password in its address', 'put them into a Secret of the repository'),
    );
  if (/^file:/i.test(url))
    return fail(refused(shown, 'is a directory of this machine', 'serve it over https'));
  if (/^http:/i.test(url) && /^https:/i.test(own.url))
    return fail(
      refused(shown, 'is not encrypted, and the source that names it is', 'use its https:// address'),
    );
  if (remotes.allowed !== undefined && !names.some((name) => allowsRepository(remotes.allowed!, name)))
    return fail(denied(shown, remotes.rule));
  // What a signed commit names by its commit is as good as that commit; whatever can move is signed by nobody (S8).
  if (own.signed !== undefined && !/^[0-9a-f]{40}$/.test(ref))
    return fail(
      refused(shown, `can move, and ${own.signed.where} asks for signatures`, 'name the full commit: ?ref=…'),
    );
  const credentials = names
    .map((name) => loginFor(remotes.logins, name))
    .find((login) => login !== undefined);
  const trust = trustFor(remotes.trust, url);
  return ok({
    kind,
    url,
    ...(chart === undefined ? {} : { chart }),
    ref:
      kind !== 'git'
        ? { semver: ref }
        : /^[0-9a-f]{40}$/.test(ref)
          ? { commit: ref }
          : { name: ref === '' ? 'HEAD' : ref },
    ...(credentials === undefined ? {} : { credentials }),
    ...(trust === undefined ? {} : { trust }),
    ...(kind === 'helm' && passesCredentials(input) ? { passCredentials: true } : {}),
  });
}

function passesCredentials({ render }: Input): boolean {
  return render.kind === 'helm' && render.passCredentials === true;
}

/** One host has many spellings, and patterns have one: it is that which is asked and fetched. */
function normal(url: string): string {
  const authority = /^https?:\/\/[^/]*/i.exec(url)?.[0] ?? '';
  if (authority === '' || authority.includes('@')) return url;
  return `${URL.parse(authority)?.origin ?? authority}${url.slice(authority.length)}`;
}

function refused(url: string, what: string, hint: string): Failure {
  return {
    kind: 'terminal',
    code: 'UnsupportedGitUrl',
    stage: 'source',
    message: `The remote ${url} ${what}`,
    hint,
  };
}

function denied(url: string, rule: string): Failure {
  return {
    kind: 'blocked',
    code: 'RemoteBaseDenied',
    stage: 'policy',
    message: `The remote ${url} is not permitted by ${rule}`,
    hint: `add it to ${rule}, or copy what is needed into the repository`,
  };
}
