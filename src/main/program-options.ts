/** Options that many commands have, and how their values are written. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Mirror } from '#git/url.ts';
import { parseDuration } from '#model/time.ts';

export const port = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('a port is 0 to 65535');
  return value;
};
export const duration = (text: string): number => {
  const valueMs = parseDuration(text);
  if (valueMs === undefined) throw new InvalidArgumentError('write it as 30s, 5m or 1h');
  return valueMs;
};
/** What lasts is written in days, too. */
export const lifetime = (text: string): number => {
  const [, days] = /^(\d+)d$/.exec(text) ?? [];
  const valueMs = days === undefined ? parseDuration(text) : Number(days) * 86_400_000;
  if (valueMs === undefined) throw new InvalidArgumentError('write it as 12h or 30d');
  return valueMs;
};
const mirror = (text: string, earlier: readonly Mirror[]): readonly Mirror[] => {
  const split = text.indexOf('=');
  if (split <= 0 || split === text.length - 1)
    throw new InvalidArgumentError('write it as FROM=TO, two URL prefixes');
  return [...earlier, { from: text.slice(0, split), to: text.slice(split + 1) }];
};
/** `--exit-code=false`, as argocd has it. */
export const flag = (text: string): boolean => {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('write it as true or false');
  return text === 'true';
};

export const output = (...forms: readonly string[]): Option =>
  new Option('-o, --output <form>', 'form of the result').choices(forms).default(forms[0]);

export function withCluster(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'kubeconfig of the cluster (else $KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context in the kubeconfig')
    .option(
      '-n, --namespace <name>',
      'the control-plane namespace: Applications, argocd-cm, credentials',
      'argocd',
    );
}

export function withMirror(command: Command): Command {
  return command.option(
    '--mirror <from=to>',
    'read repositories under the URL prefix FROM at TO (repeatable)',
    mirror,
    [],
  );
}

export function withTimeout(command: Command): Command {
  return command.addOption(
    new Option('--timeout <duration>', 'how long to wait at most, in seconds or as 5m')
      .argParser(duration)
      .default(300_000, '5m'),
  );
}

export function withSelection(command: Command): Command {
  return command
    .option('-A, --all-namespaces', 'of every namespace')
    .option('-l, --selector <labels>', 'only those with these labels: a=b,c!=d,e in (f,g),h notin (i),j,!k')
    .option('-w, --watch', 'then again each that changes, until interrupted');
}

/** Every command's help ends with calls that can be copied. */
export function withExample(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExample:\n${lines.map((line) => `  ${line}\n`).join('')}`);
}

/** Whether the namespace was typed: kinds that are kept elsewhere are looked for there unless it was. */
export function isNamespaceGiven(command: Command): { readonly isNamespaceGiven: boolean } {
  return { isNamespaceGiven: command.getOptionValueSource('namespace') === 'cli' };
}
