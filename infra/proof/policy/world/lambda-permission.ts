import { type JsonObject, stringOf } from '../../assembly/json.ts';
import type { ResolvedResource } from '../../assembly/resolve.ts';

/**
 * The statement that an `AWS::Lambda::Permission` adds to the policy of its function, and the function. A
 * permission for a version or alias covers that one only; one for the bare function covers the unqualified
 * ARN only.
 */
export function lambdaStatement({ properties, account, region, logicalId }: ResolvedResource): {
  target: string;
  statement: JsonObject;
} {
  const named = stringOf(properties.FunctionName) ?? '';
  const arn = named.startsWith('arn:') ? named : `arn:aws:lambda:${region}:${account}:function:${named}`;
  const statement = {
    Sid: logicalId,
    Effect: 'Allow',
    Action: properties.Action,
    Principal: permissionPrincipal(properties.Principal),
    Resource: arn,
    Condition: permissionCondition(properties),
  };
  return { target: arn.split(':').slice(0, 7).join(':'), statement };
}

/** A service's name, an account, an ARN or everybody. */
function permissionPrincipal(principal: unknown): unknown {
  if (principal === '*') return '*';
  const isService = typeof principal === 'string' && principal.includes('.') && !principal.startsWith('arn:');
  return isService ? { Service: principal } : { AWS: principal };
}

function permissionCondition(properties: JsonObject): JsonObject {
  const equals = {
    'aws:SourceAccount': properties.SourceAccount,
    'aws:PrincipalOrgID': properties.PrincipalOrgID,
    'lambda:FunctionUrlAuthType': properties.FunctionUrlAuthType,
    'lambda:EventSourceToken': properties.EventSourceToken,
  };
  const given = Object.entries(equals).filter(([, value]) => value !== undefined);
  const { SourceArn: source, InvokedViaFunctionUrl: viaUrl } = properties;
  return {
    ...(given.length === 0 ? {} : { StringEquals: Object.fromEntries(given) }),
    ...(source === undefined ? {} : { ArnLike: { 'aws:SourceArn': source } }),
    ...(viaUrl === undefined ? {} : { Bool: { 'lambda:InvokedViaFunctionUrl': viaUrl } }),
  };
}
