import { describe, expect, test } from 'vitest';
import { readArn } from '../../../functions/common/environment.ts';
import { wireApi } from '../../../functions/common/zone-client.ts';
import { deriveZoneConfig } from '../../../infra/declaration/derive.ts';
import system from '../../one-client.zones.ts';

const CONFIG = JSON.stringify(deriveZoneConfig(system, 'internal', 'worker'));
const ENV = {
  AWS_REGION: 'eu-north-1',
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'secret',
  SIGNERS: '{"journal":"arn:aws:lambda:eu-north-1:111122223333:function:journal-signer-journal-internal"}',
};

test('a function gets its API, and the client that calls it', () => {
  const { api, client, zone } = wireApi(CONFIG, ENV, 'documents');
  expect(api.baseUrl).toBe('https://documents.example.no/fhir');
  expect(client).toMatchObject({ name: 'journal', issuer: 'https://helseid-sts.test.nhn.no' });
  expect(zone).toBe('internal');
});

describe('what is missing is named', () => {
  test.each<[string, object, string, RegExp]>([
    ['an API the zone has no grant for', {}, 'summaries', /apis\.summaries.*zones\.ts/],
    ['no signers', { SIGNERS: '' }, 'documents', /SIGNERS/],
    ['another client’s signer only', { SIGNERS: '{"other":"arn"}' }, 'documents', /SIGNERS\.journal/],
    ['no signer at all', { SIGNERS: '{}' }, 'documents', /SIGNERS\.journal/],
    ['signers that are no JSON', { SIGNERS: 'journal' }, 'documents', /SIGNERS/],
    ['signers that are no object', { SIGNERS: 'null' }, 'documents', /SIGNERS/],
    ['no region', { AWS_REGION: undefined }, 'documents', /AWS_REGION/],
  ])('%s', (_, change, name, message) => {
    const wire = () => wireApi(CONFIG, { ...ENV, ...change }, name);
    expect(wire).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    expect(wire).toThrow(message);
  });
});

test('a client called like something every object inherits has no signer', () => {
  for (const client of ['constructor', '__proto__'])
    expect(() => readArn(ENV, 'SIGNERS', client)).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
});
