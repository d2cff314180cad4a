/**
 * Which files a Flux source leaves out: rules in the form of `.gitignore`, of which the last that matches decides. Those
 * of a `.sourceignore` file are for its directory; Flux's own come first, so that every other may overrule them.
 */
import { parseGlob, type Glob } from '#model/glob.ts';

export interface IgnoreRules {
  /** The directory that they are for; empty for the root. */
  readonly directory: string;
  readonly text: string;
}

/** What Flux leaves out by itself: nothing of it is for Kubernetes. */
const usual: IgnoreRules = {
  directory: '',
  text: [
    '.git/',
    '.github/',
    '.circleci/',
    '.travis.yml',
    '.gitlab-ci.yml',
    'appveyor.yml',
    '.drone.yml',
    'cloudbuild.yaml',
    'codeship-services.yml',
    'codeship-steps.yml',
    '*.jpg',
    '*.jpeg',
    '*.gif',
    '*.png',
    '*.wmv',
    '*.flv',
    '*.tar.gz',
    '*.zip',
    '.goreleaser.yml',
    '.goreleaser.yaml',
    '.sops.yaml',
    '.flux.yaml',
  ].join('\n'),
};

type Part = Glob | '**';
interface Rule {
  readonly directory: readonly string[];
  readonly parts: readonly Part[];
  readonly onlyDirectories: boolean;
  readonly includes: boolean;
}

const rulesMax = 2000;

/** Whether a file, by its path from the root, is left out. */
export function ignorer(sets: readonly IgnoreRules[]): (path: string) => boolean {
  const rules = [usual, ...sets].flatMap(parseRules).slice(0, rulesMax).toReversed();
  return (path) => {
    const names = path.split('/');
    const decisive = rules.find((rule) => concerns(rule, names));
    return decisive !== undefined && !decisive.includes;
  };
}

function parseRules({ directory, text }: IgnoreRules): readonly Rule[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const trimmed = line.replace(/(?<!\\)\s+$/, '');
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    const includes = trimmed.startsWith('!');
    const pattern = (includes ? trimmed.slice(1) : trimmed).replace(/^\\(?=[#!])/, '');
    const bare = pattern.replace(/\/$/, '').replace(/^\//, '');
    // A pattern without a slash is for every directory below.
    const isAnchored = pattern.startsWith('/') || bare.includes('/');
    const parts = [...(isAnchored ? [] : ['**']), ...bare.split('/')].map(partOf);
    if (parts.includes(undefined)) return [];
    return [
      {
        directory: directory === '' ? [] : directory.split('/'),
        parts: parts as readonly Part[],
        onlyDirectories: pattern.endsWith('/'),
        includes,
      },
    ];
  });
}

function partOf(text: string): Part | undefined {
  // Braces are nothing special here.
  return text === '**' ? '**' : parseGlob(text.replaceAll(/[{}]/g, '\\$&'));
}

/** It matches the file, or a directory in which the file is. */
function concerns({ directory, parts, onlyDirectories }: Rule, names: readonly string[]): boolean {
  if (directory.some((name, index) => names[index] !== name)) return false;
  const below = names.slice(directory.length);
  for (let length = 1; length <= below.length; length += 1) {
    const isFile = length === below.length;
    if (!(isFile && onlyDirectories) && matches(parts, below.slice(0, length))) return true;
  }
  return false;
}

/** Goes through the names once for each part, whatever the pattern (F23). */
function matches(parts: readonly Part[], names: readonly string[]): boolean {
  let ends: readonly number[] = [0];
  for (const part of parts) {
    ends =
      part === '**'
        ? names
            .keys()
            .toArray()
            .concat(names.length)
            .filter((at) => at >= (ends[0] ?? Infinity))
        : ends.flatMap((at) => (at < names.length && part.matches(names[at]!) ? [at + 1] : []));
  }
  return ends.includes(names.length);
}
