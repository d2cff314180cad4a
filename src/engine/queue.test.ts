import { describe, expect, it } from 'vitest';
import { systemTimers } from '#host/clock.ts';
import { Queue } from './queue.ts';

/** One at a time; `done` ends the one that runs. */
function queue() {
  const begun: string[] = [];
  let end = (): void => undefined;
  const work = (key: string): Promise<void> => {
    begun.push(key);
    return new Promise((resolve) => (end = resolve));
  };
  const own = new Queue({ concurrency: 1, work, timers: systemTimers, monotonic: () => 0 });
  const done = async (): Promise<void> => {
    end();
    await new Promise(setImmediate);
  };
  return { own, begun, done };
}

describe('the queue', () => {
  it('takes what is urgent first, and never leaves the others behind for good', async () => {
    const { own, begun, done } = queue();
    own.add('first');
    own.add('waiting');
    for (let index = 0; index < 20; index += 1) own.add(`urgent-${index}`, 'urgent');
    for (let index = 0; index < 12; index += 1) await done();
    expect(begun.slice(0, 3)).toEqual(['first', 'urgent-0', 'urgent-1']);
    expect(begun.indexOf('waiting')).toBe(9);
    expect(begun[10]).toBe('urgent-8');
  });
  it('remembers once what comes while it is worked on', async () => {
    const { own, begun, done } = queue();
    own.add('one');
    own.add('one');
    own.add('one', 'urgent');
    await done();
    await done();
    await done();
    expect(begun).toEqual(['one', 'one']);
  });
  it('what was urgent while it was worked on is urgent afterwards', async () => {
    const { own, begun, done } = queue();
    own.add('one');
    own.add('two');
    own.add('one', 'urgent');
    own.add('one');
    await done();
    expect(begun).toEqual(['one', 'one']);
  });
});
