import { CfnRule, type CfnRuleProps } from 'aws-cdk-lib/aws-events';
import { CfnPermission, type IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

/** Starts a function when a rule says so, and lets that rule do it. `target` is the target's id. Returns the rule's name. */
export function addSchedule(
  scope: Construct,
  id: string,
  handler: IFunction,
  {
    target,
    input,
    ...props
  }: Pick<CfnRuleProps, 'description' | 'scheduleExpression' | 'name'> & {
    target: string;
    input?: string;
  },
): string {
  const rule = new CfnRule(scope, id, {
    ...props,
    targets: [{ id: target, arn: handler.functionArn, ...(input === undefined ? {} : { input }) }],
  });
  new CfnPermission(scope, `${id}-Permission`, {
    action: 'lambda:InvokeFunction',
    functionName: handler.functionArn,
    principal: 'events.amazonaws.com',
    sourceArn: rule.attrArn,
  });
  return rule.ref;
}
