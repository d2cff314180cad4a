/** What holds for every command: an example in its help, and completion that shells accept. */
import { spawnSync } from 'node:child_process';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
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
    (path, command) => {
      const [, examples = ''] = helpOf(command).split('\nExample:\n');
      expect(examples).toContain('  trueup ');
      expect(path).not.toBe('');
    },
  );
});

describe('completion', () => {
  const scripts = new Map(shells.map((shell) => [shell, completionScript(shell, completable(root))]));
  const isThere = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

  it.each(shells)('%s: names every command', (shell) => {
    for (const command of all(root))
      if (command !== root) expect(scripts.get(shell)).toContain(command.name());
  });
  it.each(shells.filter(isThere))('%s accepts it', (shell) => {
    const { status, stderr } = spawnSync(shell, ['-n'], { input: scripts.get(shell), encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
  it.runIf(isThere('bash')).each([
    [['ap'], 'app apply'],
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
});
