import { ANOTHER_API } from '../foreign-client.ts';
import { expectRefused, mustCall, needsForeignRoute, prepareForeignCall } from './foreign-call.ts';
import { makeThiefsProof } from './proof.ts';
import type { Step } from './step.ts';

const unfit = needsForeignRoute;

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
