import { describe, expect, it } from 'vitest';
import { AwsError } from '../../../local/aws/errors.ts';
import { createAsyncInvocations } from '../../../local/aws/lambda/async.ts';
import type { FunctionPool, RunnableFunction } from '../../../local/aws/runtime/pool.ts';
import { createTrail } from '../../../local/aws/trail.ts';

const of: RunnableFunction = {
  name: 'f',
  arn: 'arn',
  codeDirectory: '',
  environment: {},
  timeout: 1,
  memory: 1,
};

/** Invocations whose first `failures` tries fail; resolves `done` after so many tries. */
function start(failures: number, tries: number, fail: () => Promise<never> | { functionError: 'Unhandled' }) {
  const trail = createTrail(Date.now);
  const done = Promise.withResolvers<void>();
  let tried = 0;
  const pool = {
    async invoke() {
      tried += 1;
      if (tried === tries) done.resolve();
      return tried <= failures ? fail() : {};
    },
  } as unknown as FunctionPool;
  const invocations = createAsyncInvocations(pool, trail, [0, 0]);
  return { invocations, trail, done: done.promise, tried: () => tried };
}

const failed = () => ({ functionError: 'Unhandled' }) as const;
const throttled = () => Promise.reject(new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429));

describe('an asynchronous invocation', () => {
  it.each([
    ['fails', failed],
    ['is throttled', throttled],
  ])('is tried again when it %s', async (_, fail) => {
    const { invocations, done, tried } = start(1, 2, fail);
    invocations.enqueue(of, Buffer.from('{}'));
    await done;
    expect(tried()).toBe(2);
  });

  it('is given up after the third try, and the trail says so', async () => {
    const { invocations, trail, tried } = start(9, 3, failed);
    const givenUp = new Promise<void>((resolve) =>
      trail.subscribe(({ fields }) => fields['outcome'] === 'given up' && resolve()),
    );
    invocations.enqueue(of, Buffer.from('{}'));
    await givenUp;
    expect(tried()).toBe(3);
  });

  it('that waits for its next try is lost at the end, and the trail says so', async () => {
    const trail = createTrail(Date.now);
    const waits = new Promise<void>((resolve) =>
      trail.subscribe(({ fields }) => fields['outcome'] === 'tried again' && resolve()),
    );
    const pool = { invoke: async () => failed() } as unknown as FunctionPool;
    const invocations = createAsyncInvocations(pool, trail, [60_000]);
    invocations.enqueue(of, Buffer.from('{}'));
    await waits;
    invocations.close();
    expect(trail.lines().at(-1)?.fields).toMatchObject({ outcome: 'lost' });
  });
});
