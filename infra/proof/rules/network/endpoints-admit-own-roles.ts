import { listOf } from '../../assembly/json.ts';
import { all, not } from '../../policy/condition.ts';
import { mayServe } from '../../policy/endpoint.ts';
import { formulate, satisfiable } from '../../policy/index.ts';
import { externalPrincipals, fittingNames } from '../external-principals.ts';
import { namedActions } from '../named-actions.ts';
import type { Rule } from '../rule.ts';

/**
 * An endpoint lets the roles of its own zone through and nobody else: credentials of another account, brought into a closed
 * network, would make of it a way out.
 */
export const endpointsAdmitOwnRoles: Rule = {
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
        .flatMap(fittingNames)
        .filter((action) => mayServe(endpoint.service, action));
      return externalPrincipals(input)
        .filter(({ principal }) =>
          actions.some((action) => {
            const { answers } = formulate(
              { principal, action, resource: `arn:aws:${endpoint.service}:*:*:*` },
              view,
            );
            return answers
              .endpoints()
              .some(({ answer: { allows, denies } }) => satisfiable(all([allows, not(denies)])));
          }),
        )
        .map(({ name }) => ({
          resource: resource.constructPath,
          message: `The ${endpoint.service} endpoint lets ${name} through.`,
          path: [name, resource.constructPath, endpoint.service],
          remedy: 'Name the roles of the zone in aws:PrincipalArn of every statement that allows.',
        }));
    }),
};
