import * as v from 'valibot';
import { issuerProfile } from './profile.ts';
import { type DeepReadonly, name, readConfig, text } from './schema.ts';

/** The shape of an {@link AllowedDetail}; the declaration's is the same. Does not judge numbers, or what the client may send. */
export const allowedDetail = v.variant('type', [
  v.strictObject({
    type: v.literal('helseid_authorization'),
    parent: v.exactOptional(text),
    child: v.exactOptional(text),
  }),
  v.strictObject({ type: v.literal('nhn:sfm:journal-id'), journalId: text }),
  v.strictObject({ type: v.literal('nhn:tillitsrammeverk:parameters') }),
]);

const grantedTarget = v.strictObject({
  /** `https://host[:port]`, canonical. */
  origin: v.pipe(v.string(), v.regex(/^https:\/\/[a-z0-9.\-[\]:]+$/)),
  methods: v.array(v.pipe(v.string(), v.regex(/^[A-Z]{1,16}$/))),
  /** Patterns: a trailing slash and star covers everything below. */
  paths: v.array(v.pipe(v.string(), v.startsWith('/'))),
  /**
   * Whether its proofs may name an access token (`ath`, RFC 9449 4.2): an API's may, the issuer's may not. Its endpoints take
   * none, and its target covers every path of its origin, where an API may lie too.
   */
  ath: v.boolean(),
});

const grantSchema = v.strictObject({
  version: v.literal(1),
  system: name,
  zone: name,
  /** The client's name in the declaration. */
  client: name,
  clientId: text,
  issuer: v.pipe(v.string(), v.startsWith('https://')),
  tenancy: v.picklist(['single-tenant', 'multi-tenant']),
  profile: issuerProfile,
  assertions: v.strictObject({
    details: v.union([v.picklist(['none', 'any']), v.array(allowedDetail)]),
  }),
  proofs: v.array(grantedTarget),
  requestObjects: v.boolean(),
});

/** An organisation detail that a grant's list allows; an absent field means "must be absent", `*` means any valid value. */
export type AllowedDetail = DeepReadonly<v.InferOutput<typeof allowedDetail>>;

/** Where proofs may be used: exact methods under one https origin, on path patterns. */
export type GrantedTarget = DeepReadonly<v.InferOutput<typeof grantedTarget>>;

/** What one zone may have signed for one client. Rendered from the declaration into the asset of the zone's signer. */
export type Grant = DeepReadonly<v.InferOutput<typeof grantSchema>>;

/**
 * Reads `grant.json`: a signer without a right grant must not start.
 * @throws {ZonesError} config_invalid: it is none; the message names the field
 */
export function parseGrant(json: string): Grant {
  return readConfig('grant.json', v.pipe(v.string(), v.parseJson(), grantSchema), json);
}
