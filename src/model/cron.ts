/**
 * Schedules of five fields as Argo CD's users write them, which are those of robfig/cron: `5/15` goes on from 5 in steps,
 * `?` is `*`, days of the week are 0 to 6. Source: its documentation. Croner, which finds the times, reads another dialect,
 * so it is given the numbers.
 */
import { Cron } from 'croner';

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Of `min` and what follows. */
  readonly words?: readonly string[];
}

const fields: readonly Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of the month', min: 1, max: 31 },
  {
    name: 'month',
    min: 1,
    max: 12,
    words: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'day of the week', min: 0, max: 6, words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Throws for what is no schedule, and says why. */
function numbersOf(schedule: string): string {
  const written = (descriptors[schedule.trim()] ?? schedule).trim().split(/\s+/);
  if (written.length !== fields.length)
    throw new Error(`"${schedule}" has ${written.length} fields and not ${fields.length}`);
  return fields.map((field, index) => fieldOf(field, written[index]!)).join(' ');
}

function fieldOf(field: Field, text: string): string {
  const parts = text.split(',').filter((part) => part !== '');
  if (parts.length === 0) throw new Error(`"${text}" is no ${field.name}`);
  const ranges = parts.map((part) => rangeOf(field, part));
  // A field that is not limited leaves the other of the two that name days to decide alone.
  if (ranges.includes('*')) return '*';
  return [...new Set(ranges.flat())].join(',');
}

function rangeOf(field: Field, text: string): '*' | readonly number[] {
  const refused = (why: string): Error => new Error(`"${text}" is no ${field.name}: ${why}`);
  const [range = '', step, ...more] = text.split('/');
  const [first = '', last, ...further] = range.split('-');
  if (more.length + further.length > 0) throw refused('it has too many parts');
  const isAny = first === '*' || first === '?';
  if (isAny && last !== undefined) throw refused('* begins no range');
  const number = (word: string): number => {
    const named = field.words?.indexOf(word.toLowerCase()) ?? -1;
    if (named >= 0) return field.min + named;
    const value = /^\d+$/.test(word) ? Number(word) : NaN;
    if (!(value >= field.min && value <= field.max))
      throw refused(`it is to be from ${field.min} to ${field.max}`);
    return value;
  };
  const by = step === undefined ? 1 : /^\d+$/.test(step) ? Number(step) : 0;
  if (by === 0) throw refused('the step is to be 1 or more');
  if (isAny && by === 1) return '*';
  const low = isAny ? field.min : number(first);
  const high = last !== undefined ? number(last) : isAny || step !== undefined ? field.max : low;
  if (high < low) throw refused('the range ends before it begins');
  return Array.from({ length: Math.floor((high - low) / by) + 1 }, (_, index) => low + index * by);
}

const cron = (schedule: string, timeZone: string): Cron =>
  new Cron(numbersOf(schedule), { timezone: timeZone, paused: true, mode: '5-part' });

/** Why a text is not a schedule; undefined where they are one. */
export function cronProblem(schedule: string, timeZone: string): string | undefined {
  try {
    cron(schedule, timeZone).nextRun(new Date(0));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The times of a schedule around a moment, all in milliseconds since 1970; infinitely far where there is none. */
export interface Schedule {
  after(atMs: number): number;
  /** The moment itself counts. */
  before(atMs: number): number;
}
export function scheduleOf(schedule: string, timeZone: string): Schedule {
  const times = cron(schedule, timeZone);
  return {
    after: (atMs) => times.nextRun(new Date(atMs))?.getTime() ?? Infinity,
    // It looks before a whole second: a start that is less than one away has not come.
    before: (atMs) =>
      times.previousRuns(1, new Date(Math.floor(atMs / 1000) * 1000 + 1000))[0]?.getTime() ?? -Infinity,
  };
}
