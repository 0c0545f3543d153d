import { notImplemented } from '../errors.ts';

const MINUTE = 60_000;
const UNITS = { minute: 1, hour: 60, day: 1440 } as const;
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/**
 * Whether a schedule expression fires in the minute that begins at `minute`, with EventBridge's rules for `cron(…)` in UTC and for
 * `rate(…)` since `began`. Times are epoch milliseconds.
 * @throws {AwsError} NotImplementedException: what it does not know (`L`, `W`, `#`)
 */
export function isDue(expression: string, minute: number, began: number): boolean {
  const [, every, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (every !== undefined) {
    const passed = Math.round((minute - began) / MINUTE);
    return passed > 0 && passed % (Number(every) * UNITS[unit as keyof typeof UNITS]) === 0;
  }
  const [, ...fields] = /^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$/.exec(expression) ?? [];
  if (fields.length === 0) throw notImplemented(`the schedule ${expression}`);
  const date = new Date(minute);
  const parts: [value: number, first: number, names?: readonly string[]][] = [
    [date.getUTCMinutes(), 0],
    [date.getUTCHours(), 0],
    [date.getUTCDate(), 1],
    [date.getUTCMonth() + 1, 1, MONTHS],
    [date.getUTCDay() + 1, 1, DAYS],
    [date.getUTCFullYear(), 1970],
  ];
  // Each field is read, so that one that is not known is refused whatever the time is.
  return parts.map((part, index) => fits(fields[index] ?? '*', ...part)).every(Boolean);
}

function fits(field: string, value: number, first: number, names: readonly string[] = []): boolean {
  const number = (text: string) => (names.includes(text) ? names.indexOf(text) + first : Number(text));
  const tests = field.split(',').map((part) => {
    const [range = '', step] = part.split('/');
    const [low = '', high] = range.split('-');
    const any = low === '*' || low === '?';
    const [start, by] = [any ? first : number(low), Number(step ?? 1)];
    const open = any || step !== undefined ? Number.POSITIVE_INFINITY : start;
    const end = high === undefined ? open : number(high);
    if (!(start >= first && end >= start && by >= 1)) throw notImplemented(`the cron field ${field}`);
    return value >= start && value <= end && (value - start) % by === 0;
  });
  return tests.includes(true);
}

/** Something that happens on a schedule. */
export type Scheduled = { expression: string; run(): void };

/**
 * Runs what is scheduled, until the function it returns is called. What would have happened while nothing ran is not made up for.
 * @throws {AwsError} NotImplementedException: an expression that it does not know
 */
export function startSchedules(schedules: readonly Scheduled[], now: () => number): () => void {
  const minuteOf = (time: number) => Math.floor(time / MINUTE) * MINUTE;
  const began = minuteOf(now());
  for (const { expression } of schedules) isDue(expression, began, began);
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    const next = minuteOf(now()) + MINUTE;
    timer = setTimeout(() => {
      for (const { expression, run } of schedules) if (isDue(expression, next, began)) run();
      wait();
    }, next - now());
  };
  if (schedules.length > 0) wait();
  return () => clearTimeout(timer);
}
