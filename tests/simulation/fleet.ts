/** What a world manages: its applications, and what Git says of each at every commit. */
import { stringify } from 'yaml';
import type { Change } from '#embedded/store.ts';
import type { Files, GitServer } from './git-model.ts';
import { hookManifest, type Hook } from './hooks.ts';
import { memberOf } from './kubectl.ts';
import type { SeededRandom } from './random.ts';

export const kinds = {
  ConfigMap: { group: '', version: 'v1', plural: 'configmaps' },
  Secret: { group: '', version: 'v1', plural: 'secrets' },
  Service: { group: '', version: 'v1', plural: 'services' },
  Widget: { group: 'example.dev', version: 'v1', plural: 'widgets' },
} as const;
export type Kind = keyof typeof kinds;

/** A kind of its own, which may go and come back. */
export const widgetDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.dev' },
  spec: {
    group: 'example.dev',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } },
          },
        },
      },
    ],
  },
};

export interface Item {
  readonly kind: Kind;
  readonly name: string;
  readonly value: number;
}
/** What a directory has at a commit: objects, or why it has none that can be used. */
export type Content =
  | {
      readonly items: readonly Item[];
      readonly hooks?: readonly Hook[];
      /** F9: so many have gone that somebody has to be asked. */
      readonly isHeld?: boolean;
    }
  /** `void`: it has files, and no objects. */
  | { readonly broken: 'text' | 'empty' | 'void' | 'link' | 'huge' };

/** Where Git has what an application declares. */
export interface Place {
  readonly server: GitServer;
  /** Never that of another application, nor one that was left. */
  readonly directory: string;
}
export interface App {
  readonly name: string;
  readonly dialect: 'argo' | 'flux';
  /** All that it was ever at; it is at the last. */
  readonly places: Place[];
  readonly namespace: string;
  readonly selfHeal: boolean;
  /** Whether its objects go with it. */
  readonly cascades: boolean;
  /** The applications that have to be ready first. */
  readonly dependsOn: readonly string[];
  /** Its objects come one after the other, by their values. */
  readonly hasWaves: boolean;
  readonly hasHooks: boolean;
  /** It is synced only while the window of its project is open. */
  readonly hasWindows: boolean;
  /** A label that its resource asks for on its ConfigMaps; only one dialect has that for plain files. */
  tier?: string;
  /** It never has few objects, but where they vanish. */
  readonly isLarge: boolean;
}
export const tierLabel = 'people.example/tier';
export const placeOf = ({ places }: App): Place => places.at(-1)!;
export const itemsMin = (app: App): number => (app.isLarge ? 11 : 1);
export interface Recorded {
  /** In the order of pushes to any repository, from 1. */
  readonly number: number;
  /** By directory. */
  readonly content: ReadonlyMap<string, Content>;
}

export const secretCanary = 'canary-7f3a';
/** As it stands in a manifest's `stringData`, or in a Secret's `data`. */
const canaryForms = [secretCanary, Buffer.from(`${secretCanary}-`, 'utf8').toString('base64')];
export const showsSecret = (text: string): boolean => canaryForms.some((form) => text.includes(form));
export const stampName = (app: Pick<App, 'name'>): string => `stamp-${app.name}`;

export const itemKey = ({ kind, name }: Pick<Item, 'kind' | 'name'>): string => `${kind}/${name}`;

export const waveAnnotation = 'argocd.argoproj.io/sync-wave';

/** What Git has of it, as a file there says it. */
export function manifestOf({ kind, name, value }: Item, { hasWaves }: Pick<App, 'hasWaves'>): object {
  const wave = { annotations: { [waveAnnotation]: String((value % 3) - 1) } };
  const metadata = { name, ...(hasWaves ? wave : {}) };
  if (kind === 'ConfigMap') return { apiVersion: 'v1', kind, metadata, data: { value: String(value) } };
  if (kind === 'Secret')
    return { apiVersion: 'v1', kind, metadata, stringData: { password: `${secretCanary}-${value}` } };
  if (kind === 'Widget') return { apiVersion: 'example.dev/v1', kind, metadata, spec: { size: value } };
  return {
    apiVersion: 'v1',
    kind,
    metadata,
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80 + (value % 10), protocol: 'TCP' }] },
  };
}

const hugeBytes = 512 * 1024 * 1024;

/** What a commit has of it, wherever it was then. */
export function contentIn({ content }: Recorded, { places }: App): Content | undefined {
  return places.map(({ directory }) => content.get(directory)).findLast((found) => found !== undefined);
}

function filesOf(app: App, content: Content, number: number): Files {
  const at = (file: string): string => `${placeOf(app).directory}/${file}`;
  if ('items' in content) {
    const stamp = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: stampName(app) },
      data: { commit: String(number) },
    };
    return Object.fromEntries([
      [at('stamp.yaml'), stringify(stamp)],
      ...content.items.map((item) => [
        at(`${item.kind.toLowerCase()}-${item.name}.yaml`),
        stringify(manifestOf(item, app)),
      ]),
      ...(content.hooks ?? []).map((hook) => [at(`hook-${hook.name}.yaml`), stringify(hookManifest(hook))]),
    ]);
  }
  switch (content.broken) {
    case 'text':
      return { [at('broken.yaml')]: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: broken\n' };
    case 'empty':
      return {};
    case 'void':
      return { [at('NOTES.txt')]: 'moved' };
    case 'link':
      return { [at('outside.yaml')]: { link: '../../../etc/passwd' }, [at('module')]: { submodule: true } };
    case 'huge':
      return { [at('huge.yaml')]: { bytes: hugeBytes } };
  }
}

