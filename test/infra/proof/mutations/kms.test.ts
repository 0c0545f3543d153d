import { expect, test } from 'vitest';
import {
  type AssetMutation,
  adds,
  allow,
  arn,
  type Changeable,
  dropCondition,
  dropStatement,
  each,
  find,
  findingsOf,
  gives,
  mutations,
  PUBLIC,
  ROTATION,
  role,
  SIGNER,
  statementOf,
  withTemplate,
} from '../mutate.ts';
import { oneClient } from '../one-client.ts';

const trust = (principal: Changeable) => ({
  AssumeRolePolicyDocument: {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' }],
  },
});

/** A change to the policy that rotation gives the keys it makes. */
function keyPolicy(name: string, change: (statements: Changeable[]) => void): AssetMutation {
  const edit = (text: string) => {
    const policies = JSON.parse(text) as Record<string, { Statement: Changeable[] }>;
    for (const { Statement } of Object.values(policies)) change(Statement);
    return JSON.stringify(policies);
  };
  return [ROTATION, 'key-policy.json', name, edit];
}

const signing = (statements: Changeable[]) => statements.find(({ Sid }) => Sid === 'Sign') ?? {};

mutations('data-keys-are-closed', {
  'signing: a data key for the whole account': (r) =>
    allow(find(r, 'RecordKey'), 'kms:*', '*', { Principal: { AWS: `arn:aws:iam::000000000000:root` } }),
  'signing: the audit’s key for alarms of any account': (r) =>
    void delete statementOf(find(r, 'LogKey'), 'Alarms').Condition,
  'signing: a data key whose policy another account changes': (r) =>
    allow(find(r, 'RecordKey'), 'kms:PutKeyPolicy', '*', { Principal: { AWS: '111122223333' } }),
  'signing: a data key that a service of anybody disables': (r) =>
    allow(find(r, 'RecordKey'), 'kms:DisableKey', '*', { Principal: { Service: 'events.amazonaws.com' } }),
  ...each(
    ['*', '*.eu-north-1.amazonaws.com', '??*'],
    (services) => `internal: a data key for whatever service ${services} is`,
    (services) => (r) =>
      allow(find(r, 'Key'), ['kms:Decrypt', 'kms:GenerateDataKey'], '*', {
        Principal: { AWS: 'arn:aws:iam::000000000000:root' },
        Condition: { StringLike: { 'kms:ViaService': services } },
      }),
  ),
  'internal: a data key for whoever is a service': (r) =>
    allow(find(r, 'Key'), 'kms:Decrypt', '*', {
      Principal: '*',
      Condition: { Bool: { 'aws:PrincipalIsAWSService': 'true' } },
    }),
  'internal: a data key for CloudFront': (r) =>
    allow(find(r, 'Key'), 'kms:Decrypt', '*', {
      Principal: { Service: 'cloudfront.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceAccount': '000000000000' } },
    }),
  'internal: a data key for a service of anybody': (r) =>
    allow(find(r, 'Key'), 'kms:Decrypt', '*', { Principal: { Service: 'events.amazonaws.com' } }),
});

mutations('keys-are-made-by-rotation', {
  ...each(
    ['kms:KeySpec', 'kms:KeyUsage', 'kms:KeyOrigin', 'aws:RequestTag/helseid-zones:system', 'aws:SourceVpce'],
    (key) => `admin: rotation makes keys whatever their ${key}`,
    (key) => (r) => dropCondition(statementOf(find(r, 'rotationRole'), 'CreateKeys'), 'StringEquals', key),
  ),
  ...each(
    ['Bool', 'BoolIfExists', 'ForAllValues:StringEquals'],
    (operator) => `admin: rotation makes keys without ${operator}`,
    (operator) => (r) => dropCondition(statementOf(find(r, 'Boundaryrotation'), 'CreateKeys'), operator),
  ),
  'admin: the key watch makes keys': gives('keywatch', 'kms:CreateKey'),
});

mutations('keys-are-not-captured', {
  'admin: rotation may re-policy keys': gives('rotation', 'kms:PutKeyPolicy'),
  'admin: rotation may grant': gives('rotation', 'kms:CreateGrant'),
  'admin: rotation may delete keys': gives('rotation', 'kms:ScheduleKeyDeletion'),
  'admin: the key watch may delete keys': gives('keywatch', 'kms:ScheduleKeyDeletion'),
  'signing: a signer may grant': gives(SIGNER, 'kms:CreateGrant'),
  'signing: a signer may replicate': gives(SIGNER, 'kms:ReplicateKey'),
});

mutations('keys-are-switched-by-admin', {
  'admin: the admin zone switches keys of others': (r) =>
    dropCondition(
      statementOf(find(r, 'keywatchRole'), 'SwitchKeys'),
      'StringEquals',
      'aws:ResourceTag/helseid-zones:system',
    ),
});

