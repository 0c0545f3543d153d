import * as denials from './denials.ts';
import * as entries from './entries.ts';
import type { Step } from './facts.ts';
import { deadLetterRings, faultHeals, zoneProbeRings } from './faults.ts';
import * as keyWatch from './key-watch.ts';
import * as logins from './login-steps.ts';
import * as calls from './protected-calls.ts';
import { rotationUnderLoad } from './rotation.ts';

/** The steps of `--once`, in their order. A new step is in a file of its subject in this folder, and a line here. */
export const STEPS: readonly Step[] = [
  entries.eventToApi,
  entries.gatewayToApi,
  calls.foreignClientToRoute,
  calls.foreignTokenStolen,
  calls.foreignCallReplayed,
  calls.foreignAudience,
  entries.warmTokenTwoSignatures,
  denials.publicDeniedKmsSign,
  denials.publicDeniedInternalSigner,
  denials.functionDeniedOwnSigner,
  denials.internalDeniedClientRecord,
  denials.proofOutsideGrantRefused,
  denials.forgedSignFound,
  zoneProbeRings,
  deadLetterRings,
  faultHeals,
  calls.replayedProofRefused,
  logins.loginToApi,
  logins.lowSecurityLevelRefused,
  logins.refreshKeepsSession,
  logins.logoutEndsSession,
  logins.foreignCallbackRefused,
  rotationUnderLoad,
  keyWatch.keyRetiredAfterTokens,
  keyWatch.unknownKeyReported,
];
