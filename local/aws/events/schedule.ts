import { notImplemented } from '../errors.ts';

const UNITS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
const MINUTE = 60_000;
/** How far ahead a cron expression is looked for: a leap day may be eight years off, nothing here is. */
const HORIZON = 366 * 86_400_000;

/**
 * When a schedule expression fires next after `from` (epoch milliseconds, UTC), with EventBridge's rules for `rate(…)` and
 * `cron(…)`; undefined where it never does within a year.
 * @throws {AwsError} NotImplementedException: what it does not know (`L`, `W`, `#`)
 */
export function nextTime(expression: string, from: number): number | undefined {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (rate !== null) return from + Number(rate[1]) * UNITS[rate[2] as keyof typeof UNITS];
  const cron = /^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$/.exec(expression);
  if (cron === null) throw notImplemented(`the schedule ${expression}`);
  return nextCron(cron.slice(1), from);
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

function nextCron(fields: readonly string[], from: number): number | undefined {
  const [minutes, hours, dates, months, days, years] = [
    matcher(fields[0], 0, 59),
    matcher(fields[1], 0, 23),
    matcher(fields[2], 1, 31),
    matcher(fields[3], 1, 12, MONTHS, 1),
    matcher(fields[4], 1, 7, DAYS, 1),
    matcher(fields[5], 1970, 2199),
  ];
  const dayMatches = (time: Date) =>
    years(time.getUTCFullYear()) &&
    months(time.getUTCMonth() + 1) &&
    dates(time.getUTCDate()) &&
    days(time.getUTCDay() + 1);
  let time = Math.floor(from / MINUTE) * MINUTE + MINUTE;
  while (time < from + HORIZON) {
    const date = new Date(time);
    if (!dayMatches(date)) time = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + 1);
    else if (!hours(date.getUTCHours())) time = Math.floor(time / UNITS.hour) * UNITS.hour + UNITS.hour;
    else if (!minutes(date.getUTCMinutes())) time += MINUTE;
    else return time;
  }
  return undefined;
}

function matcher(
  field = '*',
  min = 0,
  max = 0,
  names: readonly string[] = [],
  first = 0,
): (value: number) => boolean {
  if (field === '*' || field === '?') return () => true;
  const number = (text: string) => {
    const named = names.indexOf(text.toUpperCase());
    const value = named >= 0 ? named + first : Number(text);
    if (!Number.isInteger(value) || value < min || value > max)
      throw notImplemented(`the cron field ${field}`);
    return value;
  };
  const tests = field.split(',').map((part) => {
    const [range = '', step] = part.split('/');
    const [low = '', high] = range.split('-');
    const start = low === '*' ? min : number(low);
    const end = high !== undefined ? number(high) : step !== undefined ? max : start;
    const by = step === undefined ? 1 : Number(step);
    if (!(by >= 1)) throw notImplemented(`the cron field ${field}`);
    return (value: number) => value >= start && value <= end && (value - start) % by === 0;
  });
  return (value) => tests.some((test) => test(value));
}

/** Something that happens on a schedule. */
export interface Scheduled {
  expression: string;
  run(): void;
}

/** Timers can't wait longer than this at one time. */
const LONGEST_WAIT = 2 ** 31 - 1;

/** Runs what is scheduled, until the function it returns is called. What would have happened while nothing ran is not made up for. */
export function startSchedules(schedules: readonly Scheduled[], now: () => number): () => void {
  const timers = new Map<Scheduled, NodeJS.Timeout>();
  const arm = (scheduled: Scheduled, at: number | undefined) => {
    if (at === undefined) return;
    const wait = Math.min(LONGEST_WAIT, Math.max(0, at - now()));
    const timer = setTimeout(() => {
      if (now() < at) {
        arm(scheduled, at);
        return;
      }
      scheduled.run();
      arm(scheduled, nextTime(scheduled.expression, now()));
    }, wait);
    timers.set(scheduled, timer);
  };
  for (const scheduled of schedules) arm(scheduled, nextTime(scheduled.expression, now()));
  return () => {
    for (const timer of timers.values()) clearTimeout(timer);
  };
}
