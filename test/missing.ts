/** The exit code of a check that could not be run here, or not all of it: as Automake has it, neither 0 nor that of a failure. */
export const NOT_RUN = 77;

/** Says what a check, or a part of one, lacks here; the program ends with {@link NOT_RUN} if nothing fails. */
export function reportMissing(name: string, missing: string): void {
  console.log(`NOT RUN  ${name}: ${missing}`);
  process.exitCode ??= NOT_RUN;
}