mutations('keys-do-not-delegate', {}, [
  keyPolicy(
    'keys for the whole account',
    (all) =>
      void all.push({
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::${Account}:root' },
        Action: 'kms:*',
        Resource: '*',
      }),
  ),
  keyPolicy('grants by the account', (all) =>
    Object.assign(all[0] ?? {}, { Action: ['kms:DescribeKey', 'kms:CreateGrant'] }),
  ),
  keyPolicy(
    'keys for another account',
    (all) =>
      void all.push({
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::999999999999:root' },
        Action: 'kms:Sign',
        Resource: '*',
      }),
  ),
]);

mutations('made-keys-are-closed', {
  'admin: the admin zone may sign with keys that name it': (r) =>
    dropStatement(find(r, 'Boundaryrotation'), 'NeverClientKeys'),
});

mutations('own-data-keys-only', {
  'internal: a zone decrypts as it likes': gives('worker', 'kms:Decrypt', arn('kms', 'key/*')),
  'internal: a zone uses its key directly': (r) =>
    dropCondition(statementOf(find(r, 'workerRole'), 'OwnDataKey'), 'StringEquals'),
});

mutations(
  'sign-is-for-signers',
  {
    'public: a zone may sign': gives('summary', 'kms:Sign'),
    'public: a boundary lets a zone sign': (r) => {
      dropStatement(find(r, 'Boundary'), 'NeverClientKeys');
      allow(find(r, 'Boundary'), 'kms:*');
    },
    'public: a role with a signer’s name': adds('AWS::IAM::Role', {
      RoleName: 'journal-signer-journal-more',
      ...trust({ Service: 'lambda.amazonaws.com' }),
    }),
    'internal: an event zone may sign': gives('worker', 'kms:Sign', arn('kms', 'key/*')),
    'internal: a zone may sign with a key by its id': gives('worker', 'kms:Sign', arn('kms', 'key/0f0e0d0c')),
    'admin: rotation may sign': gives('rotation', 'kms:Sign'),
  },
  [
    keyPolicy(
      'keys for every role of the system',
      (all) =>
        void Object.assign(signing(all).Condition as Changeable, {
          ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::${Account}:role/journal-*' },
        }),
    ),
    keyPolicy(
      'keys for a zone’s role',
      (all) =>
        void all.push({
          Effect: 'Allow',
          Principal: { AWS: role('journal-public-summary') },
          Action: 'kms:Sign',
          Resource: '*',
        }),
    ),
  ],
);

mutations(
  'signing-is-bound',
  {
    'signing: the signing zone’s KMS endpoint takes anything to sign': (r) =>
      dropCondition(statementOf(find(r, 'Networkkmsendpoint'), 0), 'StringEquals'),
    ...each(
      ['kms:MessageType', 'aws:SourceVpce', 'kms:SigningAlgorithm'],
      (key) => `signing: a signer’s own policy does not bind ${key}`,
      (key) => (r) => dropCondition(statementOf(find(r, `${SIGNER}Role`), 'Sign'), 'StringEquals', key),
    ),
    'signing: a signer signs with a key by its id, from anywhere': gives(
      SIGNER,
      'kms:Sign',
      arn('kms', 'key/0f0e0d0c'),
    ),
    ...each(
      ['SignHereOnly', 'SignDigestsOnly'],
      (sid) => `signing: the signers’ boundary without ${sid}`,
      (sid) => (r) => dropStatement(find(r, 'Boundary'), sid),
    ),
  },
  ['kms:MessageType', 'aws:SourceVpc', 'kms:SigningAlgorithm'].map((key) =>
    keyPolicy(`keys that do not bind ${key}`, (all) => dropCondition(signing(all), 'StringEquals', key)),
  ),
);

mutations('properties-are-understood', {
  'internal: a signing key in a template': adds('AWS::KMS::Key', {
    KeyUsage: 'SIGN_VERIFY',
    KeySpec: 'ECC_NIST_P256',
    KeyPolicy: { Statement: [] },
  }),
});

test('a policy that another stack puts on a role is found at the role', () => {
  const policy = {
    Type: 'AWS::IAM::Policy',
    Properties: {
      PolicyName: 'more',
      Roles: ['journal-signer-journal-internal'],
      PolicyDocument: { Statement: [{ Effect: 'Allow', Action: 'kms:PutKeyPolicy', Resource: '*' }] },
    },
  };
  const changed = withTemplate(oneClient, PUBLIC, (r) => Object.assign(r, { policy }));
  expect(findingsOf('keys-are-not-captured', changed)).toEqual([
    expect.objectContaining({ resource: expect.stringMatching(/^journal-signing\/Signer-internal/) }),
  ]);
});
