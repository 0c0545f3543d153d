import type { SystemDeclaration } from './schema.ts';

/** Something that the declaration says and no template shows: the proof holds if it is so. */
export interface Assumption {
  /** What it is of: `other stack`. With `name` it is an assumption's own. */
  kind: 'other stack';
  name: string;
  /** Path of the field that says it. */
  field: string;
  /** What is taken for granted, as a sentence without its full stop. */
  assumes: string;
}

/** What a declaration takes for granted, in its own order; nothing for one that names nothing outside. Expects a validated declaration. */
export function assumptionsOf({ otherStacks }: SystemDeclaration): Assumption[] {
  return otherStacks.map((name, index) => ({
    ...{ kind: 'other stack' as const, name, field: `otherStacks[${index}]` },
    assumes:
      'somebody else’s; it reaches the system by nothing that its template does not name, and its roles do no more to it than write log lines and make network interfaces',
  }));
}
