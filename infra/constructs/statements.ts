import {
  Effect,
  type IPrincipal,
  PolicyStatement,
  ServicePrincipal,
  StarPrincipal,
} from 'aws-cdk-lib/aws-iam';

/** One name or several: actions, ARNs. */
type Names = string | readonly string[];

/** Operator to condition key to value. */
type Conditions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A statement in the order of IAM's documents. Without a Sid where several of one policy would have the same. */
type Rule = [sid: string | undefined, actions: Names, resources: Names, conditions?: Conditions];

function write(effect: Effect, [sid, actions, resources, conditions = {}]: Rule, principals: IPrincipal[]) {
  const [action, resource] = [[actions].flat(), [resources].flat()];
  return new PolicyStatement({
    ...(sid === undefined ? {} : { sid }),
    effect,
    principals,
    actions: action,
    resources: resource,
    conditions,
  });
}

/** An Allow statement of an identity policy or a boundary. */
export const allow = (...rule: Rule): PolicyStatement => write(Effect.ALLOW, rule, []);

/** A Deny statement of a boundary or an identity policy. */
export const deny = (...rule: Rule): PolicyStatement => write(Effect.DENY, rule, []);

/** A Deny statement of a resource's own policy, for everybody whom its condition does not spare. */
export const denyEverybody = (...rule: Rule): PolicyStatement =>
  write(Effect.DENY, rule, [new StarPrincipal()]);

/** An Allow statement of a resource's own policy (a key's, a queue's, a topic's), for a principal or the AWS service of that name. */
export function allowTo(principal: IPrincipal | string, ...rule: Rule): PolicyStatement {
  const to = typeof principal === 'string' ? new ServicePrincipal(principal) : principal;
  return write(Effect.ALLOW, rule, [to]);
}

/** An Allow statement of an endpoint's policy. `roles` are ARNs or patterns of them: a condition binds them, for the principal is everybody. */
export function allowThrough(roles: Names, actions: Names, resources: Names, conditions: Conditions = {}) {
  const operator = [roles].flat().some((role) => role.includes('*')) ? 'ArnLike' : 'ArnEquals';
  const callers = { [operator]: { 'aws:PrincipalArn': roles } };
  return write(
    Effect.ALLOW,
    [undefined, actions, resources, { ...callers, ...conditions }],
    [new StarPrincipal()],
  );
}

/** The condition of a call through an endpoint, by the endpoint's id. */
export function via(endpoint: string): { StringEquals: { 'aws:SourceVpce': string } } {
  return { StringEquals: { 'aws:SourceVpce': endpoint } };
}

/** What Lambda itself does with a function's role to place it in a VPC; no function's code may do it. */
export const INTERFACE_ACTIONS = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DetachNetworkInterface',
  'ec2:UnassignPrivateIpAddresses',
] as const;

/** What a service asks of a zone's key on behalf of the caller. */
export const DATA_KEY_ACTIONS = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
] as const;

/** Reading and writing what a data key encrypts, as most services ask for it. */
export const ENVELOPE_ACTIONS = ['kms:Decrypt', 'kms:GenerateDataKey'] as const;

/** What every function in a VPC needs to run: interfaces (Lambda's own calls), its log streams, X-Ray. */
export function allowRunning(logStreams: string): PolicyStatement[] {
  return [
    // Lambda makes these calls from outside the VPC before there is any code: no endpoint, no narrower resource.
    allow('NetworkInterfaces', INTERFACE_ACTIONS, '*'),
    allow('Logs', ['logs:CreateLogStream', 'logs:PutLogEvents'], logStreams),
    allow('Traces', ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], '*'),
  ];
}

/** Writing a flow log; what the VPC's service does with its role. */
export function allowFlowLog(logGroup: string): PolicyStatement {
  const actions = ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'];
  return allow('FlowLog', actions, logGroup);
}
