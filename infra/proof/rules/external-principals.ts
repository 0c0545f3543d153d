import { remembered } from '../assembly/remembered.ts';
import { unknownValue } from '../assembly/unknown.ts';
import { anyGrade } from '../policy/combine.ts';
import { ALWAYS, all, any, type Condition, not } from '../policy/condition.ts';
import { formulate } from '../policy/decide.ts';
import { compileConditions } from '../policy/operators.ts';
import { isService, type Principal, principalOf, rolePrincipal } from '../policy/principal.ts';
import { satisfiable } from '../policy/solve.ts';
import type { Resource, World } from '../policy/world/world.ts';
import { type Problem, type ProofInput, wordsOf } from './rule.ts';
import { accountsOf, withParts } from './targets.ts';
import { findWitness } from './witness.ts';

/** An account that has nothing to do with the system. */
const FOREIGN = '999999999999';

/** Somebody who is no role of the templates. */
interface ExternalPrincipal {
  name: string;
  principal: Principal;
}

/** A role of an account of the system that the templates do not have, with policies that nobody knows. */
export function unknownRole(account: string): ExternalPrincipal {
  return {
    name: `a role of account ${account} outside the templates`,
    principal: rolePrincipal(`arn:aws:iam::${account}:role/outside/the-templates`),
  };
}

/**
 * Everybody who is no role of the templates, but for services: other roles of the system's accounts, roles of other accounts,
 * nobody at all, and whoever a policy of the templates names.
 */
export function externalPrincipals(input: ProofInput): ExternalPrincipal[] {
  return [
    ...accountsOf(input).map(unknownRole),
    { name: 'a role of another account', principal: rolePrincipal(`arn:aws:iam::${FOREIGN}:role/foreign`) },
    { name: 'the root of another account', principal: { kind: 'root', account: FOREIGN } },
    { name: 'somebody without credentials', principal: { kind: 'anonymous' } },
    ...named(input),
  ];
}

/** The principals that policies of resources and endpoints name and that are no roles of the system. */
function named(input: ProofInput): ExternalPrincipal[] {
  const { world, actors } = input;
  const roles = actors.filter(({ other }) => !other).map(({ role }) => role.arn);
  const policies = [
    ...[...world.resources.values()].flatMap((resource) => resource.policies),
    ...[...world.endpoints.values()].flatMap(({ policy }) => policy ?? []),
  ];
  const names = policies.flatMap(({ statements }) =>
    statements.flatMap(({ principals }) => principals?.aws ?? []),
  );
  const own = accountsOf(input).flatMap((account) => [account, `arn:aws:iam::${account}:root`]);
  return [...new Set(names)]
    .filter((name) => !roles.includes(name) && !own.includes(name))
    .map((name) => {
      const [account] = /^\d{12}$|(?<=^arn:aws:iam::)\d{12}(?=:root$)/.exec(name) ?? [];
      if (account === undefined) return { name, principal: principalOf(name) };
      const principal = rolePrincipal(`arn:aws:iam::${account}:role/foreign`);
      return { name: `a role of account ${account}`, principal };
    });
}

/**
 * Which of `actions` a resource's own policy lets a principal do to it, or to what lies below it, and a request that shows it: a principal
 * of the same account by naming it (what a policy leaves to the account's administrators is theirs, and counts with `delegation` only), of
 * another account or a service in any way. `given` holds of the requests that are meant. Undefined where it is none.
 */
export function admissionOf(
  principal: Principal,
  actions: readonly string[],
  arn: string,
  world: World,
  { given = ALWAYS, delegation = false }: { given?: Condition; delegation?: boolean } = {},
) {
  const found = actions.flatMap((action) => {
    const resource = withParts(arn).find((part) => {
      const formula = formulate({ principal, action, resource: part }, world);
      const { direct, role, denies } = formula.resource;
      const admitted = formula.sameAccount && !delegation ? any([direct, role]) : anyGrade(formula);
      return satisfiable(all([given, admitted, not(denies)]));
    });
    return resource === undefined ? [] : [{ principal, action, resource }];
  });
  const [first] = found;
  if (first === undefined) return undefined;
  const request = remembered(() => findWitness(first, world, { given }));
  return { actions: found.map(({ action }) => action), request };
}

/** Services that bring what happens in an account; another, such as CloudFront, may hand what it is given to whoever asks. */
const INWARD = wordsOf(`
  apigateway cloudwatch delivery.logs events lambda logging.s3 logs s3 scheduler secretsmanager ses sns sqs
`);

/**
 * The services that the own policy of a resource lets in though they may use it for somebody else than the system's accounts, in words and
 * each with a request: those that it names, and every other, whatever it calls them.
 */
export function strangeServices({ arn, policies }: Resource, actions: readonly string[], input: ProofInput) {
  const allowing = policies.flatMap(({ statements }) =>
    statements.filter(({ effect }) => effect === 'Allow'),
  );
  const named = [...new Set(allowing.flatMap(({ principals }) => principals?.services ?? []))];
  const regions = new Set(['', ...input.assembly.stacks.map(({ region }) => `.${region}`)]);
  const inward = [...regions].flatMap((region) => INWARD.map((of) => `${of}${region}.amazonaws.com`));
  const asked: [string, Condition][] = named.map((service) => [service, isService(service)]);
  return [...asked, ['any service', not(isService(named))] as const].flatMap(([name, is]): Problem[] => {
    const admitted = (given: Condition) =>
      admissionOf(ANY_SERVICE, actions, arn, input.world, { given: all([is, given]) });
    const outward = admitted(not(isService(inward)));
    const found = outward ?? admitted(forStrangers(input));
    const who = `${name}${outward ? ', which may act for anybody' : ' for any account'}`;
    return found ? [[undefined, `lets in ${who}`, found.request]] : [];
  });
}

/** Some AWS service; conditions say which. */
const ANY_SERVICE: Principal = { kind: 'service', service: unknownValue('any service') };

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
