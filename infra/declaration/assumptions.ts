import type { SystemDeclaration } from './schema.ts';

/** Something that the declaration says and no template shows: the proof holds if it is so. */
export interface Assumption {
  /** What it is of: `other stack`, `caller`. With `name` it is an assumption's own. */
  kind: 'other stack' | 'caller';
  name: string;
  /** Path of the field that says it. */
  field: string;
  /** What is taken for granted, as a sentence without its full stop. */
  assumes: string;
}

/** What a declaration takes for granted, in its own order; nothing for one that names nothing outside. Expects a validated declaration. */
export function assumptionsOf({ otherStacks, zones }: SystemDeclaration): Assumption[] {
  const stacks = otherStacks.map((name, index) => ({
    ...{ kind: 'other stack' as const, name, field: `otherStacks[${index}]` },
    assumes:
      'somebody else’s; it reaches the system by nothing that its template does not name, and its roles do no more to it than write log lines and make network interfaces',
  }));
  const callers = Object.entries(zones).flatMap(([zone, { callers }]) =>
    callers.map(({ role, calls }, index) => ({
      ...{
        kind: 'caller' as const,
        name: role,
        field: `zones.${zone}.callers[${index}]`,
        assumes: CALLS[calls](zone),
      },
    })),
  );
  return [...stacks, ...callers];
}

/** What is taken for granted of a caller, by what it calls. */
const CALLS = {
  signers: (zone: string) =>
    `only what may have signed what zone ${zone} may takes this role, and runs in the zone’s network without leading elsewhere`,
  tokens: (zone: string) =>
    `only what may call the APIs that zone ${zone} may takes this role, and runs in the zone’s network without leading elsewhere`,
  entry: (zone: string) => `only what may call the routes of zone ${zone} takes this role`,
} as const;
