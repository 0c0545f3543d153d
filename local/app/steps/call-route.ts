import { callGateway } from '../../aws/aws-client.ts';
import type { LocalSystem } from '../system.ts';
import { gatewayZone, operatorAccess } from './facts.ts';
import { stepFailed } from './step.ts';

/** Reads the gateway zone's route as the operator, with SigV4. Resolves to the path; throws unless it was answered with 200. */
export async function callRoute(system: LocalSystem): Promise<string> {
  const { zone, declared } = gatewayZone(system);
  const route = declared.gateway?.routes.find(
    ({ authorize, method }) => authorize === 'iam' && method === 'GET',
  );
  const path = (route?.path ?? '/').replaceAll(/\{[^}]+\}/g, '17');
  const access = { ...operatorAccess(system), url: system.gatewayUrl(zone) };
  const { status, error } = await callGateway(access, path);
  if (status !== 200) throw stepFailed(`GET ${path} answered ${status}: ${error?.message ?? ''}`);
  return path;
}
