import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { allowedDetail } from '@helseid-zones/protocol/grant';
import * as v from 'valibot';
import {
  audience,
  baseUrl,
  count,
  externalUrl,
  forwardedPath,
  functionFolder,
  issuer,
  organizationNumber,
  resourceIndicator,
  resourcePath,
  scope,
  some,
  text,
  typ,
} from './fields.ts';

/**
 * The declaration: what may be written, field by field, with the defaults. The types are read off it. What fields mean together
 * is for checks/ to say.
 * @module
 */

const algorithms = Object.keys(ALGORITHMS) as Algorithm[];
const seconds = v.pipe(
  v.number(),
  v.integer('must be a whole number'),
  v.minValue(0, 'must not be negative'),
);
const httpMethod = v.picklist(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
const issuerAlgorithm = v.picklist(
  ['RS256', ...algorithms],
  `must be RS256 (HelseID) or one of ${algorithms.join(', ')}`,
);

const profile = v.pipe(
  v.strictObject({
    assertionTyp: typ,
    assertionLifetime: count,
    assertionBackdate: v.pipe(seconds, v.maxValue(60, 'must be at most 60 seconds')),
    requestObjectTyp: typ,
    idTokenAlgorithm: issuerAlgorithm,
    accessTokenAlgorithm: issuerAlgorithm,
    logoutTokenTyp: v.exactOptional(v.literal('logout+jwt', 'may only be logout+jwt')),
    detailTypes: v.array(
      v.picklist(['helseid_authorization', 'nhn:sfm:journal-id', 'nhn:tillitsrammeverk:parameters']),
    ),
    proofAtPar: v.boolean(),
  }),
  v.check(({ assertionTyp, requestObjectTyp }) => {
    // As whoever verifies reads them: any case, with or without application/ (RFC 7515 4.1.9).
    const typs = [assertionTyp, requestObjectTyp, 'dpop+jwt'].map((name) =>
      name.toLowerCase().replace(/^application\//, ''),
    );
    return new Set(typs).size === typs.length;
  }, 'gives two kinds of token one typ, so one could pass as the other: assertionTyp, requestObjectTyp and dpop+jwt must differ'),
);

const rotation = v.pipe(
  v.strictObject({
    /** Days between rotations (default 60). */
    everyDays: v.optional(v.pipe(count, v.maxValue(365, 'must be at most 365 days')), 60),
    /** Longest life of an access token or authorization code of this client, seconds (default 3600): how long a replaced key still signs proofs. */
    longestTokenLifetime: v.optional(count, 3600),
    /** Seconds the issuer may take until every node of it honours a new key (default 20, HelseID's): a key is not switched to before. */
    propagation: v.exactOptional(count),
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

const clientSchema = v.strictObject({
  clientId: v.pipe(text, v.regex(/^[\x21-\x7e]{1,200}$/, 'must be printable ASCII without spaces')),
  /** Exactly as in the issuer's metadata; may have a path. */
  issuer,
  /** Algorithm of keys made from now on. */
  algorithm: v.picklist(
    algorithms,
    ({ input }) =>
      `is ${input}; HelseID allows clients no RS algorithm: choose one of ${algorithms.join(', ')}`,
  ),
  tenancy: v.picklist(['single-tenant', 'multi-tenant']),
  profile,
  /** Where the signing key lives (default `kms`). Only `kms` may span zones. */
  custody: v.optional(v.picklist(['kms', 'secret', 'file', 'database', 'pkcs11']), 'kms'),
  /** HelseID's self-service API, where the issuer has one; only the admin zone reaches it. */
  selfService: v.exactOptional(
    v.strictObject({ baseUrl, audience, scope, body: v.picklist(['object', 'string']) }),
  ),
  rotation: v.optional(rotation, {}),
});

const apiSchema = v.strictObject({
  /** https, no query, no trailing slash. */
  baseUrl,
  audience,
  scopes: some(scope),
  /** RFC 8707 resource indicator. */
  resource: v.exactOptional(resourceIndicator),
});

const apiGrantSchema = v.strictObject({
  api: text,
  methods: some(v.picklist(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])),
  /** Paths below the API's base URL, each beginning with `/`; a trailing `/*` covers everything below. */
  paths: some(text),
});

const grantSchema = v.strictObject({
  client: text,
  /** Organisation details in assertions: none (default), any valid one, or a list. */
  details: v.optional(
    // Not a union, whose issue would not say which detail is wrong.
    v.lazy((given) => (Array.isArray(given) ? v.array(allowedDetail) : v.picklist(['none', 'any']))),
    'none',
  ),
  apis: v.array(apiGrantSchema),
  /** Request objects at PAR (default false). */
  requestObjects: v.optional(v.boolean(), false),
  /** Reserved concurrency of the signer (default 10). */
  signerConcurrency: v.optional(v.pipe(count, v.maxValue(1000, 'must be at most 1000')), 10),
});

const loginSchema = v.strictObject({
  /** The client that logs users in; the zone must have a grant for it. */
  client: text,
  /** Exactly the scopes to ask for, in this order. */
  scopes: v.pipe(some(scope), v.includes('openid', 'must include openid, or there is no ID token')),
  /** Lowest accepted `helseid://claims/identity/security_level`; absent where none is demanded. */
  securityLevel: v.exactOptional(v.picklist(['2', '3', '4'])),
  acrValues: v.exactOptional(some(text)),
  /** `prompt` of every login; a browser may ask for `login` or `select_account` where nothing is declared. */
  prompt: v.exactOptional(v.picklist(['login', 'select_account'])),
  /** Seconds since the person proved who they are, at most; checked against `auth_time`. */
  maxAge: v.exactOptional(seconds),
  /** ID-porten's organisation number to log in on behalf of, nine digits. */
  onBehalfOf: v.exactOptional(organizationNumber),
  /** Whether PAR carries a signed request object (needs the grant). */
  requestObject: v.exactOptional(v.boolean()),
  /** Minutes without use after which a session ends (default 30). */
  idleMinutes: v.exactOptional(count),
  /** Minutes after login at which a session ends anyhow (default 480). */
  absoluteMinutes: v.exactOptional(count),
  /** Routes under `/api/` that are forwarded for the logged-in user. */
  forward: v.array(
    v.strictObject({
      method: httpMethod,
      /** API Gateway resource path below `/api`, e.g. `/summaries/{id}`; parameters are whole segments and never greedy. */
      path: forwardedPath,
      /** Name of the API it is forwarded to. */
      api: text,
      /** Path below the API's base URL, with the same parameters as `path`; default `path`. */
      to: v.exactOptional(text),
      /** Request headers that are passed on beside the usual ones; lower-case. */
      headers: v.exactOptional(
        v.array(v.pipe(text, v.regex(/^[a-z0-9-]+$/, 'must be a header name in lower case'))),
      ),
    }),
  ),
});

const authorizerSchema = v.strictObject({
  /** The zone's client whose issuer's tokens are accepted. */
  client: text,
  /** This API's name in `aud`. */
  audience,
  /** Scopes that a token must hold, all of them. */
  scopes: some(scope),
  /** Lowest accepted `helseid://claims/identity/security_level`; with it a person must be in the token. */
  securityLevel: v.exactOptional(v.picklist(['2', '3', '4'])),
  /** Whether a token that names other audiences as well is accepted (default false). */
  otherAudiences: v.exactOptional(v.boolean()),
  /** Seconds that a proof is accepted after `iat` (default 10). */
  proofAge: v.exactOptional(count),
  /** Seconds that clocks may differ each way (default 5). */
  clockSkew: v.exactOptional(seconds),
});

const routeSchema = v.strictObject({
  method: httpMethod,
  /** API Gateway resource path, e.g. `/summaries/{id}`. */
  path: resourcePath,
  /** Folder under functions/. */
  function: functionFolder,
  /** `iam`: SigV4; `helseid`: the shipped authorizer for DPoP-bound HelseID access tokens. */
  authorize: v.picklist(['iam', 'helseid']),
});

const gatewaySchema = v.strictObject({
  routes: v.array(routeSchema),
  /**
   * External URL of the API's root, where callers use another than API Gateway's own with its stage: a domain name, perhaps
   * with a base path, or a CDN's. Proofs (`htu`), redirects and cookies go by it. No trailing slash.
   */
  baseUrl: v.exactOptional(externalUrl),
  /** User login; the functions that read it apply the defaults. */
  login: v.exactOptional(loginSchema),
  /** Needed where a route has `authorize: 'helseid'`. */
  authorizer: v.exactOptional(authorizerSchema),
});

const zoneSchema = v.strictObject({
  /** IPv4 CIDR of the VPC, /16 to /24; overlaps no other zone's. */
  cidr: text,
  /** AWS account, when not the signing zone's. The admin zone can't have one of its own. */
  account: v.exactOptional(v.pipe(text, v.regex(/^\d{12}$/, 'must be an AWS account id of twelve digits'))),
  /** What may be signed for its functions: at most one grant a client. */
  grants: v.array(grantSchema),
  /** Entered through API Gateway. */
  gateway: v.exactOptional(gatewaySchema),
  /** Entered by events: EventBridge to SQS to the function. */
  events: v.exactOptional(
    v.strictObject({ function: functionFolder, sources: some(text), detailTypes: some(text) }),
  ),
  /** The zone that rotates keys; exactly one. Its grants are derived, one a client. */
  admin: v.optional(v.boolean(), false),
});

const exceptionSchema = v.strictObject({
  rule: text,
  /** Construct path, or a prefix of it ending in `/*`. */
  resource: v.pipe(
    text,
    v.check(
      (resource) => resource !== '*' && resource !== '/*',
      'excepts everything; name a construct path, or a prefix of one ending in /*',
    ),
  ),
  reason: v.pipe(
    text,
    v.check(
      (reason) => reason.replace(/[^\p{L}\p{N}]+/gu, ' ').trim().length >= 15,
      'must be a sentence that says why; it is printed every time',
    ),
  ),
});

/** The whole declaration; see {@link SystemDeclaration}. */
export const systemSchema = v.strictObject({
  /** Prefix of every physical name: lower-case letters and digits. */
  name: text,
  clients: v.record(text, clientSchema),
  apis: v.record(text, apiSchema),
  signing: v.strictObject({ cidr: text }),
  zones: v.record(text, zoneSchema),
  /** Availability zones a VPC spans (default 2). */
  availabilityZones: v.optional(v.picklist([1, 2, 3]), 2),
  /** Whether this deploy sets `AWS::ApiGateway::Account` (default true). */
  apiGatewayAccount: v.optional(v.boolean(), true),
  /** Reasoned exceptions from rules of the proof; printed every time. */
  exceptions: v.optional(v.array(exceptionSchema), []),
});

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
type Output<T extends v.GenericSchema> = DeepReadonly<v.InferOutput<T>>;

/** What is written in zones.ts: {@link SystemDeclaration}, of which whatever has a default may be left out. */
export type SystemInput = DeepReadonly<v.InferInput<typeof systemSchema>>;

/** The one declaration: clients, APIs, zones; everything else derives from it. */
export type SystemDeclaration = Output<typeof systemSchema>;

/** One registration at the issuer. */
export type ClientDeclaration = Output<typeof clientSchema>;

/** A health API that zones call. */
export type ApiDeclaration = Output<typeof apiSchema>;

/** Calls of one API that a zone may have proofs for. */
export type ApiGrant = Output<typeof apiGrantSchema>;

/** What one zone may have signed for one client; at most one a client in a zone. Each grant gets a signer of its own. */
export type GrantDeclaration = Output<typeof grantSchema>;

/** User login through the zone's gateway. */
export type LoginDeclaration = Output<typeof loginSchema>;

/** What the shipped authorizer demands of a token. */
export type AuthorizerDeclaration = Output<typeof authorizerSchema>;

/** A route of a zone's REST API. */
export type Route = Output<typeof routeSchema>;

/** A zone's entry through API Gateway. */
export type GatewayDeclaration = Output<typeof gatewaySchema>;

/** A closed network: one VPC, its own roles, its own secrets. */
export type ZoneDeclaration = Output<typeof zoneSchema>;

/** A reasoned exception from a rule of the proof. */
export type ProofException = Output<typeof exceptionSchema>;
