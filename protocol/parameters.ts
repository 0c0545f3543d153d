import { ZonesError } from './errors.ts';

const URL_VALUE = /^https:\/\/[^\s#"\\]{1,2000}$/;
const LOOPBACK = /^http:\/\/(?:localhost|127\.0\.0\.1)(?::\d{1,5})?\/[^\s#"\\]{0,2000}$/;
const SCOPE_TOKENS = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;
const TEXT = /^[\x20-\x7e]{1,512}$/;
const SHA256 = /^[A-Za-z0-9_-]{43}$/;

/**
 * Authorization request parameters that a request object may hold, and the form of their values. What is not here
 * (`sub`, `iss`, `aud`, `request_uri`, `client_assertion` …) can't be signed; `client_id` the signer sets itself.
 */
const PARAMETERS: Readonly<Record<string, (value: string) => boolean>> = {
  response_type: (value) => value === 'code',
  response_mode: (value) => value === 'query' || value === 'form_post',
  redirect_uri: (value) => URL_VALUE.test(value) || LOOPBACK.test(value),
  scope: (value) => SCOPE_TOKENS.test(value),
  state: (value) => TEXT.test(value),
  nonce: (value) => TEXT.test(value),
  code_challenge: (value) => SHA256.test(value),
  code_challenge_method: (value) => value === 'S256',
  acr_values: (value) => SCOPE_TOKENS.test(value),
  prompt: (value) => SCOPE_TOKENS.test(value),
  max_age: (value) => /^\d{1,9}$/.test(value),
  ui_locales: (value) => SCOPE_TOKENS.test(value),
  on_behalf_of: (value) => /^[0-9A-Za-z:]{1,64}$/.test(value),
  resource: (value) => /^[a-z][a-z0-9+.-]*:[^\s#"\\]{1,2000}$/.test(value),
  dpop_jkt: (value) => SHA256.test(value),
};

/** RFC 8707: the one parameter that may be repeated. */
const REPEATABLE = 'resource';

/**
 * Every parameter must be on the list and of the right form.
 * @throws {ZonesError} intent_malformed: one is not; `facts.field` names it
 */
export function checkParameters(
  parameters: Readonly<Record<string, string | readonly string[]>>,
  field: string,
): void {
  for (const [name, value] of Object.entries(parameters)) {
    const accepts = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
    const values = typeof value === 'string' ? [value] : value;
    const right = accepts !== undefined && values.length > 0 && values.every(accepts);
    if (right && (typeof value === 'string' || name === REPEATABLE)) continue;
    const message = `The field ${field}.${name} is not a parameter that can be signed, or its value is not of the right form.`;
    throw new ZonesError('intent_malformed', message, { facts: { field: `${field}.${name}` } });
  }
}

/** The claims of a request object: strings as they are, `max_age` as a number (RFC 9101 4). */
export function renderParameters(parameters: Readonly<Record<string, string | readonly string[]>>) {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, name === 'max_age' ? Number(value) : value]),
  );
}
