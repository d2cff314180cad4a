/** Sync windows: which of them is in the way, for whom, and until when. */
import { describe, expect, it } from 'vitest';
import type { SyncWindow } from '#model/unit.ts';
import { judgeWindows } from './windows.ts';

const at = (text: string): number => Date.parse(text);
const hourMs = 3_600_000;
const window = (kind: SyncWindow['kind'], schedule: string, more: Partial<SyncWindow> = {}): SyncWindow => ({
  kind,
  schedule,
  durationMs: hourMs,
  timeZone: 'UTC',
  manualSync: false,
  of: 'AppProject payments',
  ...more,
});
const night = window('deny', '0 22 * * *');
const morning = window('allow', '0 8 * * *');
const inNight = at('2026-03-02T22:30:00Z');
const inMorning = at('2026-03-02T08:30:00Z');

describe('a sync by itself', () => {
  it.each<[string, readonly SyncWindow[], number, boolean]>([
    ['no window: always', [], inNight, true],
    ['a deny window that is open', [night], inNight, false],
    ['its first moment', [night], at('2026-03-02T22:00:00Z'), false],
    ['its last is not in it', [night], at('2026-03-02T23:00:00Z'), true],
    ['a deny window that is not open', [night], inMorning, true],
    ['an allow window that is open', [morning], inMorning, true],
    ['an allow window that is not open', [morning], inNight, false],
    ['deny goes before allow', [window('allow', '0 22 * * *'), night], inNight, false],
    ['one of several that allow', [morning, window('allow', '0 22 * * *')], inNight, true],
    [
      'a deny window elsewhere does not open what allow closes',
      [night, morning],
      at('2026-03-02T12:00:00Z'),
      false,
    ],
  ])('%s', (_, windows, nowMs, open) => {
    expect(judgeWindows(windows, nowMs, false).open).toBe(open);
  });
});

describe('what a person asks for', () => {
  const lenient = { manualSync: true };
  it.each<[string, readonly SyncWindow[], boolean]>([
    ['is denied as well', [night], false],
    ['passes where the window lets it', [window('deny', '0 22 * * *', lenient)], true],
    ['only if all that deny let it', [night, window('deny', '0 22 * * *', lenient)], false],
    ['passes a closed allow window that lets it', [window('allow', '0 8 * * *', lenient)], true],
    ['only if all that allow let it', [morning, window('allow', '0 9 * * *', lenient)], false],
  ])('%s', (_, windows, open) => {
    expect(judgeWindows(windows, inNight, true).open).toBe(open);
  });
});

describe('until when', () => {
  it('names the window, whose it is, and its end', () => {
    expect(judgeWindows([night], inNight, false)).toEqual({
      open: false,
      why: 'the deny window "0 22 * * *" (1 h, UTC) of AppProject payments denies syncs until 2026-03-02T23:00:00Z',
      untilMs: at('2026-03-02T23:00:00Z'),
    });
  });
  it('an allow window: its next start', () => {
    expect(judgeWindows([morning], inNight, false)).toMatchObject({
      why: expect.stringContaining('not before 2026-03-03T08:00:00Z'),
      untilMs: at('2026-03-03T08:00:00Z'),
    });
  });
  it('starts that overlap prolong it', () => {
    const long = window('deny', '0 22,23 * * *', { durationMs: 1.5 * hourMs });
    expect(judgeWindows([long], inNight, false)).toMatchObject({ untilMs: at('2026-03-03T00:30:00Z') });
  });
  it('a schedule that never comes never opens, and sets no timer', () => {
    const never = window('allow', '0 0 31 2 *');
    expect(judgeWindows([never], inNight, false)).toMatchObject({ open: false, untilMs: Infinity });
  });
  it('a long window with a start every minute is judged at once', () => {
    const always = window('deny', '* * * * *', { durationMs: 90 * 24 * hourMs });
    expect(judgeWindows([always], inNight, false).open).toBe(false);
  });
});

describe('time zones', () => {
  const berlin = window('deny', '0 22 * * *', { timeZone: 'Europe/Berlin' });
  it('in winter and in summer', () => {
    expect(judgeWindows([berlin], at('2026-01-10T21:30:00Z'), false).open).toBe(false);
    expect(judgeWindows([berlin], at('2026-07-10T21:30:00Z'), false).open).toBe(true);
    expect(judgeWindows([berlin], at('2026-07-10T20:30:00Z'), false).open).toBe(false);
  });
  it('across the night when clocks go forward', () => {
    const across = window('deny', '30 1 * * *', { timeZone: 'Europe/Berlin', durationMs: 2 * hourMs });
    // 01:30 CET is 00:30Z; two hours later it is 02:30Z, which is 04:30 CEST.
    expect(judgeWindows([across], at('2026-03-29T02:29:00Z'), false).open).toBe(false);
    expect(judgeWindows([across], at('2026-03-29T02:31:00Z'), false).open).toBe(true);
  });
});
