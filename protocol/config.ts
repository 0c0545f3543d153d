import * as v from 'valibot';
import { ALGORITHM_NAMES } from './algorithms.ts';
import { isOrganizationNumber } from './details.ts';
import { issuerProfile } from './profile.ts';
import {
  audience,
  count,
  type DeepReadonly,
  name,
  readConfig,
  scope,
  seconds,
  some,
  text,
} from './schema.ts';

/**
 * What lies as `config.json` in the asset of a zone function: everything the declaration says that it needs. Ids of AWS
 * resources come by environment instead.
 * @module
 */

const httpMethod = v.picklist(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
const tenancy = v.picklist(['single-tenant', 'multi-tenant']);
const securityLevel = v.picklist(['2', '3', '4']);

const clientConfig = v.strictObject({
  clientId: text,
  /** Exactly as in the issuer's metadata; may have a path. */
  issuer: text,
  tenancy,
  profile: issuerProfile,
});

const apiConfig = v.strictObject({
  /** https URL without a trailing slash; request paths are appended. */
  baseUrl: text,
  /** `aud` of its access tokens. */
  audience,
  /** Scopes asked for when a token for it is fetched. */
  scopes: some(scope),
  /** RFC 8707 resource indicator, where the issuer's registration wants one. */
  resource: v.exactOptional(text),
  /** Which of the zone's clients may call it. */
  clients: some(text),
});

/** API Gateway resource paths: plain segments but `.`, `..` and `:id`, which is another framework's parameter, and whole segments in braces; the last may be greedy. */
const RESOURCE_PATH =
  /^\/$|^(?!.*\/\.{1,2}(?:\/|$))(?:\/(?:[A-Za-z0-9._$-][A-Za-z0-9:._$-]*|\{[A-Za-z0-9_]+\}))*(?:\/\{[A-Za-z0-9_]+\+\})?$/;

/** Paths below an API's base URL: parameters are whole segments and never greedy. */
export const TARGET_PATH = /^(?:\/(?:[A-Za-z0-9._~$-]+|\{[A-Za-z0-9_]+\}))+$/;

/** A path of a zone's REST API, e.g. `/summaries/{id}`. */
export const resourcePath = v.pipe(
  text,
  v.regex(
    RESOURCE_PATH,
    'must be an API Gateway resource path, e.g. /summaries/{id}; parameters are whole segments in braces',
  ),
);

/** A route of the zone's gateway, as its function and the declaration have it. */
export const routeConfig = v.strictObject({
  method: httpMethod,
  path: resourcePath,
  /**
   * `iam`: SigV4; `helseid`: the shipped authorizer for DPoP-bound HelseID access tokens; `webhook`: open at the gateway, and
   * checked before the function's own code by the body's HMAC (https://www.standardwebhooks.com).
   */
  authorize: v.picklist(['iam', 'helseid', 'webhook']),
  /** Of a route with `webhook`. */
  webhook: v.exactOptional(
    v.strictObject({
      /** One of the function's secrets, `whsec_` and base64: the key of the HMAC. */
      secret: text,
      /** Seconds that `webhook-timestamp` may differ from now, either way (default 300). */
      tolerance: v.exactOptional(count, 300),
    }),
  ),
});

const forwardConfig = v.strictObject({
  method: httpMethod,
  /** API Gateway resource path below `/api`, e.g. `/summaries/{id}`; parameters are whole segments and never greedy. */
  path: v.pipe(
    text,
    v.check(
      (path) => TARGET_PATH.test(path) && RESOURCE_PATH.test(path),
      'must be a path like /summaries/{id}; parameters are whole segments',
    ),
  ),
  /** Name of the API it is forwarded to. */
  api: text,
  /** Path below the API's base URL, with the same parameters as `path`; default `path`. */
  to: v.exactOptional(text),
  /** Request headers that are passed on beside the usual ones. */
  headers: v.exactOptional(
    v.array(v.pipe(text, v.regex(/^[a-z0-9-]+$/, 'must be a header name in lower case'))),
  ),
});

/** User login through a zone's gateway, as declared. */
export const loginConfig = v.strictObject({
  /** The client that logs users in; the zone must have a grant for it. */
  client: text,
  /** Exactly the scopes to ask for, in this order. */
  scopes: v.pipe(some(scope), v.includes('openid', 'must include openid, or there is no ID token')),
  /** Lowest accepted `helseid://claims/identity/security_level`; absent where none is demanded. */
  securityLevel: v.exactOptional(securityLevel),
  acrValues: v.exactOptional(some(text)),
  /** `prompt` of every login; a browser may ask for `login` or `select_account` where nothing is declared. */
  prompt: v.exactOptional(v.picklist(['login', 'select_account'])),
  /** Seconds since the person proved who they are, at most; checked against `auth_time`. */
  maxAge: v.exactOptional(seconds),
  /** ID-porten's organisation number to log in on behalf of, nine digits. */
  onBehalfOf: v.exactOptional(
    v.pipe(
      text,
      v.check(isOrganizationNumber, 'must be an organisation number of nine digits with a right check digit'),
    ),
  ),
  /** Whether PAR carries a signed request object (needs the grant; default false). */
  requestObject: v.exactOptional(v.boolean(), false),
  /** Minutes without use after which a session ends (default 30). */
  idleMinutes: v.exactOptional(count, 30),
  /** Minutes after login at which a session ends anyhow (default 480). */
  absoluteMinutes: v.exactOptional(count, 480),
  /** Routes under `/api/` that are forwarded for the logged-in user. */
  forward: v.array(forwardConfig),
});

/** What the shipped authorizer demands on routes with `authorize: 'helseid'`, as declared. */
export const authorizerConfig = v.strictObject({
  /** The zone's client whose issuer's tokens are accepted. */
  client: text,
  /** This API's name in `aud`. */
  audience,
  /** Scopes that a token must hold, all of them. */
  scopes: some(scope),
  /** Lowest accepted `helseid://claims/identity/security_level`; with it a person must be in the token. */
  securityLevel: v.exactOptional(securityLevel),
  /** Whether a token that names other audiences as well is accepted (default false). */
  otherAudiences: v.exactOptional(v.boolean(), false),
  /** Seconds that a proof is accepted after `iat` (default 10; NHN's own samples allow as much). */
  proofAge: v.exactOptional(count, 10),
  /** Seconds that clocks may differ each way (default 5). */
  clockSkew: v.exactOptional(seconds, 5),
});

const selfService = v.strictObject({
  baseUrl: text,
  audience,
  scope,
  body: v.picklist(['object', 'string']),
});

const rotationConfig = v.strictObject({
  algorithm: v.picklist(ALGORITHM_NAMES),
  selfService: v.exactOptional(selfService),
  everyDays: count,
  /** Seconds; how long a replaced key still signs proofs. */
  longestTokenLifetime: seconds,
  /** Seconds the issuer may take to honour a new key everywhere; NHN's self-service samples wait 20 s. */
  propagation: seconds,
});

const keptClientConfig = v.strictObject({
  ...clientConfig.entries,
  algorithm: v.picklist(ALGORITHM_NAMES),
  selfService,
  apis: v.record(text, v.omit(apiConfig, ['clients'])),
  propagation: seconds,
});

const zoneConfig = v.strictObject({
  version: v.literal(1),
  system: name,
  zone: name,
  clients: v.record(text, clientConfig),
  apis: v.record(text, apiConfig),
  /** Of a function that gets its tokens from the zone's tokens function, not from its signers. */
  tokens: v.exactOptional(v.literal('function')),
  /** Of a function behind the gateway: the declared routes that lead to it. */
  routes: v.array(routeConfig),
  /** Of the functions of user login and the authorizer: the gateway's declared external URL, without a trailing slash. */
  baseUrl: v.exactOptional(text),
  /** Of the functions of user login. */
  login: v.exactOptional(loginConfig),
  /** Of the authorizer. */
  authorizer: v.exactOptional(authorizerConfig),
  /** Of the admin zone's functions: one entry a client. */
  rotation: v.exactOptional(v.record(text, rotationConfig)),
  /** Of a function that keeps the keys of clients: one entry a client. */
  clientKeys: v.exactOptional(v.record(text, keptClientConfig)),
});

/** A client, as a zone function sees it. */
export type ClientConfig = DeepReadonly<v.InferOutput<typeof clientConfig>>;

/** An API, as a zone function sees it. */
export type ApiConfig = DeepReadonly<v.InferOutput<typeof apiConfig>>;

/** A route of the zone's gateway. */
export type RouteConfig = DeepReadonly<v.InferOutput<typeof routeConfig>>;

/** A route that the `api` function forwards for the logged-in user. */
export type ForwardConfig = DeepReadonly<v.InferOutput<typeof forwardConfig>>;

/** User login, defaults applied. */
export type LoginConfig = DeepReadonly<v.InferOutput<typeof loginConfig>>;

/** What the authorizer demands, defaults applied. */
export type AuthorizerConfig = DeepReadonly<v.InferOutput<typeof authorizerConfig>>;

/** A client's keys, as the admin zone's functions see them. */
export type RotationConfig = DeepReadonly<v.InferOutput<typeof rotationConfig>>;

/** What {@link parseZoneConfig} gives. */
export type ZoneConfig = DeepReadonly<v.InferOutput<typeof zoneConfig>>;

/**
 * Reads the text of `config.json`, and puts in the defaults. Does not check what fields mean together, which the declaration's
 * own checks do.
 * @throws {ZonesError} config_invalid: not the shape of a zone's config; the message names the field
 */
export function parseZoneConfig(json: string): ZoneConfig {
  return readConfig('config.json', v.pipe(v.string(), v.parseJson(), zoneConfig), json);
}
