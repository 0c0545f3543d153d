import { forbidTypes } from '../forbid-types.ts';

/** Client keys are made by rotation alone; no template makes one, copies one or imports one. */
export const noKeyResources = forbidTypes({
  name: 'no-key-resources',
  invariant: 'I1',
  title: 'Client keys are made by rotation alone; no template makes one, copies one or imports one.',
  types: {
    'AWS::KMS::ReplicaKey': 'copies a key to another region',
    'AWS::SecretsManager::ResourcePolicy': 'lets others use a secret',
    'AWS::SecretsManager::SecretTargetAttachment': 'writes into a secret',
    'AWS::CloudHSM::*': 'keeps keys where the proof does not look',
    'AWS::CloudHSMV2::*': 'keeps keys where the proof does not look',
    'AWS::PaymentCryptography::*': 'keeps keys where the proof does not look',
    'AWS::ACMPCA::*': 'signs certificates',
    'AWS::Signer::*': 'decides which code runs',
  },
  remedy: 'Remove it. Keys of the system are made at run time, with the policy that rotation gives them.',
});
