import type { LocalSystem } from '../system.ts';

/** One step of the whole job. */
export interface Step {
  name: string;
  /** Why the step does not fit a declaration; undefined where it does. */
  unfit?(system: LocalSystem): string | undefined;
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
