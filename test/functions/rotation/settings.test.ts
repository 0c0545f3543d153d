import { fillKeyPolicy } from '@helseid-zones/protocol/fill-key-policy';
import { describe, expect, test } from 'vitest';
import { readAdminClients } from '../../../functions/rotation/settings.ts';
import { deriveZoneConfig } from '../../../infra/declaration/derive.ts';
import { keyPolicyTemplate } from '../../../infra/render-key-policy.ts';
import { coded } from '../../coded.ts';
import shipped from '../../one-client.zones.ts';

const RECORD = 'arn:aws:secretsmanager:eu-north-1:111122223333:secret:journal/client/journal-AbCdEf';
const files = {
  config: JSON.stringify(deriveZoneConfig(shipped, 'admin', 'rotation')),
  policies: JSON.stringify({
    journal: keyPolicyTemplate({ system: 'journal', client: 'journal', algorithm: 'ES256' }),
  }),
  env: {
    RECORDS: JSON.stringify({ journal: RECORD }),
    SIGNERS: '{"journal":"arn:aws:lambda:eu-north-1:111122223333:function:journal-signer-journal-admin"}',
    SIGNING_VPC: 'vpc-0123',
  } as Record<string, string | undefined>,
};

const read = ({ config, policies, env }: typeof files) => readAdminClients(config, policies, env);

test('what the infrastructure writes is what the functions read', () => {
  const [client] = read(files);
  expect(client).toMatchObject({
    system: 'journal',
    client: 'journal',
    secretArn: RECORD,
    config: { clientId: shipped.clients['journal']?.clientId },
    algorithm: 'ES256',
    everyDays: 60,
    longestTokenLifetime: 3600,
    propagation: 20,
    policyValues: { account: '111122223333', signingVpc: 'vpc-0123' },
  });
  if (!client) throw new Error('no client');
  expect(fillKeyPolicy(client.policy, client.policyValues, 'ES256')).toContain('111122223333');
});

describe('what is missing is named', () => {
  test.each([
    ['config.json', { config: '{}' }],
    ['config.json', { config: 'x' }],
    ['key-policy.json', { policies: '{}' }],
    ['key-policy.json', { policies: 'x' }],
    ['RECORDS', { env: { ...files.env, RECORDS: '{}' } }],
    ['RECORDS', { env: { ...files.env, RECORDS: undefined } }],
    ['RECORDS', { env: { ...files.env, RECORDS: '{"journal":"journal/client/journal"}' } }],
    ['SIGNERS', { env: { ...files.env, SIGNERS: '{"other":"x"}' } }],
    ['SIGNING_VPC', { env: { ...files.env, SIGNING_VPC: 'subnet-1' } }],
  ])('%s', (name, change) => {
    expect(() => read({ ...files, ...change })).toThrow(coded('config_invalid', name));
  });
});
