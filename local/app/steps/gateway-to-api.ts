import { callRoute } from './call-route.ts';
import { gatewayZone, needsEntries } from './facts.ts';
import { type Step, stepFailed } from './step.ts';

/** A signed request to the gateway reaches the API behind the zone's function; the same without a signature does not get in. */
export const gatewayToApi: Step = {
  name: 'gateway-to-api',
  unfit: needsEntries(gatewayZone),
  async run(system) {
    const { zone, functionName } = gatewayZone(system);
    const path = await callRoute(system);
    const unsigned = await fetch(`${system.gatewayUrl(zone)}${path}`);
    await unsigned.body?.cancel();
    if (unsigned.status !== 403)
      throw stepFailed(`GET ${path} without a signature answered ${unsigned.status}`);
    return `GET ${path} through ${functionName}: 200; without a signature: 403 ${unsigned.headers.get('x-amzn-errortype')}`;
  },
};
