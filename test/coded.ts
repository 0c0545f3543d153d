import { expect } from 'vitest';

/** An error of ours, as a matcher: its code, and where they are given what its message holds or matches, and its facts. */
export function coded(
  code: string,
  message?: RegExp | string,
  facts?: object,
): ReturnType<typeof expect.objectContaining> {
  const said =
    typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message ?? '');
  return expect.objectContaining({ code, message: said, ...(facts && { facts }) });
}
