import { afterEach, describe, expect, test } from 'vitest';
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

test('F12: a child that somebody kills ends, also where a grandchild holds our pipes', async () => {
  const script = `
    import { spawn } from 'node:child_process';
    spawn(process.execPath, ['--eval', 'setInterval(() => 0, 1000)'], { stdio: 'inherit' });
    process.kill(process.pid, 'SIGKILL');`;
  const result = await processes.run(request(script, { timeoutMs: 15_000 }));
  expect(result).toMatchObject({ code: null, timedOut: false });
  expect(result.stderr).toContain('ended by SIGKILL');
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

describe('a stream', () => {
  const stream = (script: string, change: Partial<Parameters<typeof processes.stream>[0]> = {}) =>
    processes.stream({
      command: process.execPath,
      args: ['--input-type=module', '--eval', script],
      env: {},
      timeoutMs: 15_000,
      ...change,
    });
  const sizeOf = async (output: AsyncIterable<Uint8Array>): Promise<number> => {
    let sizeBytes = 0;
    for await (const part of output) sizeBytes += part.length;
    return sizeBytes;
  };
  async function* parts(count: number): AsyncIterable<Uint8Array> {
    for (let part = 0; part < count; part += 1) yield new Uint8Array(64 * 1024);
  }

  test('flows through in both directions, more than anybody keeps', async () => {
    const { output, ended } = stream('process.stdin.pipe(process.stdout)', { input: parts(400) });
    expect(await sizeOf(output)).toBe(400 * 64 * 1024);
    expect(await ended).toEqual({ code: 0, stderr: '', timedOut: false });
  });

  test('its input is read to the end when the child has left', async () => {
    let isRead = false;
    const read = async function* (): AsyncIterable<Uint8Array> {
      yield* parts(400);
      isRead = true;
    };
    const { output, ended } = stream('process.exit(3)', { input: read() });
    expect(await sizeOf(output)).toBe(0);
    expect((await ended).code).toBe(3);
    await expect.poll(() => isRead).toBe(true);
  });

  test('an input that breaks off ends the child', async () => {
    const broken = async function* (): AsyncIterable<Uint8Array> {
      yield* parts(1);
      throw new Error('gone');
    };
    const { output, ended } = stream('setInterval(() => 0, 1000)', { input: broken() });
    expect(await sizeOf(output)).toBe(0);
    expect(await ended).toMatchObject({ code: null, timedOut: false });
    expect((await ended).stderr).toContain('its input broke off: Error: gone');
  });

  test('who stops reading ends the child', async () => {
    const { output, ended } = stream('for (;;) process.stdout.write("x".repeat(1000))');
    for await (const part of output) if (part.length > 0) break;
    expect((await ended).code).toBeNull();
  });

  test('the deadline ends it, and it can be ended before', async () => {
    const slow = stream('setInterval(() => 0, 1000)', { timeoutMs: 300 });
    expect(await sizeOf(slow.output)).toBe(0);
    expect(await slow.ended).toMatchObject({ code: null, timedOut: true });
    const told = stream('setInterval(() => 0, 1000)');
    told.kill();
    expect(await sizeOf(told.output)).toBe(0);
    expect(await told.ended).toMatchObject({ code: null, timedOut: false });
    told.kill();
  });

  test('of a command that is not installed', async () => {
    const { output, ended } = stream('', { command: 'no-such-command', env: { PATH: '/nonexistent' } });
    expect(await sizeOf(output)).toBe(0);
    expect(await ended).toMatchObject({ code: commandNotFound, timedOut: false });
  });
});
