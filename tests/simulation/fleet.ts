/** What a world manages: its applications, and what Git says of each at every commit. */
import { stringify } from 'yaml';
import type { Files, GitServer } from './git-model.ts';
import type { SeededRandom } from './random.ts';

export interface Item {
  readonly kind: 'ConfigMap' | 'Secret' | 'Service';
  readonly name: string;
  readonly value: number;
}
/** What a directory has at a commit: objects, or why it has none that can be used. */
export type Content = { readonly items: readonly Item[] } | { readonly broken: 'text' | 'empty' | 'link' | 'huge' };

export interface App {
  readonly name: string;
  readonly server: GitServer;
  readonly directory: string;
  readonly namespace: string;
  readonly selfHeal: boolean;
}
export interface Recorded {
  /** In the order of pushes, from 1. */
  readonly number: number;
  /** By directory. */
  readonly content: ReadonlyMap<string, Content>;
}

export const secretCanary = 'canary-7f3a';
export const stampName = (app: Pick<App, 'name'>): string => `stamp-${app.name}`;

export const itemKey = ({ kind, name }: Pick<Item, 'kind' | 'name'>): string => `${kind}/${name}`;

function manifestOf({ kind, name, value }: Item): object {
  const metadata = { name };
  if (kind === 'ConfigMap') return { apiVersion: 'v1', kind, metadata, data: { value: String(value) } };
  if (kind === 'Secret')
    return { apiVersion: 'v1', kind, metadata, stringData: { password: `${secretCanary}-${value}` } };
  return {
    apiVersion: 'v1',
    kind,
    metadata,
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80 + (value % 10), protocol: 'TCP' }] },
  };
}

const hugeBytes = 512 * 1024 * 1024;

function filesOf(app: App, content: Content, number: number): Files {
  const at = (file: string): string => `${app.directory}/${file}`;
  if ('items' in content) {
    const stamp = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: stampName(app) }, data: { commit: String(number) } };
    return Object.fromEntries([
      [at('stamp.yaml'), stringify(stamp)],
      ...content.items.map((item) => [at(`${item.kind.toLowerCase()}-${item.name}.yaml`), stringify(manifestOf(item))]),
    ]);
  }
  switch (content.broken) {
    case 'text':
      return { [at('broken.yaml')]: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: broken\n' };
    case 'empty':
      return {};
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
  readonly #numbers = new Map<GitServer, number>();

  constructor(apps: readonly App[]) {
    this.apps = apps;
  }

  appsOf(server: GitServer): readonly App[] {
    return this.apps.filter((app) => app.server === server);
  }
  content(app: App): Content {
    return this.#head.get(app.server)?.get(app.directory) ?? { items: [] };
  }
  numberOf(server: GitServer): number {
    return this.#numbers.get(server) ?? 0;
  }

  /** Moves the branch to a commit that was on it, by force. */
  reset(server: GitServer, commit: string): void {
    server.reset(commit);
    this.#head.set(server, new Map(this.commits.get(commit)?.content));
  }

  /** Pushes a commit in which these directories are so, and the others as they were. */
  push(server: GitServer, changes: ReadonlyMap<App, Content>, message: string, parent?: string | null): string {
    const base = parent === undefined ? this.#head.get(server) : this.commits.get(parent ?? '')?.content;
    const content = new Map<string, Content>(base);
    for (const [app, wanted] of changes) content.set(app.directory, wanted);
    const number = this.numberOf(server) + 1;
    this.#numbers.set(server, number);
    this.#head.set(server, content);
    const files: Files = Object.assign(
      { 'README.md': `${number}` },
      ...this.appsOf(server).map((app) => filesOf(app, content.get(app.directory) ?? { items: [] }, number)),
    ) as Files;
    const { id } = server.push(files, message, parent);
    this.commits.set(id, { number, content });
    return id;
  }
}

export function firstItems(random: SeededRandom, app: string): readonly Item[] {
  return Array.from({ length: 2 + random.below(3) }, (_, index) => newItem(random, `${app}-${index}`));
}
export function newItem(random: SeededRandom, name: string): Item {
  return { kind: random.pick(['ConfigMap', 'ConfigMap', 'Secret', 'Service']), name, value: random.below(10) };
}
