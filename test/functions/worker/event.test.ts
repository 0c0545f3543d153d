import { ZonesError } from '@helseid-zones/protocol/errors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDocumentEvent } from '../../../functions/worker/event.ts';
import { SAMPLE_TEXT } from './sample.ts';

/** The sample of the repository. */
const SAMPLE = SAMPLE_TEXT;

/** The sample with one field, by its path, replaced or (`undefined`) taken away. */
function changed(path: string, value: unknown): string {
  const event = JSON.parse(SAMPLE);
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const place = keys.reduce((at, key) => at[key], event);
  if (value === undefined) delete place[last];
  else place[last] = value;
  return JSON.stringify(event);
}

function refusal(body: string): ZonesError {
  try {
    parseDocumentEvent(body);
  } catch (error) {
    if (error instanceof ZonesError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

test('the sample is taken, its document whole', () => {
  const event = parseDocumentEvent(SAMPLE);
  expect(event).toMatchObject({
    id: '6a7e8feb-b491-4cf7-a9f1-bf3703467718',
    organization: '999977774',
    identifier: { system: 'urn:ietf:rfc:3986', value: 'urn:uuid:0c3d7c1e-52a4-4f6e-9a53-7d1f0b6f2a10' },
  });
  expect(event.document).toEqual(JSON.parse(SAMPLE).detail.document);
});

describe('refused, naming the field', () => {
  test.each<[string, unknown]>([
    ['id', undefined],
    ['id', 'Ola Nordmann'],
    ['detail', 'a string'],
    ['detail.organization', undefined],
    ['detail.organization', '999977775'],
    ['detail.organization', '99997777'],
    ['detail.organization', 999977774],
    ['detail.document.resourceType', 'Patient'],
    ['detail.document.status', 'draft'],
    ['detail.document.content', []],
    ['detail.document.masterIdentifier', undefined],
    ['detail.document.masterIdentifier.value', ''],
    ['detail.document.masterIdentifier.value', 'two|parts'],
    ['detail.document.masterIdentifier.system', 'with space'],
    ['detail.document.masterIdentifier.value', 'half-of-a-pair\ud800'],
    ['detail.document.masterIdentifier.value', 'a\u200bb'],
    ['detail.extra', 'member'],
  ])('%s = %j', (path, value) => {
    const error = refusal(changed(path, value));
    expect(error.code).toBe('event_invalid');
    expect(path.startsWith(String(error.facts['field']))).toBe(true);
  });

  test('with nothing of the document in the message', () => {
    const { message, facts } = refusal(changed('detail.document.masterIdentifier.value', 'Ola|Nordmann'));
    expect(`${message} ${JSON.stringify(facts)}`).not.toContain('Ola');
  });

  test('with no name of an unknown field that could be a value', () => {
    const { message, facts } = refusal(changed('detail.Ola Nordmann', 'x'));
    expect(`${message} ${JSON.stringify(facts)}`).not.toContain('Ola');
    expect(facts['field']).toBe('detail');
  });
});

test('its format may be said, and one of a newer sender is not taken for a wrong event', () => {
  expect(parseDocumentEvent(changed('detail.version', 1))).toEqual(parseDocumentEvent(SAMPLE));
  expect(refusal(changed('detail.version', 2))).toMatchObject({
    code: 'version_unknown',
    message: expect.stringContaining('send it again'),
  });
  for (const version of [0, '2', null])
    expect(refusal(changed('detail.version', version)).code).toBe('event_invalid');
});

test('whatever else comes is event_invalid and nothing else', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
      expect(refusal(body).code).toBe('event_invalid');
    }),
    { numRuns: 300 },
  );
});
