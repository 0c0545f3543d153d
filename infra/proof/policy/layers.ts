import type { Logic } from './combine.ts';
import { ALWAYS, type Condition, NEVER, unknown } from './condition.ts';
import { mayServe } from './endpoint.ts';
import { gradePrincipal, type Principal, type PrincipalElement, takesPrincipal } from './principal.ts';
import { type Answer, type Answers, type Asked, serviceOf, targetOf } from './request.ts';
import { type Policy, type Statement, statementsAbout } from './statement.ts';
import type { Endpoint, Resource, Role, World } from './world/world.ts';

/** Asks every layer of `world` about a request. */
export function askLayers<Value>(asked: Asked, world: World, logic: Logic<Value>): Answers<Value> {
  const { principal } = asked;
  const role = principal.kind === 'role' ? world.roles.get(principal.arn) : undefined;
  return {
    identity: askIdentity(role, asked, logic),
    boundary: role?.boundary === undefined ? undefined : askPolicies([role.boundary], asked, logic),
    endpoints: () => askEndpoints(asked, world, logic),
    resource: askResource(targetOf(asked, world), asked, logic),
  };
}

/** Whether the resource and the condition of a statement that is about the action apply. */
function askStatement<Value>(statement: Statement, asked: Asked, logic: Logic<Value>): Value {
  const covered = statement.covers(asked.resource);
  if (covered === NEVER) return logic.no;
  const holds = logic.ask(statement.condition);
  return covered === ALWAYS ? holds : logic.and(logic.ask(covered), holds);
}

function askIdentity<Value>(role: Role | undefined, asked: Asked, logic: Logic<Value>): Answer<Value> {
  if (role !== undefined) return askPolicies(role.identity, asked, logic);
  return { allows: identityWithoutPolicies(asked.principal, logic), denies: logic.no };
}

function identityWithoutPolicies<Value>(principal: Principal, logic: Logic<Value>): Value {
  if (principal.kind === 'root') return logic.yes;
  if (principal.kind === 'service' || principal.kind === 'anonymous') return logic.no;
  return logic.ask(unknown(`the policies of ${principal.arn}, which the assembly does not have`));
}

/** What policies come to; `takes` says whether a statement takes the caller in (absent: it is attached to the caller). */
function askPolicies<Value>(
  policies: readonly Policy[],
  asked: Asked,
  logic: Logic<Value>,
  takes: (statement: Statement) => Condition = () => ALWAYS,
): Answer<Value> {
  const answer = { allows: logic.no, denies: logic.no };
  for (const policy of policies) {
    for (const statement of statementsAbout(policy, asked.action)) {
      const side = statement.effect === 'Allow' ? 'allows' : 'denies';
      const applies = logic.and(askStatement(statement, asked, logic), logic.ask(takes(statement)));
      answer[side] = logic.or(answer[side], applies);
    }
  }
  return answer;
}

function askEndpoints<Value>(
  asked: Asked,
  world: World,
  logic: Logic<Value>,
): ReturnType<Answers<Value>['endpoints']> {
  const found: { through: Value; answer: Answer<Value> }[] = [];
  for (const endpoint of world.endpoints.values()) {
    if (!mayServe(endpoint.service, asked.action) || endpoint.policy === undefined) continue;
    const through = logic.ask(endpoint.through);
    if (through === logic.no) continue;
    const answer = askPolicies([endpoint.policy], asked, logic, ({ principals }) =>
      endpointTakes(principals, asked.principal, endpoint),
    );
    found.push({ through, answer });
  }
  return found;
}

/** Whether a statement of an endpoint's policy takes the caller in. */
function endpointTakes(
  element: PrincipalElement | undefined,
  principal: Principal,
  endpoint: Endpoint,
): Condition {
  if (element === undefined || element.everybody) return ALWAYS;
  // The policy of a gateway endpoint is to name everybody and to narrow by aws:PrincipalArn; what another principal does there is special.
  if (endpoint.kind === 'Gateway')
    return unknown(`the principal in the policy of gateway endpoint ${endpoint.id}`);
  return takesPrincipal(element, principal);
}

type FromResource<Value> = Answers<Value>['resource'];

/** What the policies of a resource come to, by how they take the caller in. */
function askResource<Value>(
  target: Resource | undefined,
  asked: Asked,
  logic: Logic<Value>,
): FromResource<Value> {
  const result = { direct: logic.no, role: logic.no, account: logic.no, denies: logic.no };
  if (target === undefined) {
    if (!mayHavePolicy(asked)) return result;
    const open = unknown(`the policy of ${asked.resource}, which the assembly does not have`);
    return { ...result, account: logic.ask(open) };
  }
  for (const policy of target.policies) {
    for (const statement of statementsAbout(policy, asked.action))
      addStatement(result, statement, asked, logic);
  }
  return result;
}

/** Whether the policy of a resource that the world does not know could be what takes the caller in. */
function mayHavePolicy({ principal, action, resource }: Asked): boolean {
  if (resource === '*') return false;
  const owner = resource.split(':')[4] ?? '';
  const elsewhere = 'account' in principal && owner !== '' && owner !== principal.account;
  return elsewhere || ['kms', 'sts'].includes(serviceOf(action)) || !('account' in principal);
}

function addStatement<Value>(
  result: FromResource<Value>,
  statement: Statement,
  asked: Asked,
  logic: Logic<Value>,
): void {
  const applies = askStatement(statement, asked, logic);
  if (applies === logic.no) return;
  const { principals } = statement;
  const nobody = unknown(`statement ${statement.name}, which names no principal`);
  if (statement.effect === 'Deny') {
    const taken = principals === undefined ? nobody : takesPrincipal(principals, asked.principal);
    result.denies = logic.or(result.denies, logic.and(applies, logic.ask(taken)));
    return;
  }
  const grades =
    principals === undefined
      ? { direct: nobody, role: NEVER, account: NEVER }
      : gradePrincipal(principals, asked.principal);
  for (const grade of ['direct', 'role', 'account'] as const) {
    result[grade] = logic.or(result[grade], logic.and(applies, logic.ask(grades[grade])));
  }
}
