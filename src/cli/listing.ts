/** Several resources, in the forms that people and scripts ask for: all at once, or one after another as they change. */
import { describe, keyText, refOf, type Manifest } from '#model/object.ts';
import { growingTable, table, type CommandPorts } from './command.ts';
import type { Shown } from './watching.ts';
import { yamlText } from './yaml-text.ts';

export type OutputForm = 'table' | 'wide' | 'name' | 'json' | 'yaml';

export interface Columns {
  readonly header: readonly string[];
  /** So many of the first columns say which resource it is; in the last one stands a sentence. */
  readonly naming: number;
  readonly cells: (resource: Manifest) => readonly string[];
  /** What `-o name` prints. */
  readonly name: (resource: Manifest) => string;
}

export function listText(resources: readonly Manifest[], form: OutputForm, columns: Columns): string {
  if (form === 'json') return `${JSON.stringify(resources, null, 2)}\n`;
  if (form === 'yaml') return yamlText(resources);
  if (form === 'name') return resources.map((resource) => `${columns.name(resource)}\n`).join('');
  return table([columns.header, ...resources.map(columns.cells)]);
}

/** Each by itself: a row where it is another one than before, or a document for every change, JSON on a line of its own. */
export function shownAs(
  form: OutputForm,
  columns: Columns,
  ports: Pick<CommandPorts, 'out' | 'say'>,
  none: string,
): Shown {
  const shown =
    form === 'table' || form === 'wide' ? rowsOf(columns, ports) : documents(form, columns, ports);
  return {
    ...shown,
    all: (resources) => {
      shown.all(resources);
      if (resources.length === 0) ports.say(none);
    },
  };
}

function rowsOf({ header, naming, cells }: Columns, { out }: Pick<CommandPorts, 'out'>): Shown {
  const lines = growingTable(header);
  const last = new Map<string, string>();
  const isNews = (resource: Manifest, row: readonly string[]): boolean => {
    const key = keyText(refOf(resource));
    const text = row.join('\n');
    if (last.get(key) === text) return false;
    last.set(key, text);
    return true;
  };
  const show = (resources: readonly Manifest[]): void => {
    const rows = resources
      .map((resource) => ({ resource, row: cells(resource) }))
      .filter(({ resource, row }) => isNews(resource, row));
    out(lines(rows.map(({ row }) => row)));
  };
  return {
    all: show,
    changed: (resource) => show([resource]),
    gone: (resource, why) => {
      last.delete(keyText(refOf(resource)));
      const between = header.slice(naming, -1).map(() => '-');
      out(lines([[...cells(resource).slice(0, naming), ...between, why]]));
    },
  };
}

/** Of one that is gone the last document comes once more, as kubectl has it; that it is gone is said beside it. */
function documents(
  form: OutputForm,
  { name }: Columns,
  { out, say }: Pick<CommandPorts, 'out' | 'say'>,
): Shown {
  const show = (resource: Manifest): void => {
    if (form === 'json') out(`${JSON.stringify(resource)}\n`);
    else out(form === 'yaml' ? `---\n${yamlText(resource)}` : `${name(resource)}\n`);
  };
  return {
    all: (resources) => resources.forEach(show),
    changed: show,
    gone: (resource, why) => {
      show(resource);
      say(`${describe(refOf(resource))}: ${why}\n`);
    },
  };
}
