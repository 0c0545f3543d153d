import { stringOf } from '../../assembly/json.ts';
import { trustedServices } from '../actors.ts';
import type { Rule } from '../rule.ts';

/** Which property of which type lends a role, and to which service. */
const USERS: Readonly<Record<string, readonly [property: string, service: string]>> = {
  'AWS::Lambda::Function': ['Role', 'lambda.amazonaws.com'],
  'AWS::EC2::FlowLog': ['DeliverLogsPermissionArn', 'vpc-flow-logs.amazonaws.com'],
  'AWS::ApiGateway::Account': ['CloudWatchRoleArn', 'apigateway.amazonaws.com'],
};

/** Every role is trusted by the one service that what uses it belongs to: no other role, account or identity provider can become it. */
export const rolesAreTrustedByOneService: Rule = {
  name: 'roles-are-trusted-by-one-service',
  invariant: 'I1',
  title: 'Every role can be assumed by the one service that uses it, and by nobody else.',
  check: ({ assembly, actors }) => {
    const uses = assembly.resources.flatMap(({ type, properties }) => {
      const [property, service] = USERS[type] ?? [];
      const role = property === undefined ? undefined : stringOf(properties[property]);
      return role === undefined || service === undefined ? [] : [{ role, service }];
    });
    return actors.flatMap(({ role, name, path }) => {
      const expected = new Set(uses.filter((use) => use.role === role.arn).map(({ service }) => service));
      const trusted = trustedServices(role);
      const others = trusted?.filter((service) => !expected.has(service)) ?? ['others than AWS services'];
      if (others.length === 0) return [];
      return [
        {
          resource: path,
          message: `Role ${name} can be assumed by ${others.join(' and ')}, and nothing in the templates calls for that.`,
          path: [others.join(' and '), 'sts:AssumeRole', path],
          remedy: 'Trust the one service that uses the role. A role that nothing uses is to be removed.',
        },
      ];
    });
  },
};
