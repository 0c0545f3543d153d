/**
 * What a zone function imports: tokens and API calls for a HelseID client whose key only a signer can use.
 * @module
 */
export {
  ALGORITHMS,
  type Algorithm,
  type AlgorithmEntry,
  isAlgorithm,
} from '@helseid-zones/protocol/algorithms';
export {
  type AnyZonesError,
  type ErrorCode,
  type ErrorFacts,
  isZonesError,
  ZonesError,
} from '@helseid-zones/protocol/errors';
export type * from '@helseid-zones/protocol/intents';
export { fapi2Profile, helseIdProfile, type IssuerProfile } from '@helseid-zones/protocol/profile';
export type { RawSignature } from '@helseid-zones/protocol/signature';
export { createApiFetch } from './api-fetch.ts';
export { createTransaction, pushAuthorizationRequest } from './authorization-request.ts';
export {
  type AwsCaller,
  type AwsCallerOptions,
  type AwsConfig,
  type AwsCredentials,
  type AwsRequest,
  type AwsResponse,
  createAwsCaller,
  readAwsConfig,
} from './aws.ts';
export {
  type AnySystem,
  type ApiOptions,
  type ConnectOptions,
  connectZone,
  type Register,
  type Spent,
  type Zone,
} from './connect-zone.ts';
export {
  createMemorySigner,
  createSigner,
  type HeldKey,
  type MemoryKey,
  type MemorySignerOptions,
  type SignDigest,
  type SignerOptions,
} from './create-signer.ts';
export type { NetworkFacts } from './errors.ts';
export { createRemoteSigner } from './invoke.ts';
export { describeError, type Log } from './log.ts';
export { createEndSessionUrl, revokeToken, validateLogoutToken } from './logout.ts';
export { getAccessToken, machineTokens } from './machine-token.ts';
export { problem, type RouteAnswer, type RouteEvent, respond } from './route.ts';
export {
  createTokenClient,
  type IssuerRequest,
  type TokenClient,
  type TokenClientDeps,
} from './token-client.ts';
export type * from './tokens.ts';
export { exchangeToken, redeemCode, refreshTokens } from './user-tokens.ts';
