import { callGateway } from '../aws-client.ts';
import { gatewayZone, needsEntries, operatorAccess } from './facts.ts';
import { type Step, stepFailed } from './step.ts';

/** A signed request to the gateway reaches the API behind the zone's function; the same without a signature does not get in. */
export const gatewayToApi: Step = {
  name: 'gateway-to-api',
  unfit: needsEntries(gatewayZone),
  async run(system) {
    const { zone, declared, functionName } = gatewayZone(system);
    const route = declared.gateway?.routes.find(
      ({ authorize, method }) => authorize === 'iam' && method === 'GET',
    );
    const path = (route?.path ?? '/').replaceAll(/\{[^}]+\}/g, '17');
    const url = system.gatewayUrl(zone);
    const { status, error } = await callGateway({ ...operatorAccess(system), url }, path);
    if (status !== 200) throw stepFailed(`GET ${path} answered ${status}: ${error?.message ?? ''}`);
    const unsigned = await fetch(`${url}${path}`);
    await unsigned.body?.cancel();
    if (unsigned.status !== 403)
      throw stepFailed(`GET ${path} without a signature answered ${unsigned.status}`);
    return `GET ${path} through ${functionName}: 200; without a signature: 403 ${unsigned.headers.get('x-amzn-errortype')}`;
  },
};
