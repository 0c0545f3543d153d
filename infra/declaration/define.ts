import type { SystemDeclaration } from './types.ts';
import { validateSystem } from './validate.ts';

/** Types and validates a declaration. Throws `ZonesError` `declaration_invalid`, naming every field that is wrong and what would be right. */
export function defineSystem<const T extends SystemDeclaration>(declaration: T): T {
  validateSystem(declaration);
  return declaration;
}
