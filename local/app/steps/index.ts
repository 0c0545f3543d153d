import {
  internalDeniedClientRecord,
  proofOutsideGrantRefused,
  publicDeniedInternalSigner,
  publicDeniedKmsSign,
} from './denials.ts';
import { eventToApi, gatewayToApi, warmTokenTwoSignatures } from './entries.ts';
import { keyRetiredAfterTokens, unknownKeyReported } from './key-watch.ts';
import {
  foreignCallbackRefused,
  loginToApi,
  logoutEndsSession,
  lowSecurityLevelRefused,
  refreshKeepsSession,
} from './login-steps.ts';
import {
  foreignAudience,
  foreignCallReplayed,
  foreignClientToRoute,
  foreignTokenStolen,
  replayedProofRefused,
} from './protected-calls.ts';
import { rotationUnderLoad } from './rotation.ts';
import type { Step } from './step.ts';

/** The steps of `--once`, in their order. A new step is a file in this folder and a line here. */
export const STEPS: readonly Step[] = [
  eventToApi,
  gatewayToApi,
  foreignClientToRoute,
  foreignTokenStolen,
  foreignCallReplayed,
  foreignAudience,
  warmTokenTwoSignatures,
  publicDeniedKmsSign,
  publicDeniedInternalSigner,
  internalDeniedClientRecord,
  proofOutsideGrantRefused,
  replayedProofRefused,
  loginToApi,
  lowSecurityLevelRefused,
  refreshKeepsSession,
  logoutEndsSession,
  foreignCallbackRefused,
  rotationUnderLoad,
  keyRetiredAfterTokens,
  unknownKeyReported,
];
