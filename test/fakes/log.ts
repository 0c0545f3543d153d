import { createLog, type Log } from '@helseid-zones/client/log';
import { watch } from '../canaries.ts';

/** A log whose lines can be read: the functions' own, which writes here instead of to standard output. `now` is in epoch milliseconds. */
export function collectLog(now = () => 1_800_000_000_000): Log & { lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const source = { service: 'journal', zone: 'public', env: {}, now };
  return {
    ...createLog({
      ...source,
      write: (line) => void lines.push(JSON.parse(watch(line, 'a line of the log'))),
    }),
    lines,
  };
}

/** What `collectLog` writes into every line of the audit. */
export const AUDIT_LINE = {
  level: 'FATAL',
  timestamp: '2027-01-15T08:00:00.000Z',
  service: 'journal',
  zone: 'public',
};
