import { arn, find, gives, mutations, SIGNER, sets, statementOf } from '../mutate.ts';

mutations('records-are-bare', {
  'admin: a rotation by another function': sets(
    'KeyRotationjournal',
    { RotationLambdaARN: arn('lambda', 'function:journal-admin-key-watch') },
    'RotationSchedule',
  ),
  'signing: a record that a deploy overwrites': sets('Recordjournal', { SecretString: '{}' }),
  'signing: a record that goes with its stack': (r) => {
    find(r, 'Recordjournal').DeletionPolicy = 'Delete';
  },
  'signing: a record whose key goes with the stack': (r) => {
    find(r, 'RecordKey').DeletionPolicy = 'Delete';
  },
});

mutations('records-are-kept-by-admin', {
  'internal: a zone writes records': gives('worker', 'secretsmanager:PutSecretValue'),
  'public: a zone rotates with another function': gives('summary', 'secretsmanager:RotateSecret'),
  'admin: rotation starts rotations': gives('rotation', 'secretsmanager:RotateSecret'),
  'admin: rotation opens records': gives('rotation', 'secretsmanager:PutResourcePolicy'),
  'admin: the key watch replicates records': gives('keywatch', 'secretsmanager:ReplicateSecretToRegions'),
});

mutations('records-are-read-by-own', {
  'public: a zone reads records': gives('summary', 'secretsmanager:GetSecretValue'),
  'signing: a signer reads every secret': gives(SIGNER, 'secretsmanager:GetSecretValue'),
  'signing: the signing zone’s endpoint leads to every secret': (r) =>
    void Object.assign(statementOf(find(r, 'Networksecretsmanagerendpoint'), 0), { Resource: '*' }),
});
