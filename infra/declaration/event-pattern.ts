import type { FunctionDeclaration } from './schema.ts';

/** A rule of a zone's bus. */
export type EventRule = { name: string } & NonNullable<FunctionDeclaration['events']>;

/** The pattern of a rule, as EventBridge has it. */
export function eventPatternOf({ sources, detailTypes, detail }: Omit<EventRule, 'name'>) {
  return { source: sources, 'detail-type': detailTypes, ...(detail ? { detail } : {}) };
}

/** Whether an event is of a pattern that is made of values and fields alone, as those of {@link eventPatternOf} are. */
export function isOfPattern(event: unknown, pattern: object): boolean {
  if (Array.isArray(pattern)) return [event].flat().some((value) => pattern.includes(value));
  const given = new Map(Object.entries(event ?? {}));
  return Object.entries(pattern).every(([field, expected]) => isOfPattern(given.get(field), expected));
}
