import { ZonesError } from '@helseid-zones/protocol/errors';
import { equalSecrets } from '../login-common/secrets.ts';

/** Parameters of an authorization response (RFC 6749 4.1.2, RFC 9207, JARM). Each may be there once. */
const PARAMETERS = [
  'code',
  'state',
  'iss',
  'error',
  'error_description',
  'error_uri',
  'session_state',
  'response',
];

/**
 * Checks an authorization response before anything is looked up, and gives its `state`. Does not compare `state`: that
 * takes the transaction.
 *
 * @throws {ZonesError} request_malformed: a parameter is there twice, or `state` is none of ours
 * @throws {ZonesError} login_refused: `iss` is not the issuer exactly (RFC 9207; required, whatever the metadata says), or there
 * is neither or both of `code` and `error`
 */
export function checkResponse(parameters: URLSearchParams, issuer: string): string {
  for (const name of PARAMETERS)
    if (parameters.getAll(name).length > 1)
      throw new ZonesError('request_malformed', `The parameter ${name} is there more than once.`);
  const state = parameters.get('state') ?? '';
  if (state === '' || state.length > 200)
    throw new ZonesError('request_malformed', 'The callback has no state; begin at /login.');
  if (!equalSecrets(parameters.get('iss') ?? '', issuer))
    throw new ZonesError(
      'login_refused',
      'The callback does not come from the issuer of this login; begin again.',
    );
  const outcomes = ['code', 'error'].filter((name) => (parameters.get(name) ?? '') !== '');
  if (outcomes.length !== 1 || parameters.has('response'))
    throw new ZonesError('login_refused', 'The callback is not an answer to a login; begin again.');
  return state;
}
