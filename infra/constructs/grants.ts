import { ZonesError } from '@helseid-zones/protocol/errors';
import { isObject } from '@helseid-zones/protocol/values';
import { CfnElement, Stack } from 'aws-cdk-lib';
import { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import { Effect, type IRole, type PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import { DependencyGroup } from 'constructs';
import { queueArn, tableArn } from './arns.ts';

/** Actions that L2 grants name beside others, and that no ARN of a table is a resource of: they give nothing. */
const OF_STREAMS = ['dynamodb:GetRecords', 'dynamodb:GetShardIterator'];

/** Where a function gets what a service has, in the declaration. */
const FIELDS: Readonly<Record<string, string>> = {
  dynamodb: "tables (of constructs of your own: { NAME: 'cdk' })",
  sqs: 'queues',
  secretsmanager: 'secrets',
  lambda: 'grants, which give the zone its signer',
};

/**
 * A role as grants of L2 constructs see it. CDK's own `withoutPolicyUpdates` drops in silence what is granted; here a grant that the role's
 * statements hold already is done, and any other throws, since neither boundary nor endpoint would let it through.
 * @param field of the function, in the declaration
 */
export function refuseForeignGrants(role: Role, own: readonly PolicyStatement[], field: string): IRole {
  const stack = Stack.of(role);
  const names = new Map<string, string>();
  const flat = (value: unknown): string => flatten(stack.resolve(value), names);
  const held = own
    .filter(({ effect }) => effect === Effect.ALLOW)
    .map(({ actions, resources }) => ({ actions, resources: resources.map(flat) }));
  const refuse = (what: string): never => {
    const service = /^(\w+):/.exec(what)?.[1] ?? '';
    const remedy = FIELDS[service]
      ? `declare it there, in ${FIELDS[service]}`
      : `functions of a zone have no way to ${service || 'it'}: leave it out, or put it into another app`;
    throw new ZonesError(
      'declaration_invalid',
      `${field} is given ${what}, which it does not have: ${remedy}.`,
    );
  };
  return Object.assign(role.withoutPolicyUpdates(), {
    addToPrincipalPolicy(statement: PolicyStatement) {
      for (const element of stack.node.findAll()) nameArn(element, stack, names);
      const { effect, actions, notActions, notResources, conditions } = statement;
      if (effect !== Effect.ALLOW || notActions.length + notResources.length > 0)
        refuse('a statement that is no list of what is allowed');
      // A table without indexes has no value for them.
      const resources = statement.resources
        .map((one) => stack.resolve(one))
        .filter((one) => one !== undefined)
        .map(flat);
      for (const action of actions.filter((one) => !OF_STREAMS.includes(one)))
        for (const resource of resources)
          if (!held.some((one) => covers(one, action, resource)))
            refuse(
              `${action} on ${resource}${Object.keys(conditions).length > 0 ? ' under conditions' : ''}`,
            );
      return { statementAdded: true, policyDependable: new DependencyGroup() };
    },
    attachInlinePolicy: () => refuse('a policy of its own'),
    addManagedPolicy: () => refuse('a managed policy'),
  });
}

/** Services use the zone's key for the function, and nothing else can; L2 grants name some of that by patterns. */
function covers(held: { actions: string[]; resources: string[] }, action: string, resource: string): boolean {
  const actions = action.replace(/\*$/, '');
  return (
    held.actions.some((one) => (action.startsWith('kms:') ? one.startsWith(actions) : one === action)) &&
    held.resources.some((one) => one === '*' || one === resource)
  );
}

/** Notes which ARN the attribute of a table or queue with a name of its own stands for. */
function nameArn(element: unknown, stack: Stack, names: Map<string, string>): void {
  if (!CfnElement.isCfnElement(element as never)) return;
  const arn =
    element instanceof CfnTable && element.tableName
      ? tableArn(stack, element.tableName)
      : element instanceof CfnQueue && element.queueName
        ? queueArn(stack, element.queueName)
        : undefined;
  const id = stack.resolve((element as CfnElement).logicalId);
  if (arn !== undefined) names.set(`${id}.Arn`, flatten(stack.resolve(arn), names));
}

/** A resolved value as one text: references as `${…}`, and attributes of what has a name as the ARN that they will be. */
function flatten(value: unknown, names: ReadonlyMap<string, string>): string {
  if (!isObject(value)) return String(value);
  const [[kind, argument] = ['', '']] = Object.entries(value);
  if (kind === 'Fn::Join' && Array.isArray(argument))
    return (argument[1] as unknown[]).map((part) => flatten(part, names)).join(String(argument[0]));
  const name = [argument].flat().join('.');
  return names.get(name) ?? `\${${name}}`;
}
