import { describe, expect, it } from 'vitest';
import { cronProblem, scheduleOf } from './cron.ts';

/** The next times after a Thursday. */
function next(schedule: string, count: number): readonly string[] {
  const times = scheduleOf(schedule, 'UTC');
  const found: string[] = [];
  for (let atMs = Date.parse('2026-01-01T00:00:00Z'); found.length < count;) {
    atMs = times.after(atMs);
    found.push(new Date(atMs).toISOString().slice(5, 16));
  }
  return found;
}

describe('a schedule', () => {
  it.each([
    ['5/15 * * * *', ['01-01T00:05', '01-01T00:20', '01-01T00:35', '01-01T00:50', '01-01T01:05']],
    ['10-30/10 6 * * *', ['01-01T06:10', '01-01T06:20', '01-01T06:30', '01-02T06:10']],
    ['0 22 ? * MON-wed', ['01-05T22:00', '01-06T22:00', '01-07T22:00', '01-12T22:00']],
    ['0 0 1 feb,Apr *', ['02-01T00:00', '04-01T00:00']],
    ['0 0 */1 * 5', ['01-02T00:00', '01-09T00:00']],
    ['0 0 13 * 5', ['01-02T00:00', '01-09T00:00', '01-13T00:00']],
    ['0 0 * * 0', ['01-04T00:00', '01-11T00:00']],
    ['@daily', ['01-02T00:00', '01-03T00:00']],
    ['@hourly', ['01-01T01:00', '01-01T02:00']],
    ['@weekly', ['01-04T00:00', '01-11T00:00']],
    ['@monthly', ['02-01T00:00', '03-01T00:00']],
  ])('%s', (schedule, times) => {
    expect(cronProblem(schedule, 'UTC')).toBeUndefined();
    expect(next(schedule, times.length)).toEqual(times);
  });
  it('has not come a moment before it comes, whatever part of a second is left', () => {
    const times = scheduleOf('*/10 * * * *', 'UTC');
    const atMs = Date.parse('2026-01-01T00:10:00Z');
    for (const leftMs of [1, 447, 999, 1000, 1001]) expect(times.before(atMs - leftMs)).toBe(atMs - 600_000);
    for (const sinceMs of [0, 1, 999]) expect(times.before(atMs + sinceMs)).toBe(atMs);
  });
  it('that never comes is one', () => expect(cronProblem('0 0 31 2 *', 'UTC')).toBeUndefined());

  it.each([
    ['0 0 * * 7', /day of the week/],
    ['60 * * * *', /"60" is no minute/],
    ['0 0 0 * *', /day of the month/],
    ['0 0 L * *', /day of the month/],
    ['0 0 * * 5#2', /day of the week/],
    ['*/0 * * * *', /step/],
    ['30-10 * * * *', /range/],
    ['*-5 * * * *', /range/],
    ['0 22 * *', /4 fields/],
    ['0 0 22 * * *', /6 fields/],
    ['@every 1h', /fields/],
    ['@reboot', /fields/],
    ['', /fields/],
    [', * * * *', /minute/],
  ])('%s is none', (schedule, why) => expect(cronProblem(schedule, 'UTC')).toMatch(why));
});
