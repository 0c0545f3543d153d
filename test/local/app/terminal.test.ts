import { expect, test } from 'vitest';
import { createLinePrinter, formatLine } from '../../../local/app/terminal.ts';

const at = Date.parse('2026-01-02T03:04:05Z');
const wrote = (fields: Record<string, unknown>) =>
  formatLine({ at, kind: 'log', function: 'journal-public-summary', fields });

test('a line of a function says when, who and what', () => {
  expect(wrote({ level: 'INFO', code: 'signed', kind: 'dpop_proof' })).toBe(
    '03:04:05   journal-public-summary: signed, kind dpop_proof',
  );
});

test('a failure is marked, with the field that an event lacks', () => {
  const failed = {
    level: 'FATAL',
    code: 'document.failed',
    reason: 'event_invalid',
    field: 'detail.document',
  };
  expect(wrote(failed)).toBe(
    '03:04:05 ! journal-public-summary: document.failed, reason event_invalid, field detail.document',
  );
  expect(wrote({ level: 'FATAL', code: 'ROTATION_STEP_FAILED' })).toMatch(/ ! .*ROTATION_STEP_FAILED$/);
});

test('what a handler throws has its trace, and what it comes of', () => {
  const thrown = {
    errorType: 'TypeError',
    errorMessage: 'fetch failed',
    cause: 'getaddrinfo ENOTFOUND x.no',
  };
  expect(wrote(thrown)).toMatch(/TypeError: fetch failed: getaddrinfo ENOTFOUND x\.no$/);
  const trace = ['TypeError: no', '    at a (functions/summary/handler.ts:1:2)', '    at b (x.ts:3:4)'];
  expect(wrote({ errorType: 'TypeError', errorMessage: 'no', trace })?.split('\n')).toEqual([
    '03:04:05 ! journal-public-summary: TypeError: no',
    '             at a (functions/summary/handler.ts:1:2)',
    '             at b (x.ts:3:4)',
  ]);
  const logged = wrote({ level: 'ERROR', message: 'failed', error: { stack: trace.join('\n') } });
  expect(logged).toMatch(/^03:04:05 ! journal-public-summary: failed\n {13}at a /);
});

test('what tells by itself what to do has none', () => {
  const trace = ['ZonesError: give it a grant', '    at a (functions/summary/handler.ts:1:2)'];
  expect(wrote({ errorType: 'ZonesError', errorMessage: 'give it a grant', trace })).toBe(
    '03:04:05 ! journal-public-summary: ZonesError: give it a grant',
  );
});

test('nothing that a line holds moves the cursor or rings the bell', () => {
  const text = wrote({ message: 'a\u001b[2J\u0007b\r\nc', reason: '\u009b31m' });
  expect(text).toBe(
    '03:04:05   journal-public-summary: a\\u001b[2J\\u0007b\\u000d\\u000ac, reason \\u009b31m',
  );
});

test('until the system runs, failures alone', () => {
  const printed: string[] = [];
  const lines = createLinePrinter((text) => printed.push(text));
  const put = (code: string) => lines.put({ at, kind: 'log', function: 'rotation', fields: { code } });
  put('KEY_CREATED');
  put('ROTATION_STEP_FAILED');
  lines.begin();
  put('signed');
  expect(printed.map((text) => text.split(': ')[1])).toEqual(['ROTATION_STEP_FAILED', 'signed']);
});

test('metrics, and what no function wrote, are no lines', () => {
  expect(wrote({ _aws: {} })).toBeUndefined();
  expect(formatLine({ at, kind: 'aws', fields: { message: 'x' } })).toBeUndefined();
});
