/** One thing that is wrong with a declaration. */
export interface Problem {
  /** Path of the field, e.g. `zones.public.grants[0].apis[0].api`. */
  field: string;
  /** What is wrong and what would be right. */
  message: string;
}

type Said = string | false | null | undefined;

/** The problems of a table: by the path of a field what is wrong with it, one message or several; nothing stands for what is right. */
export function problemsOf(fields: Readonly<Record<string, Said | readonly Said[]>>): Problem[] {
  return Object.entries(fields).flatMap(([field, said]) =>
    [said].flat().flatMap((message) => (message ? [{ field, message }] : [])),
  );
}

/** Elements that are equal to an earlier one, by index. */
export const repeated = <T>(list: readonly T[]): number[] =>
  list.flatMap((item, index) => (list.indexOf(item) < index ? [index] : []));

/** The entry of that name, not something every object inherits. */
export const ownEntry = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** Says of a name that is not declared which are; nothing of one that is. */
export function undeclared(name: string, what: string, known: Readonly<Record<string, unknown>>) {
  const names = Object.keys(known).join(', ') || 'none';
  return (
    !Object.hasOwn(known, name) && `names the ${what} ${name}, which is not declared; declared are: ${names}`
  );
}
