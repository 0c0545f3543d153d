import { eventToApi } from './event-to-api.ts';
import { foreignCallbackRefused } from './foreign-callback-refused.ts';
import {
  foreignAudience,
  foreignCallReplayed,
  foreignClientToRoute,
  foreignTokenStolen,
} from './foreign-client-to-route.ts';
import { gatewayToApi } from './gateway-to-api.ts';
import { internalDeniedClientRecord } from './internal-denied-client-record.ts';
import { keyRetiredAfterTokens } from './key-retired-after-tokens.ts';
import { loginToApi } from './login-to-api.ts';
import { logoutEndsSession } from './logout-ends-session.ts';
import { lowSecurityLevelRefused } from './low-security-level-refused.ts';
import { proofOutsideGrantRefused } from './proof-outside-grant-refused.ts';
import { publicDeniedInternalSigner } from './public-denied-internal-signer.ts';
import { publicDeniedKmsSign } from './public-denied-kms-sign.ts';
import { refreshKeepsSession } from './refresh-keeps-session.ts';
import { replayedProofRefused } from './replayed-proof-refused.ts';
import { rotationUnderLoad } from './rotation-under-load.ts';
import type { Step } from './step.ts';
import { unknownKeyReported } from './unknown-key-reported.ts';
import { warmTokenTwoSignatures } from './warm-token-two-signatures.ts';

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
