import { resourceByArn } from '../../assembly/resolve.ts';
import { statementsAbout } from '../../policy/statement.ts';
import { admissionOf, externalPrincipals, strangeServices } from '../external-principals.ts';
import { namedByResources } from '../named-actions.ts';
import { type Problem, type Rule, violationsOf } from '../rule.ts';

/**
 * No resource's own policy lets in anybody who is no role of the templates, to it or what lies below it; a service only for resources of the system's
 * accounts, so that nobody else can have the service act for them. Keys have rules of their own.
 */
export const outsidersAreNotAdmitted: Rule = {
  name: 'outsiders-are-not-admitted',
  invariant: 'I2',
  title: 'No resource’s own policy lets in strangers, or a service that acts for strangers.',
  check: (input) => {
    const actions = namedByResources(input);
    const anybody = externalPrincipals(input);
    return [...input.world.resources.values()]
      .filter(({ arn, policies }) => policies.length > 0 && !arn.includes(':kms:'))
      .flatMap((resource) => {
        const { arn, policies } = resource;
        const asked = actions.filter((action) =>
          policies.some((policy) => statementsAbout(policy, action).length > 0),
        );
        const path = resourceByArn(input.assembly, arn)?.constructPath ?? arn;
        const strangers = anybody.flatMap(({ name, principal }): Problem[] => {
          const found = admissionOf(principal, asked, arn, input.world);
          return found ? [[undefined, `lets in ${name}`, found.request]] : [];
        });
        return violationsOf([...strangers, ...strangeServices(resource, asked, input)], {
          resource: path,
          subject: `The policy of ${path}`,
          path: ['whoever it lets in', 'the resource’s own policy', path],
          remedy:
            'Name the roles that may use it; for a service that brings what happens in an account, name aws:SourceAccount and aws:SourceArn. One that hands what it is given to whoever asks, as CloudFront does, is not made the system’s by them: leave it out, or declare an exception with its reason.',
        });
      });
  },
};
