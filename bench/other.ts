import { beside, type Part, type Scale } from './figures.ts';

/**
 * One evaluation by this engine and by iam-simulate, over the same random requests in the same run; the engine is to be twenty times
 * as fast. Nothing where the other one is not installed: its licence keeps it out of this project's dependencies
 * (`npm run test:differential` installs it beside its test).
 */
export async function benchOther({ rounds }: Scale): Promise<Part> {
  const { measureSpeed } = await import('../test/differential/speed.ts').catch((error: { code?: string }) => {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return { measureSpeed: undefined };
    throw error;
  });
  if (measureSpeed === undefined)
    return { figures: [], notes: ['`iam-simulate` is not installed: npm --prefix test/differential ci'] };
  const times: { ours: number; theirs: number }[] = [];
  for (let round = 0; round < rounds; round++) times.push(await measureSpeed());
  const peer = ['iam-simulate', times.map(({ theirs }) => theirs)] as const;
  return {
    figures: [
      beside(
        'one evaluation',
        'µs',
        times.map(({ ours }) => ours),
        peer,
        { most: 0.05 },
      ),
    ],
  };
}
