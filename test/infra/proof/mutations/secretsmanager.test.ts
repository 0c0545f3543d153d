import {
  ADMIN,
  find,
  gives,
  INTERNAL,
  mutations,
  PUBLIC,
  SIGNER,
  SIGNING,
  sets,
  statementOf,
} from '../mutate.ts';

mutations('records-are-bare', 'I1', {
  [SIGNING]: {
    'a record that a deploy overwrites': sets('Recordjournal', { SecretString: '{}' }),
    'a record that goes with its stack': (r) => {
      find(r, 'Recordjournal').DeletionPolicy = 'Delete';
    },
    'a record whose key goes with the stack': (r) => {
      find(r, 'RecordKey').DeletionPolicy = 'Delete';
    },
  },
});

mutations('records-are-kept-by-admin', 'I1', {
  [INTERNAL]: {
    'a zone writes records': gives('worker', 'secretsmanager:PutSecretValue'),
  },
  [PUBLIC]: {
    'a zone rotates with another function': gives('summary', 'secretsmanager:RotateSecret'),
  },
  [ADMIN]: {
    'rotation starts rotations': gives('rotation', 'secretsmanager:RotateSecret'),
    'rotation opens records': gives('rotation', 'secretsmanager:PutResourcePolicy'),
    'the key watch replicates records': gives('keywatch', 'secretsmanager:ReplicateSecretToRegions'),
  },
});

mutations('records-are-read-by-own', 'I1', {
  [PUBLIC]: {
    'a zone reads records': gives('summary', 'secretsmanager:GetSecretValue'),
  },
  [SIGNING]: {
    'a signer reads every secret': gives(SIGNER, 'secretsmanager:GetSecretValue'),
    'the signing zone’s endpoint leads to every secret': (r) =>
      void Object.assign(statementOf(find(r, 'Networksecretsmanagerendpoint'), 0), { Resource: '*' }),
  },
});
