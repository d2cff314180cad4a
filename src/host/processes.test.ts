import { afterEach, expect, test } from 'vitest';
import type { ProcessRequest } from '#model/ports.ts';
import { systemTimers } from './clock.ts';
import { commandNotFound, openProcesses } from './processes.ts';

const processes = openProcesses(systemTimers);
afterEach(() => processes.close());

function request(script: string, change: Partial<ProcessRequest> = {}): ProcessRequest {
  return {
    command: process.execPath,
    args: ['--input-type=module', '--eval', script],
    env: {},
    timeoutMs: 15_000,
    outputBytesMax: 1024,
    ...change,
  };
}

test('input, output, errors and the exit code', async () => {
  const result = await processes.run(
    request('process.stderr.write("oh"); process.stdin.pipe(process.stdout); process.exitCode = 3;', {
      stdin: Buffer.from('hello'),
    }),
  );
  expect(Buffer.from(result.stdout).toString()).toBe('hello');
  expect(result).toMatchObject({ code: 3, stderr: 'oh', timedOut: false });
});

test('S15: arguments are what they are, and nothing of our environment goes along', async () => {
  const argument = '$(id) `id` ; * "\' \\';
  const result = await processes.run(
    request('process.stdout.write(JSON.stringify([process.argv.slice(1), Object.keys(process.env)]))', {
      args: [
        '--input-type=module',
        '--eval',
        'process.stdout.write(JSON.stringify([process.argv.slice(1), Object.keys(process.env)]))',
        '--',
        argument,
      ],
      env: { ONLY: 'this' },
    }),
  );
  expect(JSON.parse(Buffer.from(result.stdout).toString())).toEqual([[argument], ['ONLY']]);
});

test('a command that is not installed', async () => {
  const result = await processes.run(
    request('', { command: 'no-such-command', env: { PATH: '/nonexistent' } }),
  );
  expect(result).toMatchObject({ code: commandNotFound, timedOut: false });
  const code = await new Promise((resolve) =>
    processes.open({ command: 'no-such-command', args: [], env: {} }).onExit(resolve),
  );
  expect(code).toBe(commandNotFound);
});

test('the deadline ends the whole group, also a grandchild that holds our pipes', async () => {
  const script = `
    import { spawn } from 'node:child_process';
    spawn(process.execPath, ['--eval', 'setInterval(() => 0, 1000)'], { stdio: 'inherit' });
    process.exit(0);`;
  const result = await processes.run(request(script, { timeoutMs: 500 }));
  expect(result).toMatchObject({ code: null, timedOut: true });
});

test('a child that writes without end is ended at the cap', async () => {
  const result = await processes.run(
    request('for (;;) process.stdout.write("x".repeat(1000))', { outputBytesMax: 10_000 }),
  );
  expect(result.code).toBe(null);
  expect(result.timedOut).toBe(false);
  expect(result.stdout.length).toBeLessThanOrEqual(10_000);
  expect(result.stderr).toContain('more than 10000 bytes');
});

test('a channel stays open, and its child ends with it', async () => {
  const channel = processes.open({
    command: process.execPath,
    args: ['--eval', 'process.stdin.on("data", (data) => process.stdout.write(String(data).toUpperCase()))'],
    env: {},
  });
  const answer = () =>
    new Promise<string>((resolve) => channel.onData((data) => resolve(Buffer.from(data).toString())));
  channel.write(Buffer.from('one'));
  expect(await answer()).toBe('ONE');
  const exited = new Promise((resolve) => channel.onExit(resolve));
  channel.end();
  expect(await exited).toBe(0);
  channel.write(Buffer.from('too late'));
  expect(await new Promise((resolve) => channel.onExit(resolve))).toBe(0);
});
