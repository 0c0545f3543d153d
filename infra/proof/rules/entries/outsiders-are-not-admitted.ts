import { remembered } from '../../assembly/remembered.ts';
import { resourceByArn } from '../../assembly/resolve.ts';
import type { Condition } from '../../policy/condition.ts';
import { compileConditions } from '../../policy/operators.ts';
import { statementsAbout } from '../../policy/statement.ts';
import type { Resource } from '../../policy/world/world.ts';
import { externalPrincipals, isAdmitted } from '../external-principals.ts';
import { namedByResources } from '../named-actions.ts';
import { type ProofInput, type Rule, wordsOf } from '../rule.ts';
import { accountsOf, withParts } from '../targets.ts';
import { findWitness } from '../witness.ts';

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
        const asked = actions.filter((action) =>
          resource.policies.some((policy) => statementsAbout(policy, action).length > 0),
        );
        const path = resourceByArn(input.assembly, resource.arn)?.constructPath ?? resource.arn;
        return [
          ...anybody.flatMap(({ name, principal }) => {
            const [question] = asked
              .flatMap((action) =>
                withParts(resource.arn).map((part) => ({ principal, action, resource: part })),
              )
              .filter((one) => isAdmitted(principal, one.action, one.resource, input.world));
            if (question === undefined) return [];
            const request = remembered(() => findWitness(question, input.world));
            return [{ ...violation(path, name), request }];
          }),
          ...strangeServices(resource, asked, input).map((service) =>
            violation(path, `${service} for any account`),
          ),
          ...servicesIn(resource)
            .filter((service) => !INWARD.includes(service.replace('.amazonaws.com', '')))
            .map((service) => violation(path, `${service}, which may act for anybody`)),
        ];
      });
  },
};

function violation(path: string, who: string) {
  return {
    resource: path,
    message: `The policy of ${path} lets in ${who}.`,
    path: [who, 'the resource’s own policy', path],
    remedy: 'Name the roles that may use it; for a service, name aws:SourceAccount and aws:SourceArn.',
  };
}

/** The services that may use a resource for somebody else than the system's accounts. */
export function strangeServices(resource: Resource, actions: readonly string[], input: ProofInput): string[] {
  const given = forStrangers(input);
  return servicesIn(resource).filter((service) =>
    actions.some((action) =>
      withParts(resource.arn).some((part) =>
        isAdmitted({ kind: 'service', service }, action, part, input.world, { given }),
      ),
    ),
  );
}

/** The services that a resource's policy lets in. */
function servicesIn({ policies }: Resource): string[] {
  const allowing = policies
    .flatMap(({ statements }) => statements)
    .filter(({ effect }) => effect === 'Allow');
  return [...new Set(allowing.flatMap(({ principals }) => principals?.services ?? []))];
}

/** Services that bring what happens in an account; another, such as CloudFront, may hand what it is given to whoever asks. */
const INWARD = wordsOf(`
  apigateway cloudwatch delivery.logs events lambda logging.s3 logs s3 scheduler secretsmanager ses sns sqs
`);

/** What holds of a service's request that is for none of the system's accounts. */
function forStrangers(input: ProofInput): Condition {
  const accounts = accountsOf(input);
  const arns = accounts.map((account) => `arn:*:*:*:${account}:*`);
  const context = (of: string) => `kms:EncryptionContext:aws:${of}:arn`;
  const element = {
    StringNotEquals: { 'aws:SourceAccount': accounts },
    ArnNotLike: { 'aws:SourceArn': arns, [context('logs')]: arns, [context('events:event-bus')]: arns },
  };
  return compileConditions(element, false);
}
