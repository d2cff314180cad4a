/** docs/guide/command-line.md has a section for every command with all of its options, and no option that is none. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { withCluster } from '../../src/main/program-options.ts';
import { program } from '../../src/main/program.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/guide/command-line.md'), 'utf8');
const sections = page
  .split(/^## /m)
  .slice(1)
  .map((text) => {
    const [heading = '', ...body] = text.split('\n');
    // An option of the heading stands for itself.
    return { heading, text: `${heading.replaceAll(/ (-\S+)/g, ' `$1`')}\n${body.join('\n')}` };
  });

const root = program({ release: () => undefined });
const leaves = (command: Command, words: readonly string[] = []): readonly (readonly [string, Command])[] =>
  command.commands.length === 0
    ? [[words.join(' '), command]]
    : command.commands.flatMap((child) => leaves(child, [...words, child.name()]));
const commands = new Map(leaves(root));

/** `trueup diff WHAT, app diff NAME`: what people are given stands in capitals, and is no part of the name. */
const commandsOf = (heading: string): readonly string[] =>
  heading.startsWith('trueup ')
    ? heading.split(/, | and /).map((part) =>
        part
          .replace('trueup ', '')
          .split(' ')
          .filter((word) => /^[a-z-]+$/.test(word) && !word.startsWith('-'))
          .join(' '),
      )
    : [];
const sectionOf = (name: string) => sections.filter(({ heading }) => commandsOf(heading).includes(name));

const clusterOptions = withCluster(root.createCommand('any')).options;
const isOfCluster = (option: Option): boolean =>
  clusterOptions.some(
    ({ flags, description }) => flags === option.flags && description === option.description,
  );
const namesOf = ({ short, long }: Option): readonly string[] =>
  [short, long].filter((name): name is string => typeof name === 'string');
/** `-o`, `--output`: wherever code is, alone or with a value behind it. */
const flagsIn = (text: string): readonly string[] =>
  [...text.matchAll(/`(--?[a-z][a-z-]*)/gi)].map(([, name = '']) => name);

/** `table|wide|json` */
const wordsInCode = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]*)`/g)].flatMap(([, code = '']) => code.split(/[^\w-]+/));

describe('the page of the command line', () => {
  it.each([...commands])(
    '%s has one section, with its options, their choices and its other name',
    (name, command) => {
      const found = sectionOf(name);
      expect(found.map(({ heading }) => heading)).toHaveLength(1);
      const { text } = found[0]!;
      const said = new Set(flagsIn(text));
      const options = command.options.filter((option) => !isOfCluster(option) && option.long !== '--version');
      expect(
        options.filter((option) => !namesOf(option).some((one) => said.has(one))).map(({ flags }) => flags),
      ).toEqual([]);
      for (const { argChoices = [] } of options)
        expect(wordsInCode(text)).toEqual(expect.arrayContaining(argChoices));
      for (const alias of command.aliases()) expect(text).toContain(`\`${alias}\``);
    },
  );

  it.each(
    sections
      .filter(({ heading }) => commandsOf(heading).length > 0)
      .map(({ heading, text }) => [heading, text]),
  )('%s: the command exists, and each option is one of it', (heading = '', text = '') => {
    const names = commandsOf(heading);
    expect(names.filter((name) => !commands.has(name))).toEqual([]);
    const known = names.flatMap((name) => [...commands.get(name)!.options, ...root.options].flatMap(namesOf));
    expect(flagsIn(text).filter((flag) => ![...known, '--help'].includes(flag))).toEqual([]);
  });

  it('has the options of all that speak to a cluster, once', () => {
    const text = sections.find(({ heading }) => heading.startsWith('Options of every command'))?.text ?? '';
    expect(flagsIn(text).toSorted()).toEqual(
      expect.arrayContaining(clusterOptions.flatMap(namesOf).toSorted()),
    );
    for (const [name, command] of commands)
      if (!command.options.some(isOfCluster)) expect(text).toContain(`\`${name}\``);
  });

  it('has a row for every exit code', () => {
    const text = sections.find(({ heading }) => heading === 'Exit codes')?.text ?? '';
    const rows = [...text.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
    expect(rows).toEqual(Object.values(exitCodes));
  });
});
