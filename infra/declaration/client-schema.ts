import { ALGORITHM_NAMES } from '@helseid-zones/protocol/algorithms';
import { sharingProblem } from '@helseid-zones/protocol/custody';
import { issuerProfile } from '@helseid-zones/protocol/profile';
import { audience, count, scope, text } from '@helseid-zones/protocol/schema';
import * as v from 'valibot';
import { baseUrl, issuer } from './fields.ts';

const rotation = v.pipe(
  v.strictObject({
    /** Days between rotations (default 60). */
    everyDays: v.optional(v.pipe(count, v.maxValue(365, 'must be at most 365 days')), 60),
    /** Longest life of an access token or authorization code of this client, seconds (default 3600): how long a replaced key still signs proofs. */
    longestTokenLifetime: v.optional(count, 3600),
    /** Seconds the issuer may take until every node of it honours a new key (default 20, NHN's word on HelseID's test environment): a key is not switched to before. */
    propagation: v.optional(count, 20),
  }),
  v.forward(
    v.check(
      ({ everyDays, longestTokenLifetime }) =>
        longestTokenLifetime >= 60 && longestTokenLifetime < everyDays * 24 * 60 * 60,
      "must be at least 60 seconds and shorter than the time between rotations: give the longest life of the client's access tokens, in seconds",
    ),
    ['longestTokenLifetime'],
  ),
);

/** HelseID's self-service API of a client. */
export const selfService = v.strictObject({
  baseUrl,
  audience,
  scope,
  body: v.picklist(['object', 'string']),
});

/** What is registered at an issuer. */
export const registrationSchema = v.strictObject({
  /** What HelseID calls the client: the id of its registration. */
  clientId: v.pipe(text, v.regex(/^[\x21-\x7e]{1,200}$/, 'must be printable ASCII without spaces')),
  /** Exactly as in the issuer's metadata; may have a path. */
  issuer,
  /** Algorithm of keys made from now on. */
  algorithm: v.picklist(
    ALGORITHM_NAMES,
    ({ input }) =>
      `is ${input}; HelseID allows clients no RS algorithm: choose one of ${ALGORITHM_NAMES.join(', ')}`,
  ),
  /** As registered: whether the client acts for its own organisation, or for any that has delegated to it. */
  tenancy: v.picklist(['single-tenant', 'multi-tenant']),
  /** What the issuer wants on the wire: `helseIdProfile` for HelseID. */
  profile: issuerProfile,
});

/** A registration at an issuer, and how its keys live; see `clients` of the declaration. */
export const clientSchema = v.strictObject({
  ...registrationSchema.entries,
  /** Where the signing key lives (default `awskms:`, the one that zones may share). For a program within one network: docs/patterns.md. */
  custody: v.optional(
    v.picklist(['awskms:'], ({ input }) => sharingProblem(String(input)) ?? 'must be awskms:'),
    'awskms:',
  ),
  /** HelseID's self-service API, where the issuer has one; only the admin zone reaches it. */
  selfService: v.exactOptional(selfService),
  /** How its keys are replaced. */
  rotation: v.optional(rotation, {}),
});
