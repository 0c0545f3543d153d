import { ZonesError } from '@helseid-zones/protocol/errors';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CANARIES } from '../canaries.ts';
import { broken, kind, outcomeOf, refuseLeak, seldom, takeBroken } from './hostile.ts';
import { runKinds } from './in-process.ts';
import { judge } from './judge.ts';
import { isWhole } from './send.ts';

afterEach(() => expect(takeBroken()).toEqual([]));

describe('a case', () => {
  const caught = async (what: () => void) => {
    try {
      what();
    } catch {
      // As code does that lets no failure of a log, a stream or a metric stop it.
    }
  };

  test('comes to what it says, or to a code of ours', async () => {
    expect(await outcomeOf(() => 'signed')).toBe('signed');
    const refused = () => Promise.reject(new ZonesError('grant_refused', 'no'));
    expect(await outcomeOf(refused)).toBe('grant_refused');
  });

  test.each<[string, () => unknown, string]>([
    ['an error that is not ours', () => Object(undefined).a.b, 'undefined'],
    ['a promise that was not kept', () => broken('more than it may'), 'more than it may'],
    ['one that was caught', () => caught(() => broken('more than it may')), 'more than it may'],
    ['a caught leak', () => caught(() => refuseLeak([CANARIES.code], 'a line')), 'a line shows the code'],
    [
      'a leak in an error of ours',
      () =>
        Promise.reject(
          new ZonesError('token_refused', 'no', { facts: { status: 400, error: CANARIES.proof } }),
        ),
      'the error token_refused shows the proof',
    ],
    [
      'one that was caught, before an error of ours',
      () => caught(() => broken('more')).then(() => Promise.reject(new ZonesError('grant_refused', 'no'))),
      'more',
    ],
  ])('fails for %s', async (_, run, message) => {
    await expect(outcomeOf(run)).rejects.toThrow(message);
  });
});

describe('a run of few cases', () => {
  const told = (run: (value: number) => unknown, reached: readonly string[]) => {
    vi.spyOn(console, 'log').mockImplementation(() => {});
    return runKinds(10, 1, undefined, [kind({ name: 'a kind', share: 1, cases: fc.nat(999), run, reached })]);
  };

  test('goes on until every outcome was there, and fails for one that never is', async () => {
    const outcome = (value: number) => (value >= 500 && value < 520 ? 'few' : 'many');
    const { failures: none, ran } = await told(outcome, ['few', 'many']);
    expect(none).toEqual([]);
    expect(ran).toBeGreaterThan(10);
    const { failures } = await told(() => 'many', ['many', 'few']);
    expect(failures).toEqual(['a kind: no case came to few']);
  });

  test('fails for what was not kept once its cases had ended', async () => {
    const later = () => {
      void new Promise(setImmediate).then(() => broken('late')).catch(() => {});
      return 'done';
    };
    expect((await told(later, ['done'])).failures.join()).toContain('late');
  });
});

test('what is seldom is there once in so many', () => {
  const [sample, seed] = [fc.sample(seldom(fc.constant('x'), 8), { numRuns: 4000, seed: 1 }), 'x'];
  const there = sample.filter((each) => each === seed).length / sample.length;
  expect(there).toBeGreaterThan(1 / 10);
  expect(there).toBeLessThan(1 / 6);
});

describe('an answer', () => {
  const head = (type = 'application/problem+json') => `http/1.1 400\r\ncontent-type: ${type}`;
  test.each([
    ['status 500', { status: 500, head: head(), body: '{}' }],
    ['a cookie with 400', { status: 400, head: `${head()}\r\nset-cookie: a=b`, body: '{}' }],
    ['a header out of the request', { status: 200, head: `${head()}\r\nx-fuzz-smuggled: 1`, body: '' }],
    ['the name of a server', { status: 200, head: `${head()}\r\nserver: x`, body: '' }],
    ['a stack trace', { status: 400, head: head(), body: 'Error\n    at run (/a.ts:1:2)' }],
    ['a path of the code', { status: 400, head: head(), body: '/functions/login/begin.ts' }],
    ['credentials', { status: 200, head: head(), body: 'ASIAAAAAAAAAAAAAAAAA' }],
    ['an error of the language', { status: 400, head: head(), body: 'TypeError' }],
    ['a folder or a session of this system', { status: 400, head: head(), body: 'in /tmp/zones' }],
    ['400 that is neither problem+json nor a page', { status: 400, head: head('text/plain'), body: 'no' }],
  ])('is found to have %s', (problem, answer) => {
    expect(judge(answer, ['/tmp/zones'])).toBe(problem);
  });

  test.each([
    { status: 400, head: head(), body: '{"code":"request_malformed"}' },
    { status: 303, head: `http/1.1 303\r\nset-cookie: a=b`, body: '' },
    { status: 400, head: 'http/1.1 400', body: '' },
  ])('is found right: %j', (answer) => {
    expect(judge(answer, ['/tmp/zones'])).toBe(undefined);
  });
});

test.each([
  ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', true],
  ['POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc', true],
  ['POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na\r\n\r\n', true],
  ['POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabc', false],
  ['POST / HTTP/1.1\r\nContent-Length: 3\r\ncontent-length: 1\r\n\r\nabc', false],
  ['POST / HTTP/1.1\r\nContent-Length: x\r\n\r\nabc', false],
  ['POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n', false],
  ['CONNECT / HTTP/1.1\r\n\r\n', false],
  ['GET / HTTP/1.1\r\nHost: a', false],
])('of %j a server has all that it waits for: %s', (text, whole) => {
  expect(isWhole(Buffer.from(text))).toBe(whole);
});
