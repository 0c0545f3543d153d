import type { Algorithm } from '../../client/algorithms.ts';

/** The states of a key, in the order a key passes through them. docs/keys.md has the machine. */
export const KEY_STATES = ['created', 'registered', 'verified', 'current', 'retiring', 'retired'] as const;

/** See {@link KEY_STATES}. */
export type KeyState = (typeof KEY_STATES)[number];

/** One key of a client record. Times are epoch seconds. */
export interface KeyEntry {
  /** RFC 7638 thumbprint of the public key. */
  kid: string;
  /** ARN of the KMS key. */
  keyArn: string;
  algorithm: Algorithm;
  state: KeyState;
  /** When the key reached each state it has passed. */
  since: Partial<Record<KeyState, number>>;
  /** Set when it begins to retire: until then proofs for tokens bound to it are signed (I9). */
  usableUntil?: number;
  /** What HelseID last reported as its expiry. */
  expires?: number;
}

/** The client record: a Secrets Manager secret. It names keys and never holds key material. */
export interface ClientRecord {
  version: 1;
  client: string;
  clientId: string;
  issuer: string;
  keys: KeyEntry[];
}
