/** git for tests, deaf to the settings of whoever runs them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export async function gitAt(directory: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execute('git', [...args], {
    cwd: directory,
    env: cleanEnvironment(),
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout.trim();
}

export function cleanEnvironment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Ada Lovelace',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada Lovelace',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  };
}
