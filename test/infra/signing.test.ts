import { describe, expect, test } from 'vitest';
import system from '../one-client.zones.ts';
import { about, statementsOf, synthesize, text, withZones } from './synthesize.ts';

const assembly = synthesize();
const STACK = 'journal-signing';
const ZONES = ['public', 'internal', 'admin'];

const endpoint = (service: string) => {
  const found = Object.entries(assembly.resources(STACK)).find(([id]) =>
    id.startsWith(`Network${service}endpoint`),
  );
  return found?.[0] ?? '';
};
const signerRole = (zone: string) => assembly.find(STACK, `Signer${zone}journalRole`);

describe('a signer of its own for every grant', () => {
  test('named after client and zone, with a role of the same name', () => {
    const names = assembly
      .ofType('AWS::Lambda::Function', STACK)
      .map(([, f]) => f.Properties['FunctionName']);
    expect(names.sort()).toEqual(ZONES.map((zone) => `journal-signer-journal-${zone}`).sort());
    for (const zone of ZONES)
      expect(signerRole(zone).Properties['RoleName']).toBe(`journal-signer-journal-${zone}`);
  });

  test('with concurrency of its own, ten unless the grant says', () => {
    expect(
      assembly.find(STACK, 'SignerpublicjournalFunction').Properties['ReservedConcurrentExecutions'],
    ).toBe(10);
  });
});

describe('signing (I1, I5)', () => {
  test('is allowed through this endpoint, for digests, with algorithms of the registry', () => {
    for (const zone of ZONES) {
      const [statement, ...others] = about(statementsOf(signerRole(zone)), 'kms:Sign');
      expect(others).toEqual([]);
      expect(text(statement?.Resource)).toBe('arn:aws:kms:<AWS::Region>:<AWS::AccountId>:key/*');
      expect(statement?.Condition).toEqual({
        StringEquals: {
          'aws:SourceVpce': { Ref: endpoint('kms') },
          'kms:MessageType': 'DIGEST',
          'kms:SigningAlgorithm': [
            'ECDSA_SHA_256',
            'ECDSA_SHA_384',
            'ECDSA_SHA_512',
            'RSASSA_PSS_SHA_256',
            'RSASSA_PSS_SHA_384',
            'RSASSA_PSS_SHA_512',
          ],
        },
      });
    }
  });

  test('is denied by the boundary elsewhere and for anything but digests', () => {
    const denied = about(statementsOf(assembly.find(STACK, 'Boundary')), 'kms:Sign').filter(
      (s) => s.Effect === 'Deny',
    );
    expect(denied.map(({ Condition }) => Condition)).toEqual([
      { StringNotEquals: { 'aws:SourceVpce': { Ref: endpoint('kms') } } },
      { StringNotEquals: { 'kms:MessageType': 'DIGEST' } },
    ]);
  });

  test('passes the endpoint for signers only; nothing else passes it but reading public keys', () => {
    const statements = statementsOf(assembly.find(STACK, 'Networkkmsendpoint'));
    expect(statements.map(({ Action, Principal }) => [Action, Principal])).toEqual([
      ['kms:Sign', '*'],
      ['kms:GetPublicKey', '*'],
    ]);
    for (const { Condition } of statements)
      expect(text(Condition?.['ArnLike']?.['aws:PrincipalArn'])).toBe(
        'arn:aws:iam::<AWS::AccountId>:role/journal-signer-*-*',
      );
    expect(statements[0]?.Condition?.['StringEquals']).toEqual({ 'kms:MessageType': 'DIGEST' });
  });
});

describe('client records', () => {
  const record = assembly.find(STACK, 'Recordjournal');

  test('are seeded with a constant, under a key of their own, and stay when the stack goes', () => {
    expect(record.Properties).toMatchObject({
      Name: 'journal/client/journal',
      SecretString: '{"version":1,"keys":[]}',
      KmsKeyId: { 'Fn::GetAtt': [expect.stringMatching(/^RecordKey/), 'Arn'] },
    });
    expect(record.Properties).not.toHaveProperty('GenerateSecretString');
    expect(record.DeletionPolicy).toBe('RetainExceptOnCreate');
  });

  test('are read by the client’s signers through this endpoint, and not written', () => {
    const actions = statementsOf(signerRole('public')).filter(({ Action }) =>
      text(Action).includes('secretsmanager:'),
    );
    expect(actions).toEqual([
      {
        Sid: 'ReadRecord',
        Effect: 'Allow',
        Action: 'secretsmanager:GetSecretValue',
        Resource: { Ref: 'Recordjournal' },
        Condition: { StringEquals: { 'aws:SourceVpce': { Ref: endpoint('secretsmanager') } } },
      },
    ]);
    const through = statementsOf(assembly.find(STACK, 'Networksecretsmanagerendpoint'));
    expect(through).toHaveLength(1);
    expect(through[0]).toMatchObject({
      Action: 'secretsmanager:GetSecretValue',
      Resource: { Ref: 'Recordjournal' },
    });
    expect(text(through[0]?.Condition)).toContain('role/journal-signer-journal-*');
  });

  test('are decrypted by Secrets Manager on behalf of a signer only, for that record', () => {
    const [statement] = about(statementsOf(signerRole('public')), 'kms:Decrypt');
    expect(text(statement?.Resource)).toMatch(/^<RecordKey\w+\.Arn>$/);
    expect(text(statement?.Condition?.['StringEquals']?.['kms:ViaService'])).toBe(
      'secretsmanager.<AWS::Region>.amazonaws.com',
    );
    expect(statement?.Condition?.['ArnLike']).toEqual({
      'kms:EncryptionContext:SecretARN': [{ Ref: 'Recordjournal' }],
    });
  });
});

const sparing = withZones(
  { public: { ...system.zones.public, reservedConcurrency: { summary: 7 }, availabilityZones: 1 } },
  { reservedConcurrency: 'none', signing: { ...system.signing, availabilityZones: 3 } },
);

test('availability zones are the system’s unless the zone, or the signing zone, has its own', () => {
  const subnets = synthesize(sparing)
    .ofType('AWS::EC2::VPCEndpoint')
    .filter(([, { Properties }]) => Properties['VpcEndpointType'] === 'Interface')
    .map(([, { Properties }]) => (Properties['SubnetIds'] as unknown[]).length);
  expect(subnets).toEqual([3, 3, 1, 2, 2, 2, 2]);
});

test('where nothing may be reserved no function reserves, whatever is declared', () => {
  const none = synthesize(sparing);
  const functions = none.ofType('AWS::Lambda::Function');
  expect(functions.length).toBeGreaterThan(10);
  for (const [id, { Properties }] of functions)
    expect(Properties, id).not.toHaveProperty('ReservedConcurrentExecutions');
});

test('the outputs say what to do next', () => {
  const output = assembly.outputs(STACK)['Nextjournal'];
  expect(output).toContain('npm run jwk');
  expect(output).toContain('selvbetjening');
});
