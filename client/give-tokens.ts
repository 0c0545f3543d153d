import type { ZoneConfig } from '@helseid-zones/protocol/config';
import { renderDetails } from '@helseid-zones/protocol/details';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { MAX_INTENTS } from '@helseid-zones/protocol/intents';
import { malformed, unfit } from '@helseid-zones/protocol/parse';
import { readBy } from '@helseid-zones/protocol/schema';
import {
  type TokenHeaders,
  type TokenRequest,
  type TokenResponse,
  tokenRequest,
} from '@helseid-zones/protocol/token-request';
import { urlBelow } from '@helseid-zones/protocol/url';
import { isUnusableKey, signProof } from './call-headers.ts';
import { entryOf } from './environment.ts';
import { describeError, type Log } from './log.ts';
import { machineTokens } from './machine-token.ts';
import type { TokenClient } from './token-client.ts';

/** What a tokens function gives by. */
export interface GiveTokensDeps {
  config: Pick<ZoneConfig, 'zone' | 'clients' | 'apis'>;
  /** The zone's token clients; their caches say how often a refused token is replaced. */
  client: (name: string) => TokenClient;
  /** Told of what is not given, one line a request. Never of a token, a proof or a whole URL. */
  audit: Log['audit'];
}

/**
 * Makes the handler of a zone's tokens function: headers of API calls, for one request or up to eight at once, each answered by
 * itself. A token is fetched with the scopes and the resource that the declaration gives the API and with nothing that the request
 * says, so no caller can have a token of another scope; whether details, method and path are granted, the signer decides. Every
 * coded error is answered, none thrown. What is not a coded error is a bug and is thrown.
 *
 * Does not know who asks: IAM decides who may invoke it, and all who may share the zone's grants.
 */
export function createTokenGiver(deps: GiveTokensDeps) {
  const answer = async (request: unknown): Promise<TokenResponse> => {
    try {
      return await give(deps, request);
    } catch (error) {
      if (!isZonesError(error)) throw error;
      const { code, message, facts } = error;
      deps.audit('token.not_given', describeError(error));
      return { error: { code, message, facts } };
    }
  };
  return async (event: unknown): Promise<TokenResponse | TokenResponse[]> => {
    if (!Array.isArray(event)) return answer(event);
    // Nothing is malformed by itself.
    if (event.length === 0 || event.length > MAX_INTENTS) return answer(undefined);
    return Promise.all(event.map(answer));
  };
}

async function give({ config, client }: GiveTokensDeps, event: unknown): Promise<TokenHeaders> {
  const many = `is one request, or a list of 1 to ${MAX_INTENTS}`;
  const request = readBy(tokenRequest, event, (field) => (field ? unfit(field) : malformed(field, many)));
  const { method, nonce, details, refused } = request;
  const { baseUrl, scopes, resource, name } = findApi(config, request);
  const url = urlBelow(baseUrl, request.url);
  if (!url) throw malformed('url', `is no path that begins with a slash, and no URL below ${baseUrl}`);
  // What no signer signs costs no call of the table of tokens either.
  if (details) renderDetails(details, entryOf(config.clients, name, 'config.json: clients'));
  const of = client(name);
  const source = machineTokens(of, { scopes, resource, details });
  let token = await source.get();
  if (refused === `DPoP ${token.accessToken}`) {
    const renewed = await source.renew(token);
    const message =
      'The API refused a token that took a refused one’s place a moment ago: look at scope, audience and organisation.';
    if (!renewed) throw new ZonesError('renewal_limited', message);
    token = renewed;
  }
  const sign = () => signProof(of, token, { method, url, nonce });
  const dpop = await sign().catch(async (error: unknown) => {
    // The signer says so, and whoever asks has no part in it: not counted as a refused token.
    const replaced = isUnusableKey(error) ? await source.replace?.(token) : undefined;
    if (!replaced) throw error;
    token = replaced;
    return sign();
  });
  const left = token.expiresAt === undefined ? 0 : Math.floor(token.expiresAt - of.now() / 1000);
  return { authorization: `DPoP ${token.accessToken}`, dpop, expires_in: Math.max(0, left) };
}

/** The API and the one client of the zone that calls it for this request. */
function findApi({ zone, apis }: GiveTokensDeps['config'], { api, client }: TokenRequest) {
  const declared = Object.hasOwn(apis, api) ? apis[api] : undefined;
  const [name, ...others] = (declared?.clients ?? []).filter((one) => client === undefined || one === client);
  if (declared && others.length > 0)
    throw malformed('client', `is needed, one of: ${declared.clients.join(', ')}`);
  if (declared && name !== undefined) return { ...declared, name };
  const field = declared ? 'client' : 'api';
  const message = `The zone ${zone} has no grant for this API${declared ? ' by this client' : ''}; give it one in zones.ts.`;
  throw new ZonesError('grant_refused', message, { facts: { field } });
}
