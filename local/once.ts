import { type Step, type StepResult, stepFailed } from './steps/step.ts';
import type { LocalSystem } from './system.ts';

/** What `--once` did. */
export interface OnceReport {
  ok: boolean;
  /** Milliseconds from the start of the process until everything ran. */
  ready_ms: number;
  steps: StepResult[];
}

/** Runs the steps one after the other; one that fails does not keep the others from running. */
export async function runSteps(system: LocalSystem, steps: readonly Step[]): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const step of steps) results.push(await runStep(system, step));
  return results;
}

async function runStep(system: LocalSystem, step: Step): Promise<StepResult> {
  const began = performance.now();
  const done = (ok: boolean, detail: string): StepResult => ({
    name: step.name,
    ok,
    ms: Math.round(performance.now() - began),
    detail,
  });
  try {
    const unfit = step.unfit?.(system);
    if (unfit !== undefined) throw stepFailed(`does not fit the declaration: ${unfit}`);
    return done(true, await step.run(system));
  } catch (cause) {
    return done(false, cause instanceof Error ? cause.message : String(cause));
  }
}

/** The report as a table for people. */
export function formatReport({ ok, ready_ms, steps }: OnceReport): string {
  const width = Math.max(...steps.map(({ name }) => name.length));
  const rows = steps.map((step) =>
    [step.ok ? 'ok    ' : 'FAILED', step.name.padEnd(width), `${step.ms} ms`.padStart(8), step.detail].join(
      '  ',
    ),
  );
  const failed = steps.filter((step) => !step.ok).length;
  const summary = ok ? `All ${steps.length} steps passed.` : `${failed} of ${steps.length} steps failed.`;
  return [`Ready after ${(ready_ms / 1000).toFixed(1)} s.`, '', ...rows, '', summary].join('\n');
}
