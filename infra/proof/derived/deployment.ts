import type { Assembly, AssemblyStack } from '../assembly/read-assembly.ts';

/** Of how a stack is deployed, what is its own. */
const OWN_DEPLOYMENT = ['additionalDependencies', 'parameters', 'stackName', 'stackTags', 'tags'];

/** In words, what of a stack that is added is deployed otherwise than those of the system: where, by whose roles, whom it notifies, what it replaces. */
export function problemsOfDeployment(stack: AssemblyStack, { stacks }: Assembly): string[] {
  const known = stacks.flatMap(membersOf);
  return [
    ...membersOf(stack)
      .filter((one) => !known.includes(one))
      .map((one) => `is deployed with another ${one} than the system's stacks`),
    ...(stacks.some(({ account }) => account === stack.account)
      ? []
      : [`is for account ${stack.account ?? 'unknown'}, where no stack of the system is`]),
    ...(/^CDKToolkit$/i.test(stack.name)
      ? ['has the name of the CDK’s own stack, which it would replace']
      : []),
  ];
}

/** The members of a deployment, each with its value, without the place. */
function membersOf({ account, region, deployment = {} }: AssemblyStack): string[] {
  return Object.entries(deployment)
    .filter(([member]) => !OWN_DEPLOYMENT.includes(member))
    .map(([member, value]) =>
      `${member} ${JSON.stringify(value)}`
        .replaceAll(account ?? '${AWS::AccountId}', '*')
        .replaceAll(region ?? '${AWS::Region}', '*'),
    );
}
