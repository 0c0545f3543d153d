import { hasSecrets } from '../../../declaration/function-resources.ts';
import type { SystemDeclaration } from '../../../declaration/schema.ts';
import { listOf } from '../../assembly/json.ts';
import { SIGNING } from '../../assembly/network.ts';
import { remembered } from '../../assembly/remembered.ts';
import { namedActions } from '../../assembly/roles.ts';
import { all, not } from '../../policy/condition.ts';
import { formulate } from '../../policy/decide.ts';
import { mayServe } from '../../policy/endpoint.ts';
import type { Principal } from '../../policy/principal.ts';
import { satisfiable } from '../../policy/solve.ts';
import { externalPrincipals } from '../external-principals.ts';
import { type Rule, violationsOf } from '../rule.ts';
import { everyOf } from '../targets.ts';
import { findNearest, findWitness } from '../witness.ts';

/**
 * The services that a zone may have an endpoint for. The admin zone makes keys and writes records; the others ask signers, keep
 * tables, and send to queues and read secrets where a function has some.
 */
function servicesOf({ zones }: SystemDeclaration, zone: string | undefined): readonly string[] {
  if (zone === SIGNING) return ['kms', 'secretsmanager'];
  const own = zones[zone ?? ''];
  if (own === undefined) return [];
  if (own.admin) return ['kms', 'secretsmanager', 'lambda', 'dynamodb'];
  return [
    'lambda',
    'dynamodb',
    ...(Object.values(own.functions).some(({ queues }) => queues.length > 0) ? ['sqs'] : []),
    ...(hasSecrets(own) ? ['secretsmanager'] : []),
  ];
}

/** The rules about VPC endpoints. What security groups let in, properties-are-understood says. */
export const ENDPOINTS: readonly Rule[] = [
  {
    name: 'endpoints-are-own',
    invariant: 'I4',
    title:
      'A zone has endpoints for exactly the kinds of service it calls, each with a policy, in its own subnets, behind a group of the templates.',
    check: ({ network, declaration }) =>
      network.endpoints.flatMap(({ id, vpc, service, subnets, groups, resource }) => {
        const zone = network.zones.get(vpc);
        const name = String(resource.properties.ServiceName);
        const problems = [
          zone === undefined && 'lies in a VPC of no zone',
          !servicesOf(declaration, zone).includes(service) &&
            !(service === 's3' && namedActions(resource.properties.PolicyDocument).length === 0) &&
            `leads to ${service}, which the zone does not call`,
          // Of another region, or of somebody else's by the same last word.
          name.replace(/-fips$/, '') !== `com.amazonaws.${resource.region}.${service}` &&
            `leads to ${name}, which is no service of its own region`,
          resource.properties.PolicyDocument === undefined &&
            'has no policy, so that it takes every call of everybody',
          groups.some((group) => !network.groups.has(group)) &&
            'has the default security group, or one that the templates do not show',
          ...subnets
            .filter((subnet) => network.subnets.get(subnet)?.vpc !== vpc)
            .map((subnet) => `has an interface in ${subnet}, outside its VPC`),
        ];
        return violationsOf(problems, {
          resource: resource.constructPath,
          subject: `The ${service} endpoint of ${zone ?? 'no zone'}`,
          path: [zone ?? vpc, id, service],
          remedy: 'Give it the policy that names who may call what, in its own zone, or remove it.',
        });
      }),
  },
  // Credentials of another account, brought into a closed network, would make of an endpoint a way out.
  {
    name: 'endpoints-admit-own-roles',
    invariant: 'I4',
    title: 'An endpoint lets the roles of the templates through, and nobody else’s credentials.',
    check: (input) =>
      input.network.endpoints.flatMap(({ id, resource }) => {
        const endpoint = input.world.endpoints.get(id);
        if (endpoint?.policy === undefined) return [];
        const view = { ...input.world, endpoints: new Map([[id, endpoint]]) };
        const actions = listOf(resource.properties.PolicyDocument)
          .flatMap((document) => namedActions(document))
          .map((action) => (action === '*' ? `${endpoint.service}:*` : action))
          .filter((action) => mayServe(endpoint.service, action));
        const passing = (principal: Principal) =>
          actions
            .map((action) => ({ principal, action, resource: everyOf(endpoint.service) }))
            .find((question) =>
              formulate(question, view)
                .endpoints()
                .some(({ answer: { allows, denies } }) => satisfiable(all([allows, not(denies)]))),
            );
        return externalPrincipals(input).flatMap(({ name, principal }) => {
          const question = passing(principal);
          // What is behind it may hold all the same.
          const wanted = { given: endpoint.through, holding: [] };
          const request = remembered(
            () => question && (findWitness(question, view, wanted) ?? findNearest(question, view, wanted)),
          );
          return violationsOf(question ? [[undefined, `lets ${name} through`, request]] : [], {
            resource: resource.constructPath,
            subject: `The ${endpoint.service} endpoint`,
            path: [name, resource.constructPath, endpoint.service],
            remedy: 'Name the roles of the zone in aws:PrincipalArn of every statement that allows.',
          });
        });
      }),
  },
];
