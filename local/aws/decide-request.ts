import { anyGrade, combine, concreteLogic, type Formula } from '../../infra/proof/policy/combine.ts';
import { askLayers } from '../../infra/proof/policy/layers.ts';
import { principalArn } from '../../infra/proof/policy/principal.ts';
import {
  type AccessQuestion,
  closedFacts,
  type Layer,
  type Request,
} from '../../infra/proof/policy/request.ts';
import type { Truth } from '../../infra/proof/policy/ternary.ts';
import type { World } from '../../infra/proof/policy/world/world.ts';

/** Whether a request is allowed; if not, which layer refuses it. */
export type Decision =
  | { allowed: true }
  | {
      allowed: false;
      layer: Layer;
      /** Whether a Deny applies or an Allow is missing. */
      explicit: boolean;
      /** As AWS words it: "User: … is not authorized to perform: … because …". Safe to return to the caller. */
      message: string;
    };

/**
 * Decides one request as AWS would. What the engine can't know (an operator, an unresolved value) never
 * allows: such an Allow does not apply and such a Deny does.
 */
export function decideRequest(request: Request, world: World): Decision {
  const logic = concreteLogic(closedFacts(request, request.context, world));
  const formula = askLayers(request, world, logic);
  if (combine(formula) === true) return { allowed: true };
  const { layer, explicit } = refusal(formula);
  return { allowed: false, layer, explicit, message: refusalMessage(request, layer, explicit) };
}

/** The first layer, in AWS's order, that refuses. */
function refusal(formula: Formula<Truth>): { layer: Layer; explicit: boolean } {
  const { principal, sameAccount, resourceDecides, identity, boundary, resource } = formula;
  const layers = layersOf(formula);
  const denying = layers.find(([, answer]) => answer.denies !== false);
  if (denying) return { layer: denying[0], explicit: true };
  const silent = (layer: Layer) => ({ layer, explicit: false });
  if (layers.some(([layer, { allows }]) => layer === 'endpoint policy' && allows !== true))
    return silent('endpoint policy');
  const identityCounts =
    'account' in principal && (!resourceDecides || !sameAccount || resource.account === true);
  if ((!sameAccount || resourceDecides) && anyGrade(formula) !== true) return silent('resource policy');
  if (identityCounts && identity.allows !== true) return silent('identity policy');
  const bounded = boundary !== undefined && boundary.allows !== true;
  return silent(bounded ? 'permissions boundary' : 'resource policy');
}

/** Each layer in play with its answer. */
function layersOf(formula: Formula<Truth>): (readonly [Layer, Formula<Truth>['identity']])[] {
  const { resource, identity, boundary } = formula;
  const through = formula.endpoints().filter((endpoint) => endpoint.through !== false);
  return [
    ...through.map(({ answer }) => ['endpoint policy', answer] as const),
    ['resource policy', { allows: anyGrade(formula), denies: resource.denies }],
    ['identity policy', identity],
    ...(boundary === undefined ? [] : [['permissions boundary', boundary] as const]),
  ];
}

/** AWS's names of the layers in its messages. */
const NAMES: Readonly<Record<Layer, string>> = {
  'endpoint policy': 'VPC endpoint policy',
  'resource policy': 'resource-based policy',
  'identity policy': 'identity-based policy',
  'permissions boundary': 'permissions boundary',
};

function refusalMessage({ principal, action, resource }: AccessQuestion, layer: Layer, explicit: boolean) {
  const name = NAMES[layer];
  const article = /^[aeiou]/.test(name) ? 'an' : 'a';
  const reason = explicit
    ? `with an explicit deny in ${article} ${name}`
    : `because no ${name} allows the ${action} action`;
  const on = resource === '*' ? '' : ` on resource: ${resource}`;
  return `User: ${principalArn(principal)} is not authorized to perform: ${action}${on} ${reason}`;
}
