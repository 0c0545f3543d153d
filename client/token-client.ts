import type { Signer } from '@helseid-zones/protocol/intents';
import type { IssuerProfile } from '@helseid-zones/protocol/profile';
import type { AuthorizationServer, Client } from 'oauth4webapi';
import { clockSkew, clockTolerance } from 'oauth4webapi';
import type { Fetch, Transport } from './http.ts';
import { CLOCK_TOLERANCE, createKeySource, createMetadataSource, type KeySource } from './issuer.ts';
import { createNonceStore, type NonceStore } from './nonces.ts';
import { createTokenCache, type TokenCache } from './token-cache.ts';

/** How a request went that the client authenticates: for a token, a pushed authorization request, or a revocation. */
export interface IssuerRequest {
  endpoint: 'token_endpoint' | 'pushed_authorization_request_endpoint' | 'revocation_endpoint';
  /** What it ended with, where it failed. */
  error?: unknown;
  /** `invalid_client` was the answer to an assertion by the key that the client record calls current. */
  currentKeyRefused?: true;
  /** Whole seconds by which the `Date` of the last answer lies outside the time that it took. */
  clockDifference?: number | undefined;
  /** How often it was sent, answered or not: again for a nonce, another key or a lost connection. None where nothing was signed. */
  roundTrips: number;
}

/** What a token client is made of. */
export interface TokenClientDeps {
  /** The client's name in the declaration; what the signer's grant is for. */
  client: string;
  clientId: string;
  /** Exactly as in the issuer's metadata; may have a path. */
  issuer: string;
  profile: IssuerProfile;
  signer: Signer;
  fetch?: Fetch | undefined;
  /** Epoch milliseconds. */
  now?: (() => number) | undefined;
  /** Milliseconds that one request may take until its answer begins (default 10 000). */
  timeout?: number | undefined;
  /** Default: in memory. */
  tokens?: TokenCache | undefined;
  /** Told of every request that the client authenticates, for figures. */
  report?: ((request: IssuerRequest) => void) | undefined;
}

/**
 * One client at one issuer, with what is worth remembering between requests: metadata, keys, nonces and tokens. Make it
 * once an execution environment and hand it to the functions of this folder.
 */
export interface TokenClient
  extends Readonly<Transport & Pick<TokenClientDeps, 'clientId' | 'issuer' | 'profile' | 'signer'>> {
  readonly name: string;
  /** The issuer's metadata, cached for 24 hours (FK2, docs/requirements.md). */
  readonly metadata: () => Promise<AuthorizationServer>;
  /** The issuer's public keys. */
  readonly keys: KeySource;
  readonly nonces: NonceStore;
  readonly tokens: TokenCache;
  readonly report: TokenClientDeps['report'];
}

/**
 * Makes a {@link TokenClient}. Sends nothing yet, reads no environment.
 *
 * @example
 * ```ts
 * import { createAwsCaller, createRemoteSigner, createTokenClient, helseIdProfile, readAwsConfig } from '@helseid-zones/client';
 *
 * const aws = createAwsCaller(readAwsConfig(process.env));
 * export const client = createTokenClient({
 *   client: 'journal',
 *   clientId: '8a2d4c5e-6a0b-4c53-9f0e-1f1f6f0c2b11',
 *   issuer: 'https://helseid-sts.test.nhn.no',
 *   profile: helseIdProfile,
 *   signer: createRemoteSigner({ aws, functionArn: 'arn:aws:lambda:eu-north-1:111122223333:function:journal-signer' }),
 * });
 * ```
 */
export function createTokenClient(deps: TokenClientDeps): TokenClient {
  const { client: name, clientId, issuer, profile, signer, report, now = Date.now, timeout = 10_000 } = deps;
  const send: Fetch = deps.fetch ?? ((input, init) => fetch(input, init));
  const transport = { fetch: send, now, timeout };
  const metadata = createMetadataSource(issuer, transport);
  return {
    ...transport,
    name,
    clientId,
    issuer,
    profile,
    signer,
    report,
    metadata,
    keys: createKeySource(metadata, transport),
    nonces: createNonceStore(),
    tokens: deps.tokens ?? createTokenCache(now),
  };
}

/** The client as `oauth4webapi` wants it: ID tokens with the profile's one algorithm, checked by our clock. */
export function describeClient(client: TokenClient): Client {
  return {
    client_id: client.clientId,
    id_token_signed_response_alg: client.profile.idTokenAlgorithm,
    [clockSkew]: Math.floor(client.now() / 1000) - Math.floor(Date.now() / 1000),
    [clockTolerance]: CLOCK_TOLERANCE,
  };
}
