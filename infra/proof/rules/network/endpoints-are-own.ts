import { SIGNING } from '../../network/model.ts';
import { type Rule, violationsOf } from '../rule.ts';

/** The services each kind of zone may have an endpoint for. The admin zone makes keys and writes records; the others ask signers and keep tables. */
const SERVICES: Readonly<Record<'signing' | 'admin' | 'zone', readonly string[]>> = {
  signing: ['kms', 'secretsmanager'],
  admin: ['kms', 'secretsmanager', 'lambda', 'dynamodb'],
  zone: ['lambda', 'dynamodb'],
};

/** A zone has endpoints for the services it calls, each with a policy of its own, in its own VPC and subnets. */
export const endpointsAreOwn: Rule = {
  name: 'endpoints-are-own',
  invariant: 'I4',
  title:
    'A zone has endpoints for exactly the kinds of service it calls, each with a policy, in its own subnets.',
  check: ({ network, declaration }) =>
    network.endpoints.flatMap((endpoint) => {
      const zone = network.zones.get(endpoint.vpc);
      const kind = zone === SIGNING ? 'signing' : declaration.zones[zone ?? '']?.admin ? 'admin' : 'zone';
      const foreign = endpoint.subnets.filter((id) => network.subnets.get(id)?.vpc !== endpoint.vpc);
      const problems = [
        ...(zone === undefined ? ['lies in a VPC of no zone'] : []),
        ...(SERVICES[kind].includes(endpoint.service)
          ? []
          : [`leads to ${endpoint.service}, which the zone does not call`]),
        ...(endpoint.resource.properties.PolicyDocument === undefined
          ? ['has no policy, so that it takes every call of everybody']
          : []),
        ...foreign.map((id) => `has an interface in ${id}, outside its VPC`),
      ];
      return violationsOf(problems, {
        resource: endpoint.resource.constructPath,
        subject: `The ${endpoint.service} endpoint of ${zone ?? 'no zone'}`,
        path: [zone ?? endpoint.vpc, endpoint.id, endpoint.service],
        remedy: 'Give it the policy that names who may call what, in its own zone, or remove it.',
      });
    }),
};
