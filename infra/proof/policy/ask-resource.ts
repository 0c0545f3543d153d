import { askStatement } from './ask-statement.ts';
import { type Answers, type Asked, serviceOf } from './asked.ts';
import { all, any, NEVER, unknown } from './condition.ts';
import type { Logic } from './logic.ts';
import { deniesPrincipal, gradePrincipal, roleName } from './principal.ts';
import { type Statement, statementsAbout } from './statement.ts';
import type { Grant, Resource } from './world.ts';

type FromResource<Value> = Answers<Value>['resource'];

/** What the policies and grants of a resource come to, by how they take the caller in. */
export function askResource<Value>(
  target: Resource | undefined,
  asked: Asked,
  hasBoundary: boolean,
  logic: Logic<Value>,
): FromResource<Value> {
  const result = { direct: logic.no, role: logic.no, account: logic.no, denies: logic.no };
  if (target === undefined) {
    if (!mayHavePolicy(asked)) return result;
    return {
      ...result,
      account: logic.ask(unknown(`the policy of ${asked.resource}, which the assembly does not have`)),
    };
  }
  for (const policy of target.policies) {
    for (const statement of statementsAbout(policy, asked.action))
      addStatement(result, statement, asked, hasBoundary, logic);
  }
  for (const grant of target.grants) addGrant(result, grant, asked, logic);
  return result;
}

/** Whether the policy of a resource that the world does not know could be what takes the caller in. */
function mayHavePolicy({ principal, action, resource, resourceAccount }: Asked): boolean {
  if (resource === '*') return false;
  const owner = resourceAccount ?? resource.split(':')[4] ?? '';
  const elsewhere = 'account' in principal && owner !== '' && owner !== principal.account;
  return elsewhere || ['kms', 'sts'].includes(serviceOf(action)) || !('account' in principal);
}

function addStatement<Value>(
  result: FromResource<Value>,
  statement: Statement,
  asked: Asked,
  hasBoundary: boolean,
  logic: Logic<Value>,
): void {
  const applies = askStatement(statement, asked, logic);
  if (applies === logic.no) return;
  const { principals } = statement;
  const nobody = unknown(`statement ${statement.name}, which names no principal`);
  if (statement.effect === 'Deny') {
    const taken =
      principals === undefined ? nobody : deniesPrincipal(principals, asked.principal, hasBoundary);
    result.denies = logic.either(result.denies, logic.both(applies, logic.ask(taken)));
    return;
  }
  const grades =
    principals === undefined
      ? { direct: nobody, role: NEVER, account: NEVER }
      : gradePrincipal(principals, asked.principal);
  for (const grade of ['direct', 'role', 'account'] as const) {
    result[grade] = logic.either(result[grade], logic.both(applies, logic.ask(grades[grade])));
  }
}

/** A KMS grant needs no policy beside it. Whether a boundary limits a grant to a role is not documented. */
function addGrant<Value>(result: FromResource<Value>, grant: Grant, asked: Asked, logic: Logic<Value>): void {
  const operation = asked.action.slice('kms:'.length).toLowerCase();
  if (!grant.operations.some((granted) => granted.toLowerCase() === operation)) return;
  const element = { negated: false, everybody: false, aws: [grant.grantee], services: [], others: [] };
  const { direct, role } = gradePrincipal(element, asked.principal);
  const despiteBoundary = all([
    role,
    unknown(`whether a boundary limits the grant to ${roleName(grant.grantee)}`),
  ]);
  result.direct = logic.either(
    result.direct,
    logic.ask(all([grant.condition, any([direct, despiteBoundary])])),
  );
  result.role = logic.either(result.role, logic.ask(all([grant.condition, role])));
}
