/** `trueup token …`: bearer tokens of the API that expire. */
import { Option, type Command } from 'commander';
import type { CommandPorts } from '#cli/command.ts';
import { createToken, listTokens, revokeToken } from '#cli/token.ts';
import { systemRandom } from '#host/random.ts';
import { lifetime, output, withCluster, withExample } from './program-options.ts';

const monthMs = 30 * 86_400_000;

export function addToken(root: Command, commandPorts: CommandPorts): void {
  const ports = { ...commandPorts, random: systemRandom };
  const token = withExample(
    root.command('token').description('bearer tokens of the API that expire'),
    'trueup token list',
  );
  withExample(
    withCluster(token.command('create <name>').description('make one, and print it this once')),
    'trueup token create cron --expires 30d',
  )
    .addOption(
      new Option('--expires <duration>', 'for how long it is good: 12h or 30d, at most 366d')
        .argParser(lifetime)
        .default(monthMs, '30d'),
    )
    .action((name: string, { expires, ...options }) =>
      createToken(name, { ...options, expiresMs: expires }, ports),
    );
  withExample(
    withCluster(token.command('list').description('all, and when they expire')),
    'trueup token list',
  )
    .addOption(output('table', 'json'))
    .action((options) => listTokens(options, ports));
  withExample(
    withCluster(token.command('revoke <name>').description('take it back before it expires')),
    'trueup token revoke cron',
  ).action((name: string, options) => revokeToken(name, options, ports));
}
