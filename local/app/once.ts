import { table } from '../../infra/terminal.ts';
import { describeLog } from './page/describe-line.ts';
import type { Step, StepResult } from './steps/facts.ts';
import type { LocalSystem } from './system.ts';
import { isFailure } from './terminal.ts';

/** What `--once` did. */
interface OnceReport {
  /** Whether steps ran and all passed. */
  ok: boolean;
  /** Milliseconds from the start of the process until everything ran. */
  ready_ms: number;
  steps: StepResult[];
}

/** A step that the running declaration has nothing for. The shipped one has something for each but those about routes with `authorize: 'helseid'`. */
type SkippedStep = { name: string; why: string };

/**
 * Runs the steps that fit the declaration, one after the other, telling `say` which; one that fails does not keep the others from running. It is not
 * `ok` where none fits.
 */
export async function runSteps(system: LocalSystem, steps: readonly Step[], say?: (what: string) => void) {
  const results: StepResult[] = [];
  const skipped: SkippedStep[] = [];
  for (const step of steps) {
    const why = step.unfit(system);
    if (why === undefined) say?.(step.name);
    const result = why === undefined ? await runStep(system, step) : { name: step.name, why };
    if ('why' in result) skipped.push(result);
    else results.push(result);
  }
  return { ok: results.length > 0 && results.every(({ ok }) => ok), steps: results, skipped };
}

async function runStep(system: LocalSystem, { name, run }: Step): Promise<StepResult | SkippedStep> {
  const began = performance.now();
  const since = Date.now();
  const ms = () => Math.round(performance.now() - began);
  try {
    const detail = await run(system);
    return { name, ok: true, ms: ms(), detail };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    if (cause instanceof Error && cause.name === 'StepUnfit') return { name, why };
    return { name, ok: false, ms: ms(), detail: [why, ...failuresAfter(system, since)].join('; ') };
  }
}

/** Most of what functions wrote that a step which failed repeats. */
const MOST_SAID = 3;

/** What functions have written of failures since a place on the trail: why a step failed, mostly. */
function failuresAfter({ trail }: LocalSystem, began: number): string[] {
  return trail
    .lines()
    .filter((line) => line.at >= began && isFailure(line))
    .slice(-MOST_SAID)
    .flatMap((line) => describeLog(line) ?? [])
    .map(({ who, what }) => `${who} wrote: ${what}`);
}

/** The report as a table for people. */
export function formatReport({ ok, ready_ms, steps }: OnceReport, skipped: readonly SkippedStep[] = []) {
  const rows = [
    ...steps.map((step) => [step.ok ? 'ok' : 'FAILED', step.name, `${step.ms} ms`, step.detail]),
    ...skipped.map(({ name, why }) => ['-', name, '', `not with this declaration: ${why}`]),
  ];
  const failed = steps.filter((step) => !step.ok).length;
  const verdict = ok ? `All ${steps.length} steps passed.` : `${failed} of ${steps.length} steps failed.`;
  return [
    `Ready after ${(ready_ms / 1000).toFixed(1)} s.\n`,
    table(rows, Number.MAX_SAFE_INTEGER),
    `\n${steps.length === 0 ? 'No step fits this declaration.' : verdict}`,
  ].join('\n');
}
