import type { Figure, Scale } from './figures.ts';

/**
 * One evaluation by this engine and by iam-simulate, over the same random requests in the same run; the engine is to be twenty times
 * as fast. Nothing where the other one is not installed: its licence keeps it out of this project's dependencies
 * (`npm run test:differential` installs it beside its test).
 */
export async function benchOther({ rounds }: Scale): Promise<Figure[]> {
  const { measureSpeed } = await import('../test/differential/speed.ts').catch((error: { code?: string }) => {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return { measureSpeed: undefined };
    throw error;
  });
  if (measureSpeed === undefined)
    return [
      {
        what: 'one evaluation',
        unit: 'µs',
        here: [],
        peer: ['iam-simulate, npm --prefix test/differential ci: missing', []],
      },
    ];
  const times: Awaited<ReturnType<typeof measureSpeed>>[] = [];
  for (let round = 0; round < rounds; round++) times.push(await measureSpeed());
  const peer = ['iam-simulate', times.map(({ theirs }) => theirs)] as const;
  return [
    {
      what: 'one evaluation',
      unit: 'µs',
      here: times.map(({ ours }) => ours),
      peer,
      target: ['ratio', 'most', 0.05],
    },
  ];
}
