import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import type { Clock, KmsPort, SecretsPort } from '../common/key-ports.ts';
import type { Audit, RecordStore } from '../common/record-store.ts';

/** A key as HelseID's self-service API lists it. */
export interface ListedKey {
  kid: string;
  /** Epoch seconds; absent for a key without an expiry. */
  expires?: number;
}

/** A public JWK as it is registered: as NHN's libraries post it. */
export interface RegisteredJwk {
  kty: string;
  kid: string;
  alg: string;
  use: 'sig';
  [parameter: string]: string;
}

/** HelseID's self-service API for one client. Throws `self_service_refused` (a 4xx) and `self_service_unreachable`. */
export interface SelfService {
  listKeys(): Promise<ListedKey[]>;
  /** Resolves to the expiry that HelseID sets, where it names one. */
  registerKey(jwk: RegisteredJwk): Promise<number | undefined>;
}

/** What the admin zone does as a client of HelseID. */
export interface HelseId {
  /**
   * Resolves when the issuer has authenticated the client by exactly this key, now: asked for a token, never a cached one.
   * What else it has against the client does not count. Throws what the token client throws, and `rotation_failed` where
   * no key can be proved.
   */
  proveKey(kid: string, algorithm: Algorithm): Promise<void>;
  /**
   * The self-service API, called with a token of the current key (and after `invalid_client` of the newest registered
   * one), or of a pinned key.
   */
  selfService(kid?: string): SelfService;
}

/** Everything that the steps of one client's rotation need. */
export interface Rotation {
  system: string;
  client: string;
  secretArn: string;
  /** Of keys made from now on. */
  algorithm: Algorithm;
  /** Seconds that a replaced key signs proofs at least. */
  longestTokenLifetime: number;
  /** Whether HelseID has a self-service API for this client; without it an operator registers every key. */
  selfRegistering: boolean;
  /** Seconds that HelseID may take to honour a new key everywhere. */
  propagation: number;
  /** The policy that a key of this algorithm shall have, as JSON text. */
  policyOf(algorithm: Algorithm): string;
  kms: KmsPort;
  secrets: SecretsPort;
  store: RecordStore;
  helseId: HelseId;
  clock: Clock;
  /** Epoch seconds after which nothing more is waited for. */
  deadline: number;
  audit: Audit;
}
