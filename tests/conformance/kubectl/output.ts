/**
 * What kubectl prints, with what must differ between two clusters named by what it is. Nothing else is touched: columns,
 * order and wording are the same or the outputs differ.
 */

/** Of the strings that controllers end generated names with: no vowels, no digits that look like letters. */
const random = '[bcdfghjklmnpqrstvwxz2456789]';
const hash = `${random}{8,10}`;

const replacements: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, 'TIME'],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000/g, 'TIME'],
  [/(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, 'TIME'],
  [/(resourceVersion"?: ?"?|Resource Version: +)\d+/g, '$1VERSION'],
  [/https:\/\/127\.0\.0\.1:\d+/g, 'SERVER'],
  [/\/\S*\/trueup-kubectl-[^/\s]+\//g, 'DIRECTORY/'],
  [/\/tmp\/(?:LIVE|MERGED|kubectl-edit)[-\w.]*/g, 'FILE'],
  [/(?<!\d)(?!0)\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?/g, 'ADDRESS'],
  [/\bnode-0\b|(?<![\w.-])trueup(?![\w.-])/g, 'NODE'],
  // The test control plane is one program.
  [/^control-plane\b|(?<=")control-plane(?=")/gm, 'kube-controller-manager'],
  [/(?<=:)3\d{4}(?=\/TCP)|(?<=nodePort: )3\d{4}/g, 'PORT'],
  // A digest of the template, and what makes a name of it unique.
  [new RegExp(`(?<=[-=] ?|pod-template-hash"?: "?)${hash}(?:-${random}{5})?\\b`, 'g'), 'GENERATED'],
  [new RegExp(`(?<=\\w-)${random}{5}\\b`, 'g'), 'GENERATED'],
  // How long ago; quantities such as 100m stand after their name.
  [/(?<=[\s(])(?:\d+d)?(?:\d+h)?(?:\d+m)?\d+s(?=[\s)]|$)/gm, 'AGE'],
  [/(?<=[\s(])(?<!(?:cpu|memory):? +)\d+m(?=[\s)]|$)/gm, 'AGE'],
  [/AGE \(x\d+ over AGE\)/g, 'AGE'],
  // Two controllers of the real cluster that write one Service's slices at a time, now and then.
  [
    /^Events:\n +Type.*\n +----.*\n(?: +Warning +FailedToUpdateEndpoint(?:Slices)? .*\n)+/gm,
    'Events:  <none>\n',
  ],
  // Columns are as wide as their widest cell, which may be an address or a name.
  [/(?<=\S) {2,}/g, '  '],
];

export function normalised(text: string): string {
  const replaced = replacements.reduce((before, [what, by]) => before.replaceAll(what, by), text);
  return generatedSorted(replaced.split('\n')).join('\n');
}

/** Lines about generated names that follow one another come in the order of these names: by chance. */
function generatedSorted(lines: readonly string[]): readonly string[] {
  const sorted: string[] = [];
  let run: string[] = [];
  for (const line of lines) {
    if (line.includes('GENERATED')) {
      run.push(line);
      continue;
    }
    sorted.push(...run.toSorted(), line);
    run = [];
  }
  return [...sorted, ...run.toSorted()];
}
