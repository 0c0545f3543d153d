import { expect, test } from 'vitest';
import { listen } from '../../../local/aws/http.ts';
import { currentTrace, inTrace } from '../../../local/aws/trace.ts';
import { createTrail } from '../../../local/aws/trail.ts';

const ROOT = `1-00000001-${'a'.repeat(24)}`;

test('the lines of a request have its trace, others none, and one that a line names goes first', async () => {
  const trail = createTrail(() => 0);
  trail.add({ kind: 'aws', fields: {} });
  await inTrace(`Root=${ROOT};Sampled=0`, 0, async () => {
    await Promise.resolve();
    trail.add({ kind: 'aws', fields: {} });
    trail.add({ kind: 'log', fields: {}, trace: 'other' });
    trail.add({ kind: 'log', fields: {}, trace: undefined });
  });
  expect(trail.lines().map(({ trace }) => trace)).toEqual([undefined, ROOT, 'other', undefined]);
});

test('a listener answers each request in the trace of its header, or in a new one', async () => {
  const { url, close } = await listen((_, response) => response.end(currentTrace()));
  const ask = async (headers: Record<string, string>) => (await fetch(url, { headers })).text();
  const [named, ...made] = await Promise.all([
    ask({ 'x-amzn-trace-id': `Root=${ROOT}` }),
    ask({ 'x-amzn-trace-id': 'Root=<script>' }),
    ask({}),
  ]);
  expect(named).toBe(ROOT);
  for (const trace of made) expect(trace).toMatch(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/);
  expect(new Set(made).size).toBe(2);
  await close();
});
