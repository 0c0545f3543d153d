/** Choices that come out the same for the same seed. */
export interface Random {
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number;
  /** True this often, from 0 to 1. */
  often(share: number): boolean;
  pick<T>(choices: readonly T[]): T;
  /** Up to `most` things. */
  some<T>(most: number, make: () => T): T[];
}

/** Mulberry32: small, and good enough to choose what is sent. */
export function createRandom(seed: number): Random {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    often: (share) => next() < share,
    pick: (choices) => {
      if (choices.length === 0) throw new RangeError('nothing to pick from');
      return choices[below(choices.length)] as (typeof choices)[number];
    },
    some: (most, make) => Array.from({ length: below(most + 1) }, make),
  };
}
