import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, objectOf, parseJson } from '../../../infra/proof/assembly/json.ts';
import { appendLine } from '../state.ts';
import type { Trail } from '../trail.ts';

/** Where the lines of a function go. */
export interface FunctionLog {
  /** Name of the log stream, as on CloudWatch Logs. */
  stream: string;
  /** In that trace, unless the line names one itself. */
  line(text: string, trace?: string): void;
}

/**
 * The local CloudWatch Logs: each line is appended to `<directory>/<function>.log` and put on the trail, as JSON where it
 * is JSON. Does not keep log groups, retention or the permissions to write: on AWS those are the template's.
 */
export function createLogs(directory: string, trail: Trail) {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return (of: { name: string; zone?: string | undefined }, stream: string): FunctionLog => ({
    stream,
    line(text, given) {
      appendLine(join(directory, `${of.name}.log`), text);
      const value = parseJson(text);
      // A line that only looks like JSON stays text.
      const fields = isObject(value) ? value : { message: text };
      const { xray_trace_id: trace } = objectOf(value);
      trail.add({
        kind: 'log',
        function: of.name,
        zone: of.zone,
        // A process writes for many requests: the line says for which, or the process, not where it is read.
        trace: typeof trace === 'string' ? trace : given,
        fields,
      });
    },
  });
}
