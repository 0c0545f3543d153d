import { MAX_PHYSICAL_NAME, physicalNames } from '../physical-names.ts';
import { type Problem, problemsOf } from '../problem.ts';
import type { SystemDeclaration } from '../schema.ts';

/** Names that the system itself goes by; a zone of that name would share roles or boundaries with the signers. */
const RESERVED_ZONES = ['signing', 'signer'];

/** What policies take for somebody else's: the CDK's bootstrap roles, which the service control policies of docs/proof.md let deploy, and AWS. */
const RESERVED_SYSTEMS = ['cdk', 'aws'];

/** No name is one that means something else, and no two physical names are one. */
export function checkNames(system: SystemDeclaration): Problem[] {
  const { name: prefix, zones, otherStacks } = system;
  const names = physicalNames(system);
  const isOwnStack = (stack: string) => names.some(({ kind, name }) => kind === 'stack' && name === stack);
  return [
    ...problemsOf({
      name:
        RESERVED_SYSTEMS.includes(prefix) &&
        `begins the name of every role, and policies take ${prefix}-* for somebody else's, such as the CDK's deploying roles: choose another`,
    }),
    ...Object.keys(zones).flatMap((zone) =>
      problemsOf({
        [`zones.${zone}`]:
          RESERVED_ZONES.includes(zone) &&
          'has the name of the signing zone or its signers; its roles would pass as theirs: choose another',
      }),
    ),
    ...otherStacks.flatMap((stack, index) =>
      problemsOf({
        [`otherStacks[${index}]`]:
          isOwnStack(stack) &&
          `names ${stack}, which is the system's own stack and always judged: leave it out`,
      }),
    ),
    ...names.flatMap(({ kind, name, field }, index) => {
      const most = MAX_PHYSICAL_NAME[kind];
      const earlier = names.slice(0, index).find((other) => other.kind === kind && other.name === name);
      return problemsOf({
        [field]: [
          name.length > most &&
            `makes the physical name ${name}, which is longer than ${most} characters: shorten it`,
          earlier &&
            earlier.field !== field &&
            `makes the same ${kind} name as ${earlier.field}, ${name}: rename one`,
        ],
      });
    }),
  ];
}

/** Where something is one of its kind: in this account (and region); undefined stands for whichever it is deployed to. */
type Place = readonly (string | undefined)[];

/**
 * What stages of one declaration would take from each other where they may share an account: names, of which the system's `name` is
 * the prefix, and the role of API Gateway, which is one an account and region.
 */
export function checkStages(stages: Readonly<Record<string, SystemDeclaration>>): Problem[] {
  const all = Object.entries(stages);
  return all.flatMap(([stage, system], index) =>
    all.slice(0, index).flatMap(([other, earlier]) =>
      problemsOf({
        [`The stages ${other} and ${stage}`]: [
          system.name === earlier.name &&
            mayShare(accounts(system), accounts(earlier)) &&
            `are both named ${system.name} and may lie in one account, where one would be deployed over the other: give each a name of its own, or declare another account for each`,
          mayShare(gateways(system), gateways(earlier)) &&
            'may both set the role that API Gateway writes logs with, which is one an account and region: say apiGatewayAccount: false in the one that is deployed last, or declare their accounts or regions',
        ],
      }),
    ),
  );
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
