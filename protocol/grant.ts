import * as v from 'valibot';
import { ALGORITHMS, type Algorithm } from './algorithms.ts';
import { ZonesError } from './errors.ts';
import { NAME_PATTERN } from './intents.ts';
import type { IssuerProfile } from './profile.ts';

/** An organisation detail that a grant's list allows; an absent field means "must be absent", `*` means any valid value. */
export type AllowedDetail =
  | { type: 'helseid_authorization'; parent?: string; child?: string }
  | { type: 'nhn:sfm:journal-id'; journalId: string }
  | { type: 'nhn:tillitsrammeverk:parameters' };

/** Where proofs may be used: exact methods under one https origin, on path patterns (a trailing `/*` covers everything below). */
export interface GrantedTarget {
  /** `https://host[:port]`, canonical. */
  origin: string;
  methods: readonly string[];
  paths: readonly string[];
  /**
   * Whether its proofs may name an access token (`ath`, RFC 9449 4.2): an API's may, the issuer's may not. Its endpoints take
   * none, and its target covers every path of its origin, where an API may lie too.
   */
  ath: boolean;
}

/** What one zone may have signed for one client. Rendered from the declaration into the asset of the zone's signer. */
export interface Grant {
  version: 1;
  system: string;
  zone: string;
  /** The client's name in the declaration. */
  client: string;
  clientId: string;
  issuer: string;
  tenancy: 'single-tenant' | 'multi-tenant';
  profile: IssuerProfile;
  assertions: { details: 'none' | 'any' | readonly AllowedDetail[] };
  proofs: readonly GrantedTarget[];
  requestObjects: boolean;
}

const name = v.pipe(v.string(), v.regex(NAME_PATTERN));
const text = v.pipe(v.string(), v.minLength(1, 'must not be empty'));
const seconds = v.pipe(v.number(), v.integer(), v.minValue(0));
const DETAIL_TYPES = [
  'helseid_authorization',
  'nhn:sfm:journal-id',
  'nhn:tillitsrammeverk:parameters',
] as const;

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

const issuerAlgorithm = v.picklist(['RS256', ...(Object.keys(ALGORITHMS) as Algorithm[])]);

const schema = v.strictObject({
  version: v.literal(1),
  system: name,
  zone: name,
  client: name,
  clientId: text,
  issuer: v.pipe(v.string(), v.startsWith('https://')),
  tenancy: v.picklist(['single-tenant', 'multi-tenant']),
  profile: v.strictObject({
    assertionTyp: text,
    assertionLifetime: v.pipe(seconds, v.minValue(1)),
    assertionBackdate: seconds,
    requestObjectTyp: text,
    idTokenAlgorithm: issuerAlgorithm,
    accessTokenAlgorithm: issuerAlgorithm,
    logoutTokenTyp: v.exactOptional(v.literal('logout+jwt')),
    detailTypes: v.array(v.picklist(DETAIL_TYPES)),
    proofAtPar: v.boolean(),
  }),
  assertions: v.strictObject({
    details: v.union([v.picklist(['none', 'any']), v.array(allowedDetail)]),
  }),
  proofs: v.array(
    v.strictObject({
      origin: v.pipe(v.string(), v.regex(/^https:\/\/[a-z0-9.\-[\]:]+$/)),
      methods: v.array(v.pipe(v.string(), v.regex(/^[A-Z]{1,16}$/))),
      paths: v.array(v.pipe(v.string(), v.startsWith('/'))),
      ath: v.boolean(),
    }),
  ),
  requestObjects: v.boolean(),
});

/** Reads `grant.json`. Throws `config_invalid` naming the field: a signer without a right grant must not start. */
export function parseGrant(json: string): Grant {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), json, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const field = v.getDotPath(parsed.issues[0]) ?? 'the whole file';
  throw new ZonesError('config_invalid', `grant.json is not a grant (${field}); synthesize the app anew.`);
}
