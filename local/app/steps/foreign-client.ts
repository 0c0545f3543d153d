import { getAccessToken } from '@helseid-zones/client/machine-token';
import { createMemorySigner } from '@helseid-zones/client/memory-signer';
import { createTokenClient } from '@helseid-zones/client/token-client';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { ANOTHER_API, type ForeignClient } from '../foreign-client.ts';
import type { LocalSystem } from '../system.ts';
import { needsEntries } from './facts.ts';
import { makeProof, makeThiefsProof } from './proofs.ts';
import { type Step, stepFailed } from './step.ts';

const CLIENT = 'foreign';

/** Somebody else's client, in front of a route of ours. */
interface ForeignCall {
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

/** Prepares calls of the first GET route for HelseID's tokens. Throws a `TypeError` where there is none, or where it wants a person. */
function prepareForeignCall(system: LocalSystem): ForeignCall {
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
async function mustCall(call: ForeignCall): Promise<string> {
  const accessToken = await call.token(call.demands.scopes);
  const status = await call.send(await call.headers(accessToken));
  if (status !== 200) throw stepFailed(`the allowed twin failed: ${call.url} answered ${status}`);
  return accessToken;
}

/** Throws unless a call is refused with 401. */
async function expectRefused(
  call: ForeignCall,
  how: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const status = await call.send(headers);
  if (status !== 401) throw stepFailed(`${how} the gateway answered ${status}`);
}

const unfit = needsEntries(prepareForeignCall);

/** Another vendor's client calls a route of ours with its token; without one it does not get in. */
export const foreignClientToRoute: Step = {
  name: 'foreign-client-to-route',
  unfit,
  async run(system) {
    const call = prepareForeignCall(system);
    await mustCall(call);
    await expectRefused(call, 'without a token', {});
    return `GET ${new URL(call.url).pathname} by a foreign client: 200; without a token: 401`;
  },
};

/** A token that was stolen from another vendor opens nothing without the key it is bound to. */
export const foreignTokenStolen: Step = {
  name: 'foreign-token-stolen',
  unfit,
  async run(system) {
    const call = prepareForeignCall(system);
    const accessToken = await mustCall(call);
    await expectRefused(call, 'as a bearer token', { authorization: `Bearer ${accessToken}` });
    await expectRefused(call, 'without a proof', { authorization: `DPoP ${accessToken}` });
    const dpop = await makeThiefsProof(call.method, call.url, accessToken);
    await expectRefused(call, "with a proof by the thief's key", {
      authorization: `DPoP ${accessToken}`,
      dpop,
    });
    return "as a bearer token, without a proof, with a proof by the thief's key: 401 each time";
  },
};

/** Who records a call can't make it again. */
export const foreignCallReplayed: Step = {
  name: 'foreign-call-replayed',
  unfit,
  async run(system) {
    const call = prepareForeignCall(system);
    const headers = await call.headers(await mustCall(call));
    const first = await call.send(headers);
    await expectRefused(call, 'the second time', headers);
    return `first ${first}, then 401`;
  },
};

/** A client's token for another API, with a proof by its own key, is no token for ours. */
export const foreignAudience: Step = {
  name: 'foreign-audience',
  unfit,
  async run(system) {
    const call = prepareForeignCall(system);
    await mustCall(call);
    const other = await call.token(ANOTHER_API.scopes);
    await expectRefused(call, `with a token for ${ANOTHER_API.audience}`, await call.headers(other));
    return `with a token for ${ANOTHER_API.audience}: 401`;
  },
};
