import * as v from 'valibot';
import { details, MAX_INTENTS, method, nonce, refusal } from './intents.ts';
import { type DeepReadonly, name, text } from './schema.ts';

/**
 * What a zone's tokens function is asked, and what it answers: headers of one API call, which its caller need not understand.
 * @module
 */

/** `Authorization` of a call with a DPoP-bound access token (RFC 9449 7.1, token68 of RFC 9110 11.2). */
const authorization = v.pipe(v.string(), v.regex(/^DPoP [A-Za-z0-9\-._~+/]+=*$/));

/** The headers of one API call that is about to be made. */
export const tokenRequest = v.strictObject({
  /** Name of the API in the declaration; the zone has a grant for it. */
  api: text,
  /** Name of the client that calls it: needed where the zone has grants of several for it. */
  client: v.exactOptional(name),
  method,
  /** Below the API's base URL, or a path below it that begins with a slash. Leave the query out: a proof has none. */
  url: text,
  /** Details of the assertion that the token is asked for with, such as the organisation on whose behalf the call is made. */
  details: v.exactOptional(details),
  /** The API's own nonce: `DPoP-Nonce` of its last answer (RFC 9449 9). */
  nonce: v.exactOptional(nonce),
  /** `authorization` of the last answer, where the API refused it with 401. Another token is fetched at most once a minute. */
  refused: v.exactOptional(authorization),
});

/** Named, so that the type of the schema is not written out three times where it is published. */
type OneRequest = v.InferOutput<typeof tokenRequest>;

/** The shape of a tokens function's payload: one request, or several at once, answered in their order. */
export const tokenRequests: v.GenericSchema<unknown, OneRequest | OneRequest[]> = v.union([
  tokenRequest,
  v.pipe(v.array(tokenRequest), v.minLength(1), v.maxLength(MAX_INTENTS)),
]);

/** The headers, for one request sent at once: the proof names its method and URL, and is old after a few seconds. */
export const tokenHeaders = v.object({
  /** `Authorization`. */
  authorization,
  /** `DPoP`. */
  dpop: v.string(),
  /** Seconds that the token is still good for; 0 where its issuer did not say. */
  expires_in: v.pipe(v.number(), v.integer(), v.minValue(0)),
});

const tokenResponse = v.union([tokenHeaders, refusal]);

/** The shape of a tokens function's answer: of one request, or of several in their order. */
export const tokenResponses = v.union([tokenResponse, v.array(tokenResponse)]);

/** See {@link tokenRequest}. */
export type TokenRequest = DeepReadonly<OneRequest>;

/** See {@link tokenHeaders}. */
export type TokenHeaders = v.InferOutput<typeof tokenHeaders>;

/** What one request is answered with. */
export type TokenResponse = v.InferOutput<typeof tokenResponse>;
