import { collect, type Problem } from '../problem.ts';
import type { SystemDeclaration } from '../schema.ts';

/** Where something is one of its kind: in this account (and region); undefined stands for whichever it is deployed to. */
type Place = readonly (string | undefined)[];

/**
 * What stages of one declaration would take from each other where they may share an account: names, of which the system's `name` is
 * the prefix, and the role of API Gateway, which is one an account and region.
 */
export function checkStages(stages: Readonly<Record<string, SystemDeclaration>>): Problem[] {
  return collect((unless) => {
    for (const [index, [stage, system]] of Object.entries(stages).entries())
      for (const [other, earlier] of Object.entries(stages).slice(0, index)) {
        const field = `The stages ${other} and ${stage}`;
        unless(
          system.name !== earlier.name || !mayShare(accounts(system), accounts(earlier)),
          field,
          `are both named ${system.name} and may lie in one account, where one would be deployed over the other: give each a name of its own, or declare another account for each`,
        );
        unless(
          !mayShare(gateways(system), gateways(earlier)),
          field,
          'may both set the role that API Gateway writes logs with, which is one an account and region: say apiGatewayAccount: false in the one that is deployed last, or declare their accounts or regions',
        );
      }
  });
}

function mayShare(some: readonly Place[], others: readonly Place[]): boolean {
  return some.some((one) =>
    others.some((other) =>
      one.every((part, at) => part === undefined || other[at] === undefined || part === other[at]),
    ),
  );
}

function accounts({ account, zones }: SystemDeclaration): Place[] {
  return [[account], ...Object.values(zones).map((zone) => [zone.account ?? account])];
}

function gateways({ apiGatewayAccount, account, region, zones }: SystemDeclaration): Place[] {
  return Object.values(zones)
    .filter(({ gateway }) => apiGatewayAccount && gateway)
    .map((zone) => [zone.account ?? account, region]);
}
