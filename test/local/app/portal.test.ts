import { expect, test } from 'vitest';
import { readWaiting } from '../../../local/app/client-keys.ts';
import type { TrailLine } from '../../../local/aws/trail.ts';

const waits = { code: 'ROTATION_WAITS_FOR_REGISTRATION', client: 'journal', kid: 'new' };
const line = (fields: TrailLine['fields'], kind: TrailLine['kind'] = 'log'): TrailLine => ({
  at: 0,
  kind,
  fields,
});

test('a rotation that waits names the key to register', () => {
  expect(readWaiting(line(waits))).toEqual({ client: 'journal', kid: 'new' });
});

test.each([
  ['another line', line({ ...waits, code: 'KEY_CREATED' })],
  ['a line that no function wrote', line(waits, 'stand-in')],
  ['a line without a kid', line({ ...waits, kid: undefined })],
  ['a line without a client', line({ ...waits, client: 1 })],
])('%s does not', (_, other) => {
  expect(readWaiting(other)).toBeUndefined();
});
