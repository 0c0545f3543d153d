import { functionArn } from '../../assembly/physical.ts';
import { actionsOf, type CapabilityRule, capabilityRule, requirement } from '../capability.ts';
import { type Rule, resourceRule } from '../rule.ts';

/** Every function has the role of its own name: IAM tells functions apart by nothing else. */
export const functionsHaveOwnRoles: Rule = resourceRule({
  name: 'functions-have-own-roles',
  invariant: 'I2',
  title: 'Every function has a role of its own, with its own name.',
  of: ['AWS::Lambda::Function'],
  problems: ({ physicalId, properties: { Role } }, { actors }) => {
    const role = actors.find((actor) => actor.role.arn === Role);
    return [
      role === undefined
        ? 'has a role that is not in the templates'
        : role.name !== physicalId && `has the role ${role.name}, which is not of its name`,
    ];
  },
  subject: ({ physicalId }) => `Function ${physicalId}`,
  path: ({ constructPath, properties: { Role } }, { world }) => [
    constructPath,
    world.roles.get(String(Role))?.constructPath ?? String(Role),
    'whatever that role may do',
  ],
  remedy: 'Give the function a role of its own, with the function’s name.',
});

/**
 * What Lambda does to place a function in its VPC, the function's own code can't do: an interface in a subnet of another zone
 * would join the two.
 */
export const interfacesAreLambdas: CapabilityRule = capabilityRule({
  name: 'interfaces-are-lambdas',
  invariant: 'I4',
  title: 'Network interfaces are made by Lambda itself, never by a function’s code.',
  actions: actionsOf({
    ec2: `
      AssignIpv6Addresses AssignPrivateIpAddresses CreateNetworkInterface DeleteNetworkInterface
      DescribeNetworkInterfaces DescribeSubnets DetachNetworkInterface UnassignPrivateIpAddresses
    `,
  }),
  allows: ({ kind, role, name, region }, input) => {
    if (kind === 'service') return [];
    const code = input.network.functions
      .filter(({ resource }) => resource.properties.Role === role.arn)
      .flatMap(({ resource }) => resource.arn ?? []);
    const own = code.length > 0 ? code : [functionArn({ account: role.account, region }, name)];
    return [
      {
        resources: ['*'],
        requires: [
          requirement({ ArnNotEqualsIfExists: { 'lambda:SourceFunctionArn': own } }, [
            'identity policy',
            'permissions boundary',
          ]),
        ],
      },
    ];
  },
  remedy:
    'Deny these actions to the function’s code: ArnEquals lambda:SourceFunctionArn in the role, Null in the boundary.',
});
