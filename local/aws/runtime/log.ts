import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Trail } from '../trail.ts';

/** Where the lines of a function go. */
export interface FunctionLog {
  /** Name of the log stream, as on CloudWatch Logs. */
  stream: string;
  line(text: string): void;
}

/**
 * The local CloudWatch Logs: each line is appended to `<directory>/<function>.log` and put on the trail, as JSON where it
 * is JSON. Does not keep log groups, retention or the permissions to write: on AWS those are the template's.
 */
export function createLogs(directory: string, trail: Trail) {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return (of: { name: string; zone?: string }, stream: string): FunctionLog => ({
    stream,
    line(text) {
      appendFileSync(join(directory, `${of.name}.log`), `${text}\n`, { mode: 0o600 });
      const fields = parseLine(text);
      const { xray_trace_id: trace } = fields;
      trail.add({
        kind: 'log',
        function: of.name,
        ...(of.zone === undefined ? {} : { zone: of.zone }),
        // A process writes for many requests: the line says for which, not where it is read.
        trace: typeof trace === 'string' ? trace : undefined,
        fields,
      });
    },
  });
}

function parseLine(text: string): Record<string, unknown> {
  if (text.startsWith('{')) {
    try {
      return JSON.parse(text) as Record<string, unknown>;
    } catch {
      // a line that only looks like JSON stays text
    }
  }
  return { message: text };
}
