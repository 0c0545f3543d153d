import type { CapabilityRule } from './capability.ts';
import { ownDataOnly, queuesAreReadByOwn } from './data/stores.ts';
import { FORBIDDEN_ACTIONS } from './iam/forbidden-actions.ts';
import { signIsForSigners, signingIsBound } from './kms/client-keys.ts';
import { ownDataKeysOnly } from './kms/data-keys.ts';
import { keysAreMadeByRotation, keysAreSwitchedByAdmin } from './kms/made-keys.ts';
import { interfacesAreLambdas } from './lambda/functions.ts';
import { signersHaveOneCaller } from './lambda/signer-policies.ts';
import { ownSignersOnly } from './lambda/signers.ts';
import { logsAreOwn, logsAreWrittenByOwn } from './logs/logs.ts';
import { recordsAreKeptByAdmin, recordsAreReadByOwn } from './secretsmanager/records.ts';

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
  signersHaveOneCaller,
  ownDataOnly,
  queuesAreReadByOwn,
  ownDataKeysOnly,
  logsAreOwn,
  logsAreWrittenByOwn,
  interfacesAreLambdas,
];
