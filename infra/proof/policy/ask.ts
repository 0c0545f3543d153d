import { askResource } from './ask-resource.ts';
import { askStatement } from './ask-statement.ts';
import { type Answer, type Answers, type Asked, ownerAccount, serviceOf, targetOf } from './asked.ts';
import { ALWAYS, any, type Condition, unknown } from './condition.ts';
import { mayServe } from './endpoint.ts';
import type { Logic } from './logic.ts';
import { deniesPrincipal, gradePrincipal, type Principal, type PrincipalElement } from './principal.ts';
import { type Policy, statementsAbout } from './statement.ts';
import type { Controls, Endpoint, Role, World } from './world.ts';

/** The services whose requests resource control policies govern. */
const RESOURCE_CONTROLLED: ReadonlySet<string> = new Set([
  's3',
  'sts',
  'kms',
  'sqs',
  'secretsmanager',
  'ecr',
  'aoss',
]);

/** Asks every layer of `world` about a request. */
export function askLayers<Value>(asked: Asked, world: World, logic: Logic<Value>): Answers<Value> {
  const { principal, action } = asked;
  const role = principal.kind === 'role' ? world.roles.get(principal.arn) : undefined;
  const target = targetOf(asked, world);
  const askControls = (controls: Controls = []) =>
    controls.map((policies) => askPolicies(policies, asked, logic));
  const controlled = RESOURCE_CONTROLLED.has(serviceOf(action));
  return {
    identity: askIdentity(role, asked, logic),
    boundary: role?.boundary === undefined ? undefined : askPolicies([role.boundary], asked, logic),
    session: asked.session === undefined ? undefined : askPolicies(asked.session, asked, logic),
    serviceControls: 'account' in principal ? askControls(world.serviceControls.get(principal.account)) : [],
    resourceControls: controlled ? askControls(world.resourceControls.get(ownerAccount(asked, target))) : [],
    endpoints: () => askEndpoints(asked, world, logic),
    resource: askResource(target, asked, role?.boundary !== undefined, logic),
  };
}

function askIdentity<Value>(role: Role | undefined, asked: Asked, logic: Logic<Value>): Answer<Value> {
  const { principal } = asked;
  if (role !== undefined) return askPolicies(role.identity, asked, logic);
  return { allows: identityWithoutPolicies(principal, logic), denies: logic.no };
}

function identityWithoutPolicies<Value>(principal: Principal, logic: Logic<Value>): Value {
  if (principal.kind === 'root') return logic.yes;
  if (principal.kind === 'service' || principal.kind === 'anonymous') return logic.no;
  return logic.ask(unknown(`the policies of ${principal.arn}, which the assembly does not have`));
}

/** Policies without principals: they are about whoever they are attached to. */
function askPolicies<Value>(policies: readonly Policy[], asked: Asked, logic: Logic<Value>): Answer<Value> {
  const answer = { allows: logic.no, denies: logic.no };
  for (const policy of policies) {
    for (const statement of statementsAbout(policy, asked.action)) {
      const side = statement.effect === 'Allow' ? 'allows' : 'denies';
      answer[side] = logic.either(answer[side], askStatement(statement, asked, logic));
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
    if (through !== logic.no)
      found.push({ through, answer: askEndpoint(endpoint, endpoint.policy, asked, logic) });
  }
  return found;
}

function askEndpoint<Value>(
  endpoint: Endpoint,
  policy: Policy,
  asked: Asked,
  logic: Logic<Value>,
): Answer<Value> {
  const answer = { allows: logic.no, denies: logic.no };
  for (const statement of statementsAbout(policy, asked.action)) {
    const applies = askStatement(statement, asked, logic);
    const side = statement.effect === 'Allow' ? 'allows' : 'denies';
    const taken = endpointTakes(statement.principals, statement.effect, asked.principal, endpoint);
    answer[side] = logic.either(answer[side], logic.both(applies, logic.ask(taken)));
  }
  return answer;
}

/** Whether a statement of an endpoint's policy takes the caller in. */
function endpointTakes(
  element: PrincipalElement | undefined,
  effect: 'Allow' | 'Deny',
  principal: Principal,
  endpoint: Endpoint,
): Condition {
  if (element === undefined || (element.everybody && !element.negated)) return ALWAYS;
  // The policy of a gateway endpoint is to name everybody and to narrow by aws:PrincipalArn; what another principal does there is special.
  if (endpoint.kind === 'Gateway')
    return unknown(`the principal in the policy of gateway endpoint ${endpoint.id}`);
  if (effect === 'Deny') return deniesPrincipal(element, principal, false);
  const { direct, role, account } = gradePrincipal(element, principal);
  return any([direct, role, account]);
}
