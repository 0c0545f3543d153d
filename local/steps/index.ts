import { eventToApi } from './event-to-api.ts';
import { gatewayToApi } from './gateway-to-api.ts';
import { internalDeniedClientRecord } from './internal-denied-client-record.ts';
import { proofOutsideGrantRefused } from './proof-outside-grant-refused.ts';
import { publicDeniedInternalSigner } from './public-denied-internal-signer.ts';
import { publicDeniedKmsSign } from './public-denied-kms-sign.ts';
import { replayedProofRefused } from './replayed-proof-refused.ts';
import type { Step } from './step.ts';
import { warmTokenTwoSignatures } from './warm-token-two-signatures.ts';

/** The steps of `--once`, in their order. A new step is a file in this folder and a line here. */
export const STEPS: readonly Step[] = [
  eventToApi,
  gatewayToApi,
  warmTokenTwoSignatures,
  publicDeniedKmsSign,
  publicDeniedInternalSigner,
  internalDeniedClientRecord,
  proofOutsideGrantRefused,
  replayedProofRefused,
];
