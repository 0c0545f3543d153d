import type { CapabilityRule } from '../capability.ts';
import { entriesAreNotChanged } from './entries-are-not-changed.ts';
import { functionsAreNotChanged } from './functions-are-not-changed.ts';
import { identitiesAreNotChanged } from './identities-are-not-changed.ts';
import { interfacesAreLambdas } from './interfaces-are-lambdas.ts';
import { keysAreMadeByRotation } from './keys-are-made-by-rotation.ts';
import { keysAreNotCaptured } from './keys-are-not-captured.ts';
import { keysAreSwitchedByAdmin } from './keys-are-switched-by-admin.ts';
import { logsAreNotTapped } from './logs-are-not-tapped.ts';
import { logsAreOwn } from './logs-are-own.ts';
import { networksAreNotChanged } from './networks-are-not-changed.ts';
import { nobodyDeploys } from './nobody-deploys.ts';
import { ownDataKeysOnly } from './own-data-keys-only.ts';
import { ownDataOnly } from './own-data-only.ts';
import { ownSignersOnly } from './own-signers-only.ts';
import { recordsAreKeptByAdmin } from './records-are-kept-by-admin.ts';
import { recordsAreReadByOwn } from './records-are-read-by-own.ts';
import { rolesAreNotAssumed } from './roles-are-not-assumed.ts';
import { signIsForSigners } from './sign-is-for-signers.ts';
import { signingIsBound } from './signing-is-bound.ts';

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
