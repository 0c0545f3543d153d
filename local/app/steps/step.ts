import type { TrailLine } from '../../aws/trail.ts';
import type { LocalSystem } from '../system.ts';

/** One step of the whole job. */
export interface Step {
  name: string;
  /** Why the step does not fit a declaration; undefined where it does. */
  unfit(system: LocalSystem): string | undefined;
  /** Does the step and resolves to what it saw, in a line; throws where that is not what must be. */
  run(system: LocalSystem): Promise<string>;
}

/** How a step went, as `--json` prints it. */
export interface StepResult {
  name: string;
  ok: boolean;
  /** Milliseconds. */
  ms: number;
  detail: string;
}

/** A step that did not see what it must. */
export function stepFailed(what: string): Error {
  return Object.assign(new Error(what), { name: 'StepFailed' });
}

/** Throws {@link stepFailed} unless `holds`. */
export function assert(holds: boolean, what: string): asserts holds {
  if (!holds) throw stepFailed(what);
}

/** The lines of the trail while something is done, beside what it resolves to. */
export async function linesDuring<T>({ trail }: Pick<LocalSystem, 'trail'>, run: () => Promise<T>) {
  const lines: TrailLine[] = [];
  const result = await run().finally(trail.subscribe((line) => lines.push(line)));
  return { lines, result };
}
