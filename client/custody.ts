/**
 * Where a client's key is kept, when it is not a zone's signer that uses it: in a file, a database, Secrets Manager, KMS or a PKCS#11 token.
 * @module
 */
export {
  CUSTODIES,
  type CustodyAbilities,
  type CustodyScheme,
  requireOneZone,
} from '@helseid-zones/protocol/custody';
export { type ClientKeys, openClientKeys } from './custody/client-keys.ts';
export { type Custody, type CustodyOptions, openCustody, rotateKey } from './custody/open.ts';
export { connectPostgres, type Database, KEYS_TABLE } from './custody/postgres.ts';
export type { KeyRing, RingKey, RingOwner } from './custody/ring.ts';
export { addKey, switchKey } from './custody/ring-signer.ts';
export type { KeyRotation } from './custody/rotate.ts';
