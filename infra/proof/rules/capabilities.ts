import type { CapabilityRule } from './capability.ts';
import { ownDataOnly } from './data/own-data-only.ts';
import { entriesAreNotChanged } from './entries/entries-are-not-changed.ts';
import { identitiesAreNotChanged } from './iam/identities-are-not-changed.ts';
import { nobodyDeploys } from './iam/nobody-deploys.ts';
import { rolesAreNotAssumed } from './iam/roles-are-not-assumed.ts';
import { keysAreMadeByRotation } from './kms/keys-are-made-by-rotation.ts';
import { keysAreNotCaptured } from './kms/keys-are-not-captured.ts';
import { keysAreSwitchedByAdmin } from './kms/keys-are-switched-by-admin.ts';
import { ownDataKeysOnly } from './kms/own-data-keys-only.ts';
import { signIsForSigners } from './kms/sign-is-for-signers.ts';
import { signingIsBound } from './kms/signing-is-bound.ts';
import { functionsAreNotChanged } from './lambda/functions-are-not-changed.ts';
import { interfacesAreLambdas } from './lambda/interfaces-are-lambdas.ts';
import { ownSignersOnly } from './lambda/own-signers-only.ts';
import { logsAreNotTapped } from './logs/logs-are-not-tapped.ts';
import { logsAreOwn } from './logs/logs-are-own.ts';
import { networksAreNotChanged } from './network/networks-are-not-changed.ts';
import { recordsAreKeptByAdmin } from './secretsmanager/records-are-kept-by-admin.ts';
import { recordsAreReadByOwn } from './secretsmanager/records-are-read-by-own.ts';

/** The rules about who may do what; the capability matrix is what they find out. */
export const CAPABILITIES: readonly CapabilityRule[] = [
  signIsForSigners,
  signingIsBound,
  keysAreMadeByRotation,
  keysAreSwitchedByAdmin,
  keysAreNotCaptured,
  recordsAreKeptByAdmin,
  recordsAreReadByOwn,
  ownSignersOnly,
  ownDataOnly,
  ownDataKeysOnly,
  logsAreOwn,
  interfacesAreLambdas,
  functionsAreNotChanged,
  identitiesAreNotChanged,
  rolesAreNotAssumed,
  networksAreNotChanged,
  nobodyDeploys,
  logsAreNotTapped,
  entriesAreNotChanged,
];
