import { functionArn } from '../../assembly/physical.ts';
import { type ResolvedResource, resourceByArn, resourcesOfType } from '../../assembly/resolve.ts';
import { actionsOf, type CapabilityRule, capabilityRule, requirement } from '../capability.ts';
import { type ProofInput, type Rule, resourceRule } from '../rule.ts';
import { recordArns, rotationOf } from '../targets.ts';
import { signersOf } from './signer-policies.ts';

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
    const notCode = requirement({ ArnNotEqualsIfExists: { 'lambda:SourceFunctionArn': own } });
    return [{ resources: ['*'], requires: [notCode] }];
  },
  remedy:
    'Deny these actions to the function’s code: ArnEquals lambda:SourceFunctionArn in the role, Null in the boundary.',
});

/**
 * What Lambda permissions let in: API Gateway for an API of the function's own stack, EventBridge for a rule of it, Secrets
 * Manager to rotation for a client record; to a signer only the functions of its zone, where that is in another account.
 */
export const functionPermissionsAreOwn: Rule = resourceRule({
  name: 'function-permissions-are-own',
  invariant: 'I2',
  title:
    'A function’s own policy lets in nothing but what the declaration leads to it: its API, its rule, its rotation, its zone.',
  of: ['AWS::Lambda::Permission'],
  problems: (permission, input) => [problemOf(permission, input)],
  subject: ({ properties: { Principal, FunctionName } }) =>
    `A permission for ${String(Principal)} to invoke ${String(FunctionName)}`,
  path: (permission, input) => [
    String(permission.properties.Principal),
    permission.constructPath,
    functionOf(permission, input)?.constructPath ?? String(permission.properties.FunctionName),
  ],
  remedy: 'Name the function without a qualifier, and the one API, rule, record or role that may call it.',
});

function functionOf(permission: ResolvedResource, { assembly }: ProofInput): ResolvedResource | undefined {
  return resourceByArn(assembly, functionArn(permission, String(permission.properties.FunctionName)));
}

/** Whether a service's source is one of the function's own, by the service. */
const SOURCES: Readonly<
  Record<string, (permission: ResolvedResource, target: ResolvedResource, input: ProofInput) => boolean>
> = {
  'apigateway.amazonaws.com': ({ properties: { SourceArn } }, { stack, region, account }, { assembly }) => {
    const place = `arn:aws:execute-api:${region}:${account}:`;
    return resourcesOfType(assembly, 'AWS::ApiGateway::RestApi').some(
      (api) => api.stack === stack && String(SourceArn).startsWith(`${place}${api.physicalId}/`),
    );
  },
  'events.amazonaws.com': ({ properties }, { stack }, { assembly }) =>
    resourcesOfType(assembly, 'AWS::Events::Rule').some(
      (rule) => rule.stack === stack && rule.arn === properties.SourceArn,
    ),
  'secretsmanager.amazonaws.com': ({ properties }, target, input) =>
    recordArns(input).includes(String(properties.SourceArn)) &&
    properties.SourceAccount === target.account &&
    target === rotationOf(input),
};

function problemOf(permission: ResolvedResource, input: ProofInput): string | undefined {
  const target = functionOf(permission, input);
  if (target === undefined) return 'is for a version, an alias or a function outside the templates';
  const { Principal, Action, FunctionUrlAuthType, InvokedViaFunctionUrl } = permission.properties;
  const principal = String(Principal);
  if (FunctionUrlAuthType !== undefined || InvokedViaFunctionUrl !== undefined) return 'opens a function URL';
  if (Action !== 'lambda:InvokeFunction') return `is for ${String(Action)}`;
  const fits = SOURCES[principal];
  if (fits?.(permission, target, input) === false)
    return 'names no source of the function’s own zone, so that others can have it called';
  return fits !== undefined || foreignAskers(target, input).includes(principal)
    ? undefined
    : 'lets in somebody whom the declaration does not';
}

/** The roles in other accounts that may ask a signer; where it has a policy of its own, a permission beside it would be overwritten. */
function foreignAskers({ arn, account }: ResolvedResource, input: ProofInput): readonly string[] {
  const signer = signersOf(input).find((one) => one.arn === arn);
  if (signer === undefined || signer.zoneAccount === account) return [];
  return input.declaration.signing.resourcePolicies ? [] : signer.askers;
}
