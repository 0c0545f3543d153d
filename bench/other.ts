import type { BenchResult } from './result.ts';

/**
 * One evaluation by this engine and by iam-simulate, over the same random requests in the same run; the engine is to be twenty times
 * as fast. Nothing where the other one is not installed: its licence keeps it out of this project's dependencies
 * (`npm run test:differential` installs it beside its test).
 */
export async function benchOther(): Promise<BenchResult[]> {
  const { measureSpeed } = await import('../test/differential/speed.ts').catch((error: { code?: string }) => {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return { measureSpeed: undefined };
    throw error;
  });
  if (measureSpeed === undefined) return [];
  const { ours, theirs } = await measureSpeed();
  return [
    { name: 'one evaluation', value: ours, unit: 'µs' },
    { name: 'one evaluation by iam-simulate', value: theirs, unit: 'µs' },
    { name: 'times as fast', value: theirs / ours, unit: '×' },
  ];
}
