import type { CapabilityRule } from './capability.ts';
import { ownDataOnly } from './data/own-data-only.ts';
import { FORBIDDEN_ACTIONS } from './forbidden-actions.ts';
import { keysAreMadeByRotation } from './kms/keys-are-made-by-rotation.ts';
import { keysAreSwitchedByAdmin } from './kms/keys-are-switched-by-admin.ts';
import { ownDataKeysOnly } from './kms/own-data-keys-only.ts';
import { signIsForSigners } from './kms/sign-is-for-signers.ts';
import { signingIsBound } from './kms/signing-is-bound.ts';
import { interfacesAreLambdas } from './lambda/interfaces-are-lambdas.ts';
import { ownSignersOnly } from './lambda/own-signers-only.ts';
import { logsAreOwn } from './logs/logs-are-own.ts';
import { recordsAreKeptByAdmin } from './secretsmanager/records-are-kept-by-admin.ts';
import { recordsAreReadByOwn } from './secretsmanager/records-are-read-by-own.ts';

/** The rules about who may do what; the capability matrix is what they find out. */
export const CAPABILITIES: readonly CapabilityRule[] = [
  ...FORBIDDEN_ACTIONS,
  signIsForSigners,
  signingIsBound,
  keysAreMadeByRotation,
  keysAreSwitchedByAdmin,
  recordsAreKeptByAdmin,
  recordsAreReadByOwn,
  ownSignersOnly,
  ownDataOnly,
  ownDataKeysOnly,
  logsAreOwn,
  interfacesAreLambdas,
];
