import { describe, expect, test } from 'vitest';
import system from '../one-client.zones.ts';
import { synthesize, synthesizeTemplates, withZones } from './synthesize.ts';

const assembly = synthesize();
const STACK = 'journal-signing';
const ZONES = ['public', 'internal', 'admin'];

// Who signs, reads records and passes endpoints is the proof's to say: signing-is-bound, records-are-read-by-own, own-data-keys-only.
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
});

test('the synth says which quotas a deploy needs', () => {
  expect(assembly.messages(STACK, 'info')).toEqual([
    expect.stringMatching(
      /room for 4 VPCs and 3 Elastic IPs.* have 32 concurrent executions to reserve.*reservedConcurrency: 'none'/,
    ),
  ]);
});

const sparing = withZones(
  { public: { ...system.zones.public, reservedConcurrency: { summary: 7 }, availabilityZones: 1 } },
  { reservedConcurrency: 'none', signing: { ...system.signing, availabilityZones: 3 } },
);

test('availability zones are the system’s unless the zone, or the signing zone, has its own', () => {
  const subnets = synthesizeTemplates(sparing)
    .ofType('AWS::EC2::VPCEndpoint')
    .filter(([, { Properties }]) => Properties['VpcEndpointType'] === 'Interface')
    .map(([, { Properties }]) => (Properties['SubnetIds'] as unknown[]).length);
  expect(subnets).toEqual([3, 3, 1, 2, 2, 2, 2]);
});

test('where nothing may be reserved no function reserves, whatever is declared', () => {
  const none = synthesizeTemplates(sparing);
  const functions = none.ofType('AWS::Lambda::Function');
  expect(functions.length).toBeGreaterThan(10);
  for (const [id, { Properties }] of functions)
    expect(Properties, id).not.toHaveProperty('ReservedConcurrentExecutions');
  expect(none.messages(STACK, 'info')).toEqual([
    expect.stringMatching(/Nothing reserves concurrency.*starve another's signer.*two rotations/),
  ]);
});

test('the outputs say what to do next', () => {
  const output = assembly.outputs(STACK)['Nextjournal'];
  expect(output).toContain('npm run jwk');
  expect(output).toContain('selvbetjening');
});
