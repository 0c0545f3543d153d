import { actionsOf, capabilityRule, requirement } from '../capability.ts';

/**
 * What Lambda does to place a function in its VPC, the function's own code can't do: an interface in a subnet of another zone
 * would join the two.
 */
export const interfacesAreLambdas = capabilityRule({
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
    const own = code.length > 0 ? code : [`arn:aws:lambda:${region}:${role.account}:function:${name}`];
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
