/** docs/reference/embedded-cluster.md names every kind that the embedded cluster serves as it is served, and no other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { allVerbs, builtInResources } from '#embedded/resources.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/reference/embedded-cluster.md'), 'utf8');
const codes = (text: string): readonly string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);

it('has a row for each kind, in the order in which they are served', () => {
  const [, section = ''] = page.split('\n### Kinds\n');
  const rows = [...section.split('\n### ')[0]!.matchAll(/^\| `.*\|$/gm)].map(([row]) => {
    const [version = '', kind, names = '', scope, subresources = '', fields = ''] = row
      .split('|')
      .slice(1)
      .map((cell) => cell.trim());
    return {
      version: codes(version)[0],
      kind,
      names: codes(names),
      scope,
      subresources: codes(subresources),
      fields: codes(fields),
    };
  });
  expect(rows).toEqual(
    builtInResources.map(
      ({ group, version, kind, name, shortNames, namespaced, subresources, selectable }) => ({
        version: group === '' ? version : `${group}/${version}`,
        kind,
        names: [name, ...shortNames],
        scope: namespaced ? 'namespace' : 'cluster',
        subresources,
        fields: selectable,
      }),
    ),
  );
});

it('names the verbs that all of them have', () => {
  const [, sentence = ''] = /All have the verbs ([^.]*)\./.exec(page) ?? [];
  expect(codes(sentence)).toEqual(allVerbs);
});
