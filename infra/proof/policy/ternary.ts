/** True, false, or not known (an operator, a value or a rule of AWS that nobody can be sure of). Kleene's strong logic. */
export type Truth = boolean | undefined;

/** Whether both hold. */
export function and(a: Truth, b: Truth): Truth {
  if (a === false || b === false) return false;
  return a === undefined || b === undefined ? undefined : true;
}

/** Whether at least one holds. */
export function or(a: Truth, b: Truth): Truth {
  if (a === true || b === true) return true;
  return a === undefined || b === undefined ? undefined : false;
}

/** The contrary. */
export function not(a: Truth): Truth {
  return a === undefined ? undefined : !a;
}

/** Whether all (`every`) or at least one of `parts` hold, asking no further than it takes. */
export function fold<Part>(parts: readonly Part[], truthOf: (part: Part) => Truth, every: boolean): Truth {
  let result: Truth = every;
  for (const part of parts) {
    result = every ? and(result, truthOf(part)) : or(result, truthOf(part));
    if (result === !every) return result;
  }
  return result;
}
