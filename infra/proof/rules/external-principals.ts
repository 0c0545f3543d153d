import { anyGrade } from '../policy/combine.ts';
import { ALWAYS, all, any, type Condition, not } from '../policy/condition.ts';
import { formulate } from '../policy/decide.ts';
import { type Principal, principalOf, rolePrincipal } from '../policy/principal.ts';
import { satisfiable } from '../policy/solve.ts';
import type { World } from '../policy/world/world.ts';
import type { ProofInput } from './rule.ts';
import { accountsOf } from './targets.ts';

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
 * Whether the resource's own policy lets a principal do `action`, given a condition: of the same account by naming
 * it (what a policy leaves to the account's administrators is theirs), of another account or a service in any way.
 */
export function isAdmitted(
  principal: Principal,
  action: string,
  resource: string,
  world: World,
  { given = ALWAYS, delegation = false }: { given?: Condition; delegation?: boolean } = {},
): boolean {
  const formula = formulate({ principal, action, resource }, world);
  const { direct, role, denies } = formula.resource;
  const admitted = formula.sameAccount && !delegation ? any([direct, role]) : anyGrade(formula);
  return satisfiable(all([given, admitted, not(denies)]));
}
