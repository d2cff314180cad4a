/** The page at `/`: every Application with its status, the cause and its revision; plain, until there is a real one. */
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';

interface Row {
  readonly name: string;
  readonly sync: string;
  readonly health: string;
  readonly cause: string;
  readonly revision: string;
}

const rowsMax = 500;
const revisionChars = 10;
const refreshSeconds = 5;

export function page(applications: readonly Manifest[]): string {
  const rows = applications.map(rowOf).toSorted(byAttention);
  const more = rows.length - rowsMax;
  const body =
    rows.length === 0
      ? '<p>There is no Application yet.</p>'
      : `<table><thead><tr><th>Application</th><th>Sync</th><th>Health</th><th>Cause</th><th>Revision</th></tr></thead>
<tbody>
${rows.slice(0, rowsMax).map(rowText).join('\n')}
</tbody></table>${more > 0 ? `<p>and ${more} more: <code>trueup app list</code></p>` : ''}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="${refreshSeconds}">
<title>Trueup</title>
<style>
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem 1rem .4rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); vertical-align: top }
code { font-family: ui-monospace, monospace }
</style>
</head>
<body>
<h1>Applications</h1>
${body}
</body>
</html>
`;
}

/** Refuses everything that is not in the page itself: no script, no image, no other site (S13). */
export const contentSecurityPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function rowOf({ metadata, status }: Manifest): Row {
  const part = (name: string): Readonly<Record<string, unknown>> => {
    const value = isObject(status) ? status[name] : undefined;
    return isObject(value) ? value : {};
  };
  const text = (value: unknown, otherwise = ''): string => (typeof value === 'string' ? value : otherwise);
  const sync = part('sync');
  const health = part('health');
  const operation = part('operationState');
  const conditions = isObject(status) && Array.isArray(status['conditions']) ? status['conditions'] : [];
  const said = conditions.filter(isObject).map(({ message }) => text(message));
  const failed = ['Failed', 'Error', 'Running'].includes(text(operation['phase']));
  return {
    name: metadata.name,
    sync: text(sync['status'], 'Unknown'),
    health: text(health['status'], 'Unknown'),
    cause: [said[0], failed ? text(operation['message']) : '', text(health['message'])].find(Boolean) ?? '',
    revision: text(sync['revision']).slice(0, revisionChars),
  };
}

/** What is not as it should be comes first. */
function byAttention(a: Row, b: Row): number {
  const isFine = ({ sync, health }: Row): number => Number(sync === 'Synced' && health === 'Healthy');
  return isFine(a) - isFine(b) || (a.name < b.name ? -1 : 1);
}

const rowText = ({ name, sync, health, cause, revision }: Row): string =>
  `<tr><td>${escaped(name)}</td><td>${mark(sync === 'Synced')} ${escaped(sync)}</td><td>${mark(health === 'Healthy')} ${escaped(health)}</td><td>${escaped(cause)}</td><td><code>${escaped(revision)}</code></td></tr>`;

/** Beside the word: colour alone tells nobody. */
const mark = (isFine: boolean): string => `<span aria-hidden="true">${isFine ? '✓' : '!'}</span>`;

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => escapes[sign]!);
