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
 * Does not validate every element as AWS does.
 * @throws {AwsError} MalformedPolicyDocumentException: the text is no policy
 */
export function checkPolicy(text: string): void {
  if (statements(text).length === 0) {
    throw new AwsError('MalformedPolicyDocumentException', 'Policy contains no statement that is an object');
  }
}

/**
 * KMS's lockout check: a statement must let the account or the caller call PutKeyPolicy later, and none may deny it to
 * everybody. Judges the key policy alone, as KMS does; conditions are taken as met.
 * @throws {AwsError} MalformedPolicyDocumentException
 */
export function checkLockout(text: string, caller: Caller): void {
  const root = `arn:aws:iam::${caller.account}:root`;
  const mine = statements(text).filter(
    (statement) =>
      stringsOf(statement['Action']).some((action) => /^(\*|kms:(\*|Put\*|PutKeyPolicy))$/i.test(action)) &&
      principals(statement).some((name) => ['*', root, caller.account, caller.arn].includes(name)),
  );
  const effects = mine.map((statement) => statement['Effect']);
  if (effects.includes('Allow') && !effects.includes('Deny')) return;
  throw new AwsError(
    'MalformedPolicyDocumentException',
    'The new key policy will not allow you to update the key policy in the future.',
  );
}

function statements(text: string): JsonObject[] {
  const policy = parseJson(text);
  if (policy === undefined)
    throw new AwsError('MalformedPolicyDocumentException', 'Policy is not valid JSON');
  return [objectOf(policy)['Statement']].flat().filter(isObject);
}

function principals({ Principal }: JsonObject): string[] {
  return stringsOf(isObject(Principal) ? Principal['AWS'] : Principal);
}
