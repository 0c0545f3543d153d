import { collect, type Problem } from '../problem.ts';
import type { SystemDeclaration } from '../types.ts';

/** An exception from the boundary proof says why, in words that can be judged. */
export function checkExceptions(system: SystemDeclaration): Problem[] {
  return collect((unless) => {
    for (const [index, { resource, reason }] of (system.exceptions ?? []).entries()) {
      const at = `exceptions[${index}]`;
      unless(
        reason.replace(/[^\p{L}\p{N}]+/gu, ' ').trim().length >= 15,
        `${at}.reason`,
        'must be a sentence that says why; it is printed every time',
      );
      unless(
        resource !== '*' && resource !== '/*',
        `${at}.resource`,
        'excepts everything; name a construct path, or a prefix of one ending in /*',
      );
    }
  });
}