export class Fleet {
  readonly apps: readonly App[];
  /** By commit. */
  readonly commits = new Map<string, Recorded>();
  readonly #head = new Map<GitServer, Map<string, Content>>();
  /** Objects whose names do not say whose they are. */
  readonly #moved = new Map<string, App>();
  #number = 0;

  constructor(apps: readonly App[]) {
    this.apps = apps;
  }

  /** Whose object it is: by its name; of one that moved, who wrote it last says so in it. */
  appOf({ object }: Change): App | undefined {
    const { name, namespace = '' } = object.metadata;
    const owner = this.ownerOf(namespace, object.kind, name);
    if (!this.isMoved(namespace, object.kind, name)) return owner;
    const tracked = memberOf(object, 'metadata', 'annotations', 'argocd.argoproj.io/tracking-id');
    const writer =
      memberOf(object, 'metadata', 'labels', 'kustomize.toolkit.fluxcd.io/name') ??
      String(tracked).split(':')[0];
    return this.apps.find((app) => app.name === writer) ?? owner;
  }
  /** Who is to have it, as Git has it. */
  ownerOf(namespace: string, kind: string, name: string): App | undefined {
    const owner = this.#moved.get(movedKey(namespace, kind, name));
    const isNamedAfter = (app: App): boolean => name.startsWith(`${app.name}-`) || name === stampName(app);
    return owner ?? this.apps.find((app) => app.namespace === namespace && isNamedAfter(app));
  }
  /** Two applications may have it in Git then: who reverts such a commit takes it back from one of them only. */
  isMoved(namespace: string, kind: string, name: string): boolean {
    return this.#moved.has(movedKey(namespace, kind, name));
  }
  /** From the next commit on, whatever its name. */
  give({ kind, name }: Pick<Item, 'kind' | 'name'>, to: App): void {
    this.#moved.set(movedKey(to.namespace, kind, name), to);
  }
  appsOf(server: GitServer): readonly App[] {
    return this.apps.filter((app) => placeOf(app).server === server);
  }
  content(app: App): Content {
    const { server, directory } = placeOf(app);
    return this.#head.get(server)?.get(directory) ?? { items: [] };
  }
  /** What it had last that nobody has to be asked about. */
  unheld(app: App): Content {
    const all = [...this.commits.values()].map((commit) => contentIn(commit, app));
    const usable = (content: Content | undefined): boolean =>
      content !== undefined && 'items' in content && content.isHeld !== true;
    const content = this.content(app);
    return usable(content) ? content : (all.findLast(usable) ?? { items: [] });
  }

  /** Moves the branch to a commit that was on it, by force. */
  reset(server: GitServer, commit: string): void {
    server.reset(commit);
    this.#head.set(server, new Map(this.commits.get(commit)?.content));
  }

  /** Git has it elsewhere from now on. */
  move(app: App, place: Place): void {
    const content = this.content(app);
    const { server } = placeOf(app);
    app.places.push(place);
    this.push(place.server, new Map([[app, content]]), `Move ${app.name} here`);
    if (server !== place.server) this.push(server, new Map(), `Move ${app.name} away`);
  }

  /** Pushes a commit in which these directories are so, and the others as they were. */
  push(
    server: GitServer,
    changes: ReadonlyMap<App, Content>,
    message: string,
    parent?: string | null,
  ): string {
    const head = this.#head.get(server);
    const base = parent === undefined ? head : this.commits.get(parent ?? '')?.content;
    const content = new Map<string, Content>();
    const files: Record<string, Files[string]> = { 'README.md': `${(this.#number += 1)}` };
    for (const app of this.appsOf(server)) {
      const { directory } = placeOf(app);
      // One that came here since that parent stays.
      const own = changes.get(app) ?? base?.get(directory) ?? head?.get(directory) ?? { items: [] };
      content.set(directory, own);
      Object.assign(files, filesOf(app, own, this.#number));
    }
    this.#head.set(server, content);
    const { id } = server.push(files, message, parent);
    this.commits.set(id, { number: this.#number, content });
    return id;
  }
}

const movedKey = (namespace: string, kind: string, name: string): string => `${namespace}/${kind}/${name}`;

const drawnKinds: readonly Kind[] = ['ConfigMap', 'ConfigMap', 'ConfigMap', 'Secret', 'Service', 'Widget'];

export function firstItems(random: SeededRandom, app: App): readonly Item[] {
  return Array.from({ length: itemsMin(app) + 1 + random.below(3) }, (_, index) =>
    newItem(random, `${app.name}-${index}`),
  );
}
export function newItem(random: SeededRandom, name: string): Item {
  return { kind: random.pick(drawnKinds), name, value: random.below(10) };
}
