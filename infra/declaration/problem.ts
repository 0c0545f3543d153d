/** One thing that is wrong with a declaration. */
export interface Problem {
  /** Path of the field, e.g. `zones.public.grants[0].apis[0].api`. */
  field: string;
  /** What is wrong and what would be right. */
  message: string;
}

/** Collects the problems of one check: `unless(right, field, message)` notes one where `right` is false. */
export type Unless = (right: boolean, field: string, message: string) => void;

/** Runs a check that reports through {@link Unless}. */
export function collect(check: (unless: Unless) => void): Problem[] {
  const problems: Problem[] = [];
  check((right, field, message) => {
    if (!right) problems.push({ field, message });
  });
  return problems;
}

/** Elements that are equal to an earlier one, by index. */
export function repeated<T>(list: readonly T[]): number[] {
  return list.flatMap((item, index) => (list.indexOf(item) < index ? [index] : []));
}

/** The entry of that name, not something every object inherits. */
export function ownEntry<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Says that a name is not declared and which are. */
export function undeclared(name: string, what: string, known: Readonly<Record<string, unknown>>): string {
  return `names the ${what} ${name}, which is not declared; declared are: ${Object.keys(known).join(', ') || 'none'}`;
}
