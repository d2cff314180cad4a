/** How git is started: by a vector, with an environment that is ours alone (S15). */
import type { Clock, Meter, ProcessChannel, Processes, ProcessResult, ProcessStream } from '#model/ports.ts';

export interface GitCall {
  /** The bare repository it works in; absent for what needs none. */
  readonly gitDir?: string;
  readonly args: readonly string[];
  /** Further configuration. It may hold secrets: it goes by the environment, never by the vector (S14). */
  readonly config?: readonly (readonly [key: string, value: string])[];
  readonly stdin?: string;
  /** Instead of `stdin`, where it is no text. */
  readonly input?: Uint8Array;
  readonly timeoutMs: number;
  readonly outputBytesMax?: number;
  /** Whether it may talk to a server at all. Nothing local ever waits for the network (F12). */
  readonly network?: boolean;
  /** Variables of the child that name files of ours; they go before what is inherited. */
  readonly named?: Readonly<Record<string, string>>;
  /** How ssh is started, where it may be. */
  readonly ssh?: string;
  readonly trace?: boolean;
}

export interface GitTools {
  readonly processes: Processes;
  readonly clock: Clock;
  readonly meter: Meter;
  /** What the child inherits: PATH, proxies, certificate stores. */
  readonly environment: Readonly<Record<string, string>>;
  /** The data directory, which is also where git believes its home to be: no .netrc is there. */
  readonly dir: string;
}

/** Harmless flaws of old histories, which servers have long accepted; submodule files are never acted on. */
export const toleratedFlaws = [
  'badTimezone',
  'gitmodulesLarge',
  'gitmodulesMissing',
  'gitmodulesParse',
  'missingEmail',
  'missingNameBeforeEmail',
  'missingSpaceBeforeDate',
  'missingSpaceBeforeEmail',
  'zeroPaddedDate',
  'zeroPaddedFilemode',
] as const;

const hardening: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.askPass', ''],
  ['credential.helper', ''],
  ['fetch.recurseSubmodules', 'false'],
  // No housekeeping behind our back: repository.ts does it, under its lock.
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['protocol.version', '2'],
  ['transfer.fsckObjects', 'true'],
  ...toleratedFlaws.map((flaw) => [`fetch.fsck.${flaw}`, 'ignore'] as const),
];

const defaultOutputBytesMax = 256 * 1024 * 1024;

export async function runGit(tools: GitTools, call: GitCall): Promise<ProcessResult> {
  const started = tools.clock.monotonic();
  const result = await tools.processes.run({
    command: 'git',
    args: call.args,
    env: environmentOf(tools, call),
    ...(call.gitDir !== undefined && { cwd: call.gitDir }),
    ...(call.stdin !== undefined && { stdin: Buffer.from(call.stdin, 'utf8') }),
    ...(call.input !== undefined && { stdin: call.input }),
    timeoutMs: call.timeoutMs,
    outputBytesMax: call.outputBytesMax ?? defaultOutputBytesMax,
  });
  const command = call.args[0] ?? 'git';
  tools.meter.count('trueup_git_commands_total', { command, result: result.code === 0 ? 'ok' : 'failed' });
  tools.meter.observe('trueup_git_command_seconds', (tools.clock.monotonic() - started) / 1000, { command });
  return result;
}

export function openGit(tools: GitTools, call: Pick<GitCall, 'gitDir' | 'args'>): ProcessChannel {
  return tools.processes.open({
    command: 'git',
    args: call.args,
    env: environmentOf(tools, call),
    ...(call.gitDir !== undefined && { cwd: call.gitDir }),
  });
}

export interface GitStreamCall extends Pick<GitCall, 'args' | 'config' | 'timeoutMs'> {
  /** What this command reads besides: the variables of the Common Gateway Interface. */
  readonly variables: Readonly<Record<string, string>>;
  readonly input?: AsyncIterable<Uint8Array>;
}

export function streamGit(tools: GitTools, call: GitStreamCall): ProcessStream {
  return tools.processes.stream({
    command: 'git',
    args: call.args,
    env: { ...call.variables, ...environmentOf(tools, call) },
    cwd: tools.dir,
    timeoutMs: call.timeoutMs,
    ...(call.input !== undefined && { input: call.input }),
  });
}

function environmentOf(
  tools: GitTools,
  call: Pick<GitCall, 'gitDir' | 'config' | 'network' | 'named' | 'ssh' | 'trace'>,
): Readonly<Record<string, string>> {
  const env: Record<string, string> = {
    ...tools.environment,
    ...call.named,
    LC_ALL: 'C',
    HOME: tools.dir,
    GIT_ALLOW_PROTOCOL: call.network !== true ? '' : call.ssh === undefined ? 'http:https:file' : 'ssh',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
  };
  // Naming the repository outright also spares us its discovery, and the refusal of a volume's foreign owner.
  if (call.gitDir !== undefined) env['GIT_DIR'] = call.gitDir;
  if (call.ssh !== undefined) env['GIT_SSH_COMMAND'] = call.ssh;
  if (call.trace === true) {
    env['GIT_TRACE_CURL'] = '2';
    env['GIT_TRACE_CURL_NO_DATA'] = '1';
    env['GIT_TRACE_REDACT'] = '1';
  }
  const config = [...hardening, ...(call.config ?? [])];
  env['GIT_CONFIG_COUNT'] = String(config.length);
  config.forEach(([key, value], index) => {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  return env;
}
