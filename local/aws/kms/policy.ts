import {
  isObject,
  type JsonObject,
  objectOf,
  parseJson,
  stringsOf,
} from '../../../infra/proof/assembly/json.ts';
import type { Caller } from '../call.ts';
import { AwsError } from '../errors.ts';

/** The policy that KMS gives a key made without one: everything is left to the account's identity policies. */
export function rootPolicy(account: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${account}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  });
}

/**
 * KMS's checks of a key policy, with its lockout check: a statement must let the account or the caller call PutKeyPolicy later,
 * and none may deny it to everybody. Judges the key policy alone, as KMS does; conditions are taken as met. Does not validate every
 * element as AWS does.
 * @throws {AwsError} MalformedPolicyDocumentException
 */
export function checkPolicy(text: string, caller: Caller): void {
  const administrators = ['*', `arn:aws:iam::${caller.account}:root`, caller.account, caller.arn];
  const effects = statements(text)
    .filter(
      (statement) =>
        stringsOf(statement['Action']).some((action) => /^(\*|kms:(\*|Put\*|PutKeyPolicy))$/i.test(action)) &&
        principals(statement).some((name) => administrators.includes(name)),
    )
    .map(({ Effect }) => Effect);
  if (effects.includes('Allow') && !effects.includes('Deny')) return;
  throw malformed('The new key policy will not allow you to update the key policy in the future.');
}

function statements(text: string): JsonObject[] {
  const policy = parseJson(text);
  if (policy === undefined) throw malformed('Policy is not valid JSON');
  return [objectOf(policy)['Statement']].flat().filter(isObject);
}

function principals({ Principal }: JsonObject): string[] {
  return stringsOf(isObject(Principal) ? Principal['AWS'] : Principal);
}

function malformed(message: string): AwsError {
  return new AwsError('MalformedPolicyDocumentException', message);
}
