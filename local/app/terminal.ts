import { ZonesError } from '@helseid-zones/protocol/errors';
import { escapeControls } from '../../infra/terminal.ts';
import type { TrailLine } from '../aws/trail.ts';
import { describeLog } from './page/describe-line.ts';

/**
 * What a function wrote, as a line for a terminal: when, which function, what; a trace, where there is one, below it. Undefined
 * for metrics and for lines that no function wrote. What is logged may come from anywhere: no line breaks but ours.
 */
export function formatLine(line: TrailLine): string | undefined {
  const view = line.kind === 'log' ? describeLog(line) : undefined;
  if (view === undefined) return undefined;
  const time = new Date(view.at).toISOString().slice(11, 19);
  const mark = view.tone === 'refused' ? '!' : ' ';
  const trace = traceOf(line.fields).map((frame) => `\n             ${escapeControls(frame.trim())}`);
  return `${time} ${mark} ${escapeControls(`${view.who}: ${view.what}`)}${trace.join('')}`;
}

/**
 * Puts what functions write where the system was started, a text a line of the trail; until `begin`, while the first keys are
 * made, failures alone.
 */
export function createLinePrinter(print: (text: string) => void) {
  let begun = false;
  return {
    put(line: TrailLine): void {
      const text = begun || isFailure(line) ? formatLine(line) : undefined;
      if (text !== undefined) print(text);
    },
    begin(): void {
      begun = true;
    },
  };
}

/** Whether a function wrote it, of a failure. */
export function isFailure(line: TrailLine): boolean {
  return line.kind === 'log' && describeLog(line)?.tone === 'refused';
}

/** Of an error that the runtime reports, or that the logger was given; none of a coded one, whose message says what to do. */
function traceOf({ trace, error, errorType }: TrailLine['fields']): string[] {
  if (errorType === ZonesError.name) return [];
  const stack = (error as { stack?: unknown } | undefined)?.stack;
  const lines = Array.isArray(trace) ? trace.map(String) : typeof stack === 'string' ? stack.split('\n') : [];
  return lines.slice(1, 12);
}
