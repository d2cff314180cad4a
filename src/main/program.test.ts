/** What holds for every command: an example in its help, and completion that shells accept. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completionScript, shells } from '#cli/completion.ts';
import { completable } from './completion-program.ts';
import { program } from './program.ts';

const root = program({ release: () => undefined });

function* all(command: Command): Iterable<Command> {
  yield command;
  for (const child of command.commands) yield* all(child);
}
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => void (text += part) });
  command.outputHelp();
  return text;
}
const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;

describe('every command', () => {
  it.each([...all(root)].map((command) => [pathOf(command), command] as const))(
    '%s has an example',
    (words, command) => {
      const [, examples = ''] = helpOf(command).split('\nExample:\n');
      expect(examples).toContain('  trueup ');
      expect(words).not.toBe('');
    },
  );
});

describe('completion', () => {
  let home = '';
  const fileOf = (shell: string): string => path.join(home, `completion.${shell}`);
  beforeAll(() => {
    home = mkdtempSync(path.join(tmpdir(), 'trueup-shell-'));
    for (const [shell, script] of scripts) writeFileSync(fileOf(shell), script);
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  const scripts = new Map(shells.map((shell) => [shell, completionScript(shell, completable(root))]));
  const isThere = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;
  const absent = shells.filter((shell) => !isThere(shell));
  // Elsewhere a shell that is not there is left out; what installs them must have done so.
  it.runIf(process.env['CI'] !== undefined)('the shells are there', () => expect(absent).toEqual([]));

  it.each(shells)('%s: names every command', (shell) => {
    for (const command of all(root))
      if (command !== root) expect(scripts.get(shell)).toContain(command.name());
  });
  it.each(shells.filter(isThere))('%s accepts it', (shell) => {
    const { status, stderr } = spawnSync(shell, ['-n', fileOf(shell)], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
  it.runIf(isThere('bash')).each([
    [['ap'], 'app apply approve'],
    [['app', 'roll'], 'rollback'],
    [['app', 'rollback', '--dr'], '--dry-run'],
    [['get', 'all', '-o', ''], 'table wide name yaml json'],
    [['app', 'list', '-n', 'team', '--all'], '--all-namespaces'],
  ])('bash completes %j', (words, expected) => {
    const typed = words.map((word) => `'${word}'`).join(' ');
    const call = `COMP_WORDS=(trueup ${typed}); COMP_CWORD=${words.length}; _trueup; printf '%s\\n' "\${COMPREPLY[*]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', `${scripts.get('bash')}\n${call}`], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(stdout.trim().split(' ').toSorted()).toEqual(expected.split(' ').toSorted());
  });
  it.runIf(isThere('fish')).each([
    ['ap', ['app', 'apply', 'approve']],
    ['app roll', ['rollback']],
    ['app rollback --dr', ['--dry-run']],
    ['get all -o ', ['json', 'name', 'table', 'wide', 'yaml']],
    ['app list -n team --all', ['--all-namespaces']],
    ['takeover kustomization/apps --y', ['--yes']],
  ])('fish completes %j', (typed, expected) => {
    const { stdout, stderr } = spawnSync(
      'fish',
      ['-c', `source ${fileOf('fish')}; complete -C 'trueup ${typed}'`],
      {
        encoding: 'utf8',
        env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home },
      },
    );
    expect(stderr).toBe('');
    const offered = stdout.trim().split('\n');
    expect(offered.map((line) => line.split('\t')[0]).toSorted()).toEqual(expected);
  });
  /** zsh itself leaves out what does not begin with what was typed, when it adds the matches to its list. */
  it.runIf(isThere('zsh')).each([
    [['ap'], ['app', 'apply', 'completion']],
    [
      ['app', 'roll'],
      ['rollback', 'history'],
    ],
    [
      ['app', 'rollback', '--dr'],
      ['--dry-run', '--reason'],
    ],
    [
      ['get', 'all', '-o', ''],
      ['table', 'wide', 'name', 'yaml', 'json'],
    ],
  ])('zsh completes %j', (words, expected) => {
    const typed = words.map((word) => `'${word}'`).join(' ');
    const call = `compadd() { print -rl -- $matches }; words=(trueup ${typed}); CURRENT=${words.length + 1}; _bash_complete -F _trueup; whence -p ls`;
    const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', `${scripts.get('zsh')}\n${call}`], {
      encoding: 'utf8',
      env: { ...process.env, HOME: home, ZDOTDIR: home },
    });
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(expected));
    expect(stdout).toMatch(/\/ls\n$/);
  });
});
