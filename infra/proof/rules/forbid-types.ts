import type { Invariant, Rule } from './rule.ts';

/** A rule that some resource types are not used. */
export interface ForbiddenTypes {
  name: string;
  invariant: Invariant;
  title: string;
  /** What each does. A name that ends in `::*` means every type that begins so. */
  types: Readonly<Record<string, string>>;
  remedy: string;
}

/** A {@link Rule} with the types that it knows. */
export interface TypeRule extends Rule {
  /** Whether the rule is about `type`. */
  knows(type: string): boolean;
}

/** The rule that none of some resource types is used. */
export function forbidTypes({ name, invariant, title, types, remedy }: ForbiddenTypes): TypeRule {
  const families = Object.entries(types).filter(([type]) => type.endsWith('*'));
  const meaning = (type: string) =>
    Object.hasOwn(types, type)
      ? types[type]
      : families.find(([family]) => type.startsWith(family.slice(0, -1)))?.[1];
  return {
    ...{ name, invariant, title },
    knows: (type) => meaning(type) !== undefined,
    check: ({ assembly }) =>
      assembly.resources.flatMap(({ type, constructPath, stack }) => {
        const does = meaning(type);
        if (does === undefined) return [];
        return [
          {
            resource: constructPath,
            message: `${type} ${does}.`,
            path: [stack, constructPath, does],
            remedy,
          },
        ];
      }),
  };
}
