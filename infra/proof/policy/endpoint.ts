import { all, any, type Condition, isPresent, not } from './condition.ts';
import { compileConditions } from './operators.ts';
import { serviceOf } from './request.ts';
import type { World } from './world/world.ts';

/** The prefix of the actions that an endpoint serves, by the last part of its service name. */
const SERVED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    'dynamodb ec2 events execute-api kms lambda logs s3 secretsmanager sns sqs ssm states sts xray'
      .split(' ')
      .map((service) => [service, service]),
  ),
  'kms-fips': 'kms',
  monitoring: 'cloudwatch',
};

/** Whether an endpoint of `endpointService` serves `action`; one that the table lacks may serve anything. */
export function mayServe(endpointService: string, action: string): boolean {
  const prefix = SERVED[endpointService];
  return prefix === undefined || prefix === serviceOf(action);
}

/** The endpoint service that serves `action`, e.g. `monitoring` for `cloudwatch:PutMetricData`. */
export function endpointServiceOf(action: string): string {
  const prefix = serviceOf(action);
  return Object.keys(SERVED).find((service) => SERVED[service] === prefix) ?? prefix;
}

/** That a request comes through the endpoint with this id. */
export function comesThrough(endpointId: string): Condition {
  return hasText('aws:SourceVpce', endpointId);
}

/**
 * What AWS guarantees about where a request for `action` comes from: through one endpoint at most, and that of
 * the service; with `aws:SourceVpc` exactly when through an endpoint, and then the endpoint's VPC. `via` are
 * the endpoints that the caller's network leaves it (absent: any way, also none). Assumes that the VPCs of the
 * world have no endpoints beyond the world's.
 */
export function networkFacts(world: World, action: string, via: readonly string[] | undefined): Condition {
  const throughByVpc = new Map<string, Condition[]>();
  const facts = [
    any([not(isPresent('aws:SourceVpce')), isPresent('aws:SourceVpc')]),
    any([not(isPresent('aws:SourceVpc')), isPresent('aws:SourceVpce')]),
  ];
  for (const { through, vpc, service } of world.endpoints.values()) {
    const here = throughByVpc.get(vpc) ?? [];
    const serves = mayServe(service, action);
    throughByVpc.set(vpc, serves ? [...here, through] : here);
    facts.push(serves ? any([not(through), hasText('aws:SourceVpc', vpc)]) : not(through));
  }
  for (const [vpc, throughs] of throughByVpc)
    facts.push(any([not(hasText('aws:SourceVpc', vpc)), ...throughs]));
  if (via !== undefined) facts.push(any(via.map(comesThrough)));
  return all(facts);
}

function hasText(key: string, text: string): Condition {
  return compileConditions({ StringEquals: { [key]: text } }, false);
}
