import { getAccessToken } from '@helseid-zones/client/machine-token';
import { createMemorySigner } from '@helseid-zones/client/memory-signer';
import { createTokenClient } from '@helseid-zones/client/token-client';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import type { ForeignClient } from '../foreign-client.ts';
import type { LocalSystem } from '../system.ts';
import { makeProof } from './proof.ts';
import { stepFailed } from './step.ts';

const CLIENT = 'foreign';

/** Somebody else's client, in front of a route of ours. */
export interface ForeignCall {
  /** The route as it is called. */
  url: string;
  method: string;
  /** A token with these scopes, and the headers of a call with it. */
  token(scopes: readonly string[]): Promise<string>;
  headers(accessToken: string): Promise<Record<string, string>>;
  /** Calls the route; resolves to the status. */
  send(headers: Readonly<Record<string, string>>): Promise<number>;
  demands: ForeignClient['demands'];
}

/** Says what the declaration lacks for a call by a foreign client. */
export function needsForeignRoute(system: LocalSystem): string | undefined {
  try {
    prepareForeignCall(system);
    return undefined;
  } catch (cause) {
    return (cause as Error).message;
  }
}

/** Prepares calls of the first GET route for HelseID's tokens. Throws a `TypeError` where there is none, or where it wants a person. */
export function prepareForeignCall(system: LocalSystem): ForeignCall {
  const { declaration, standIns } = system;
  if (standIns === undefined) throw new TypeError('without the stand-in there is no foreign client');
  for (const caller of standIns.foreign) {
    const { zone, issuer, clientId, demands, privateKey } = caller;
    const { routes = [] } = declaration.zones[zone]?.gateway ?? {};
    const route = routes.find(({ method, authorize }) => method === 'GET' && authorize === 'helseid');
    if (route === undefined || demands.securityLevel !== undefined) continue;
    const subject = { clientId, issuer, profile: helseIdProfile, tenancy: 'single-tenant' } as const;
    const signer = createMemorySigner({
      client: CLIENT,
      subject,
      keys: [{ privateKey, algorithm: 'ES256' }],
    });
    const client = createTokenClient({ client: CLIENT, ...subject, signer, fetch });
    const url = system.gatewayUrl(zone) + route.path.replaceAll(/\{[^}]+\}/g, '17');
    return {
      ...{ url, method: route.method, demands },
      token: async (scopes) => (await getAccessToken(client, { scopes })).accessToken,
      headers: async (accessToken) => ({
        authorization: `DPoP ${accessToken}`,
        dpop: await makeProof(privateKey, route.method, url, accessToken),
      }),
      async send(headers) {
        const answer = await fetch(url, { headers });
        await answer.body?.cancel();
        return answer.status;
      },
    };
  }
  throw new TypeError("no zone has a GET route with authorize: 'helseid' that machines may call");
}

/** Makes the allowed call first: a refusal proves nothing where nobody gets through. Resolves to its token. */
export async function mustCall(call: ForeignCall): Promise<string> {
  const accessToken = await call.token(call.demands.scopes);
  const status = await call.send(await call.headers(accessToken));
  if (status !== 200) throw stepFailed(`the allowed twin failed: ${call.url} answered ${status}`);
  return accessToken;
}

/** Throws unless a call is refused with 401. */
export async function expectRefused(
  call: ForeignCall,
  how: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const status = await call.send(headers);
  if (status !== 401) throw stepFailed(`${how} the gateway answered ${status}`);
}
