/**
 * Directories that stand for other repositories while one input is rendered. They are below `.git`, where no repository
 * has files of its own, and are named by address and ref, so that the same remote is at the same place every time.
 */
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { RenderedObject, PathEntry, RemoteSource, TreePaths } from '#model/rendered.ts';
import type { Position } from '#model/object.ts';
import type { Remotes, RenderFiles } from '#model/ports.ts';
import type { Dependency } from './dependencies.ts';
import type { NeededRemote } from './protocol.ts';
import { refusal } from './refusal.ts';

/** Bases of bases in other repositories: each step deeper is one more. */
const remotesMax = 32;
const mountsRoot = '.git/remotes';
export const wayToMounts = ['.git', mountsRoot];

/** Where a path is read. */
export interface Place {
  readonly files: Pick<RenderFiles, 'look' | 'sizes' | 'read'>;
  readonly url: string;
  readonly commit: string;
  /** In front of the paths of this repository; empty for the one that is rendered. */
  readonly prefix: string;
}
interface Mount extends RemoteSource {
  readonly at: string;
  readonly place: Place;
}
/** What was read in one of them, paths from its root. */
export interface RemoteRead extends RemoteSource {
  readonly commit: string;
  readonly paths: TreePaths;
  readonly entries: ReadonlyMap<string, PathEntry>;
}

export class Mounts {
  readonly #own: Place;
  readonly #remotes: Remotes;
  readonly #mounts = new Map<string, Mount>();

  constructor(own: Place, remotes: Remotes) {
    this.#own = own;
    this.#remotes = remotes;
  }

  /** An input of the same Unit is under a name that no file can write: only the spec names it. */
  get all(): readonly (RemoteSource & { readonly at: string })[] {
    return [...this.#mounts.values()].map(({ url, ref, at }) => ({
      url: ref.startsWith('$') ? 'own source' : url,
      ref,
      at,
    }));
  }

  /** Another input of the same Unit, by its `$NAME`. */
  addNamed(remote: RemoteSource, path: string): Promise<Result<undefined>> {
    return this.#add(remote, { path });
  }

  /** A chart that another depends on, in its charts/. */
  addDependency({ remote, at, named }: Dependency): Promise<Result<undefined>> {
    return this.#add(remote, named, at);
  }

  /** A directory as the renderer sees it: with what is mounted in it, and the way to it. */
  names(path: string, names: readonly string[]): readonly string[] {
    const prefix = path === '' ? '' : `${path}/`;
    const below = [...this.#mounts.keys()].flatMap((at) =>
      at.startsWith(prefix) && !at.startsWith(mountsRoot)
        ? [`${at.slice(prefix.length).split('/')[0]}/`]
        : [],
    );
    return below.length === 0 ? names : [...new Set([...names, ...below])].toSorted();
  }

  /** Pins a remote, or says why not and where it is named. */
  async add({ url, ref, path, line }: NeededRemote): Promise<Result<undefined>> {
    const at = { path, ...(line === undefined ? {} : { line }) };
    if (!ref.startsWith('$')) return this.#add({ url, ref }, at);
    return fail(refusal('Unsupported', `The ref ${ref} is no name in a repository.`, 'correct it', at));
  }

  async #add(
    { url, ref }: RemoteSource,
    at: Position,
    mount = mountOf({ url, ref }),
  ): Promise<Result<undefined>> {
    // Several files may name it at once.
    if (this.#mounts.has(mount)) return ok(undefined);
    if (this.#mounts.size >= remotesMax)
      return fail(
        refusal('Unsupported', `More than ${remotesMax} other repositories are named.`, 'name fewer', at),
      );
    const pinned = await this.#remotes.pin({ url, ref });
    if (!pinned.ok) return fail(this.#placed({ ...pinned.failure, at }));
    const place = { files: this.#remotes.files, ...pinned.value, prefix: mount };
    this.#mounts.set(mount, { url, ref, at: mount, place });
    return ok(undefined);
  }

  /** The same object for all paths of one repository. */
  placeOf(path: string): Place {
    return this.#mountOf(path)?.place ?? this.#own;
  }

  /** On the way from the root to the mounts, which is in no repository: who looks for patterns walks it. */
  onTheWay(path: string): PathEntry | undefined {
    if (this.#mounts.size === 0 || !wayToMounts.includes(path)) return undefined;
    const below = [...this.#mounts.keys()].map((mount) => mount.slice(path.length + 1).split('/')[0]!);
    return { kind: 'directory', names: [...new Set(below)].map((name) => `${name}/`) };
  }

  /** What was read of the repository itself. */
  own(paths: TreePaths): TreePaths {
    return chosen(paths, (path) =>
      this.#mountOf(path) === undefined && this.onTheWay(path) === undefined ? path : undefined,
    );
  }

  /** What was read of the others. */
  read(paths: TreePaths, entries: ReadonlyMap<string, PathEntry>): readonly RemoteRead[] {
    return [...this.#mounts.values()].map((mount) => {
      const { ref, at } = mount;
      const { url, commit } = mount.place;
      const inside = (path: string): string | undefined =>
        this.#mountOf(path) === mount ? relative(path, at) : undefined;
      const found = [...entries].flatMap(([path, entry]) => {
        const name = inside(path);
        return name === undefined ? [] : [[name, entry] as const];
      });
      return { url, ref, commit, paths: chosen(paths, inside), entries: new Map(found) };
    });
  }

  /** A failure as people read it: addresses in place of mounts. */
  failure(failure: Failure): Failure {
    return this.#placed({ ...failure, message: this.#readable(failure.message) });
  }

  objects(objects: readonly RenderedObject[]): readonly RenderedObject[] {
    if (this.#mounts.size === 0) return objects;
    return objects.map((object) => ({ ...object, at: this.#position(object.at) }));
  }

  #placed(failure: Failure): Failure {
    return failure.at === undefined ? failure : { ...failure, at: this.#position(failure.at) };
  }

  #position(at: Position): Position {
    return { ...at, path: this.#readable(at.path) };
  }

  #readable(text: string): string {
    let readable = text;
    for (const { url, ref, at } of this.#mounts.values()) {
      const query = ref === '' ? '' : `?ref=${ref}`;
      const named = new RegExp(`(?:\\.\\./)*${at.replaceAll('.', '\\.')}(/[^\\s'":,]*)?`, 'g');
      readable = readable.replaceAll(named, (_, path = '') =>
        ref.startsWith('$') ? `${ref}${path}` : `${url}${path === '' ? '' : `/${path}`}${query}`,
      );
    }
    return readable;
  }

  #mountOf(path: string): Mount | undefined {
    for (const mount of this.#mounts.values())
      if (path === mount.at || path.startsWith(`${mount.at}/`)) return mount;
    return undefined;
  }
}

/** Where a remote stands while it is mounted. */
export function mountOf({ url, ref }: RemoteSource): string {
  return `${mountsRoot}/${digestOf(`${url} ${ref}`).slice(-16)}`;
}

/** A path of a mount as its repository has it. */
export function relative(path: string, mount: string): string {
  return mount === '' ? path : path.slice(mount.length + 1);
}

function chosen(
  { files, listings, absent }: TreePaths,
  choose: (path: string) => string | undefined,
): TreePaths {
  const each = (paths: readonly string[]): readonly string[] => paths.flatMap((path) => choose(path) ?? []);
  return { files: each(files), listings: each(listings), absent: each(absent) };
}
