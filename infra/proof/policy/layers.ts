import type { Answer, Formula, Logic } from './combine.ts';
import { ALWAYS, type Condition, NEVER, unknown } from './condition.ts';
import { mayServe } from './endpoint.ts';
import { gradePrincipal, type Principal, takesPrincipal } from './principal.ts';
import { type AccessQuestion, ownerAccount, serviceOf } from './request.ts';
import { type Policy, type Statement, statementsAbout } from './statement.ts';
import { type Resource, targetOf, type World } from './world/world.ts';

/** Asks every layer of `world` about a request. */
export function askLayers<Value>(asked: AccessQuestion, world: World, logic: Logic<Value>): Formula<Value> {
  const { principal, action, resource } = asked;
  const role = principal.kind === 'role' ? world.roles.get(principal.arn) : undefined;
  const target = targetOf(asked, world);
  const isKey = /^arn:[^:]*:kms:[^:]*:[^:]*:key\//.test(resource);
  return {
    logic,
    principal,
    sameAccount: 'account' in principal && principal.account === ownerAccount(asked, target),
    resourceDecides: isKey || (serviceOf(action) === 'sts' && resource !== '*'),
    identity: role
      ? askPolicies(role.identity, asked, logic)
      : { allows: identityWithoutPolicies(principal, logic), denies: logic.no },
    boundary: role?.boundary && askPolicies([role.boundary], asked, logic),
    endpoints: () => askEndpoints(asked, world, logic),
    resource: askResource(target, asked, logic),
  };
}

/** Whether the resource and the condition of a statement that is about the action apply. */
function askStatement<Value>(statement: Statement, asked: AccessQuestion, logic: Logic<Value>): Value {
  const covered = statement.covers(asked.resource);
  if (covered === NEVER) return logic.no;
  return logic.and(logic.ask(covered), logic.ask(statement.condition));
}

function identityWithoutPolicies<Value>(principal: Principal, logic: Logic<Value>): Value {
  if (!('arn' in principal)) return principal.kind === 'root' ? logic.yes : logic.no;
  return logic.ask(unknown(`the policies of ${principal.arn}, which the assembly does not have`));
}

/** What policies come to; `takes` says whether a statement takes the caller in (absent: it is attached to the caller). */
function askPolicies<Value>(
  policies: readonly Policy[],
  asked: AccessQuestion,
  logic: Logic<Value>,
  takes: (statement: Statement) => Condition = () => ALWAYS,
): Answer<Value> {
  const answer = { allows: logic.no, denies: logic.no };
  for (const statement of policies.flatMap((policy) => statementsAbout(policy, asked.action))) {
    const side = statement.effect === 'Allow' ? 'allows' : 'denies';
    const applies = logic.and(askStatement(statement, asked, logic), logic.ask(takes(statement)));
    answer[side] = logic.or(answer[side], applies);
  }
  return answer;
}

function askEndpoints<Value>(asked: AccessQuestion, world: World, logic: Logic<Value>) {
  return [...world.endpoints.values()].flatMap((endpoint) => {
    const { service, policy } = endpoint;
    if (!mayServe(service, asked.action) || policy === undefined) return [];
    const takes = ({ principals: named }: Statement) => {
      if (named === undefined || named.everybody) return ALWAYS;
      // The policy of a gateway endpoint is to name everybody and to narrow by aws:PrincipalArn; what another principal does there is special.
      const isGateway = endpoint.kind === 'Gateway';
      return isGateway
        ? unknown(`the principal in the policy of gateway endpoint ${endpoint.id}`)
        : takesPrincipal(named, asked.principal);
    };
    return [{ through: logic.ask(endpoint.through), answer: askPolicies([policy], asked, logic, takes) }];
  });
}

/** What the policies of a resource come to, by how they take the caller in. */
function askResource<Value>(target: Resource | undefined, asked: AccessQuestion, logic: Logic<Value>) {
  const { no } = logic;
  const result: Formula<Value>['resource'] = { direct: no, role: no, account: no, denies: no };
  if (target === undefined) {
    const open = unknown(`the policy of ${asked.resource}, which the assembly does not have`);
    // Whoever is of no account can be taken in by nothing but itself.
    const grade = 'account' in asked.principal ? 'account' : 'direct';
    return asked.resource === '*' ? result : { ...result, [grade]: logic.ask(open) };
  }
  for (const statement of target.policies.flatMap((policy) => statementsAbout(policy, asked.action))) {
    const applies = askStatement(statement, asked, logic);
    const add = (to: keyof typeof result, taken: Condition) => {
      result[to] = logic.or(result[to], logic.and(applies, logic.ask(taken)));
    };
    const { principals, effect } = statement;
    const nobody = unknown(`statement ${statement.name}, which names no principal`);
    if (effect === 'Deny') add('denies', principals ? takesPrincipal(principals, asked.principal) : nobody);
    else if (principals === undefined) add('direct', nobody);
    else {
      const grades = gradePrincipal(principals, asked.principal);
      for (const grade of ['direct', 'role', 'account'] as const) add(grade, grades[grade]);
    }
  }
  return result;
}
