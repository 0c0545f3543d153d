import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { objectOf, readJson, stringOf } from '../../assembly/json.ts';
import { identify } from '../../assembly/physical.ts';
import { type ResolvedAssembly, type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { parsePolicy } from '../statement.ts';
import type { Resource } from './world.ts';

/** The file in the rotation function's asset that holds the policy of the keys it makes, by client. */
export const KEY_POLICY_FILE = 'key-policy.json';

/**
 * One key for each client, with the policy of the keys that rotation makes at run time: the templates have
 * none of these keys. Its placeholders are filled as rotation fills them, from the function's account and
 * environment. That rotation uses this policy and no other is code, which the proof does not cover.
 */
export function virtualKeys(assembly: ResolvedAssembly): (Resource & { client: string })[] {
  return resourcesOfType(assembly, 'AWS::Lambda::Function').flatMap((fn) => {
    const file = join(fn.assetPath ?? '', KEY_POLICY_FILE);
    if (fn.assetPath === undefined || !existsSync(file)) return [];
    const policies = readJson(file, (text) => fillPlaceholders(text, fn));
    const { account, region } = fn;
    return Object.entries(policies).map(([client, document]) => ({
      client,
      account,
      arn: virtualKeyArn(client, account, region),
      tags: new Map(),
      policies: [parsePolicy(`policy of the keys of ${client}`, document)],
    }));
  });
}

/** The made-up ARN that stands for every key of `client`. */
export function virtualKeyArn(client: string, account: string, region: string): string {
  const place = { account, region, stack: 'made at run time', logicalId: client };
  return identify('AWS::KMS::Key', place, () => undefined)?.arn ?? '';
}

function fillPlaceholders(text: string, fn: ResolvedResource): string {
  const { SIGNING_VPC: variable } = objectOf(objectOf(fn.properties.Environment).Variables);
  // In a JSON text; what nobody knows before the deploy has quotation marks in its name.
  const signingVpc = JSON.stringify(stringOf(variable) ?? '${SigningVpc}').slice(1, -1);
  return text.replaceAll('${Account}', fn.account).replaceAll('${SigningVpc}', signingVpc);
}
