import { boundaryGroup, boundaryName, functionName, zoneFunctions } from '../../../declaration/names.ts';
import { stringsOf } from '../../assembly/json.ts';
import { resourceByArn } from '../../assembly/resolve.ts';
import { isOther } from '../actors.ts';
import { type Rule, resourceRule } from '../rule.ts';
import { trustedServices } from '../trust.ts';

/** Which property of which type lends a role, and to which service. */
const USERS: Readonly<Record<string, readonly [property: string, service: string]>> = {
  'AWS::Lambda::Function': ['Role', 'lambda.amazonaws.com'],
  'AWS::EC2::FlowLog': ['DeliverLogsPermissionArn', 'vpc-flow-logs.amazonaws.com'],
  'AWS::ApiGateway::Account': ['CloudWatchRoleArn', 'apigateway.amazonaws.com'],
};

/** The rules about what roles are: whom policies are for, their boundary, and who can become them. */
export const ROLES: readonly Rule[] = [
  // The proof could not ask what users, groups and foreign roles may do.
  resourceRule({
    name: 'policies-are-for-own-roles',
    invariant: 'I1',
    ofOthers: true,
    title:
      'No policy of the templates is for a user, a group, or a role that the templates do not have, and none of another stack for a role of the system.',
    of: ['AWS::IAM::ManagedPolicy', 'AWS::IAM::Policy', 'AWS::IAM::RolePolicy'],
    problems: (policy, { actors, declaration }) => {
      const { properties, account, stack: name, zone } = policy;
      const { Roles, RoleName, Users, Groups } = properties;
      // One of another stack would be put in the place of one that the system's role has.
      const theirs = isOther(declaration, { name, zone });
      const own = actors
        .filter(({ role, other }) => role.account === account && (other || !theirs))
        .map(({ name }) => name);
      const roles = [...stringsOf(Roles), ...stringsOf(RoleName)].filter((name) => !own.includes(name));
      const named = Object.entries({ role: roles, user: stringsOf(Users), group: stringsOf(Groups) });
      const lack = theirs ? 'no other stack has' : 'the templates do not have';
      return named.flatMap(([kind, names]) => names.map((name) => `is for ${kind} ${name}, which ${lack}`));
    },
    subject: ({ constructPath }) => `The policy ${constructPath}`,
    remedy: 'Attach it to roles of the templates only.',
  }),
  // A policy attached to a role later can't give it more than its boundary.
  resourceRule({
    name: 'roles-are-bounded',
    invariant: 'I1',
    title: 'Every role has the permissions boundary of its own zone, or its own.',
    of: ['AWS::IAM::Role'],
    problems: (role, { assembly, declaration }) => {
      const { properties, zone = 'gateway-account', physicalId } = role;
      const { PermissionsBoundary: boundary } = properties;
      const { name: system, zones } = declaration;
      const declared = zones[zone];
      const isOwn = (name: string) => functionName(system, zone, name) === physicalId;
      const own = declared && zoneFunctions(declared).find(isOwn);
      const expected = boundaryName(system, zone, own && boundaryGroup(declared, own));
      const policy = resourceByArn(assembly, boundary);
      const found = policy?.properties.ManagedPolicyName ?? boundary;
      const has =
        found === undefined ? 'no permissions boundary' : `the permissions boundary ${String(found)}`;
      return [found !== expected && `has ${has}; its own is ${expected}`];
    },
    subject: ({ physicalId }) => `Role ${physicalId}`,
    path: ({ constructPath }) => [constructPath, 'whatever is attached to it', 'every action'],
    remedy: 'Give it the permissions boundary of its own zone.',
  }),
  // No other role, account or identity provider can become a role.
  resourceRule({
    name: 'roles-are-trusted-by-one-service',
    invariant: 'I1',
    title: 'Every role can be assumed by the one service that uses it, and by nobody else.',
    of: ['AWS::IAM::Role'],
    problems: ({ arn = '' }, { assembly, world }) => {
      const role = world.roles.get(arn);
      const expected = assembly.resources.flatMap(({ type, properties }) => {
        const [property = '', service = ''] = USERS[type] ?? [];
        return properties[property] === arn ? [service] : [];
      });
      const trusted = (role && trustedServices(role)) ?? ['others than AWS services'];
      const others = trusted.filter((service) => !expected.includes(service)).join(' and ');
      return [others !== '' && `can be assumed by ${others}, and nothing in the templates calls for that`];
    },
    subject: ({ physicalId }) => `Role ${physicalId}`,
    path: ({ constructPath }) => ['whoever is not its service', 'sts:AssumeRole', constructPath],
    remedy: 'Trust the one service that uses the role. A role that nothing uses is to be removed.',
  }),
];
