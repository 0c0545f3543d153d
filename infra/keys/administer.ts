import { ZonesError } from '@helseid-zones/protocol/errors';
import { findKey } from '@helseid-zones/protocol/record-states';
import { required } from '@helseid-zones/protocol/values';
import { describeClientKey, hasPolicy, listGrants } from '../../functions/common/client-keys.ts';
import { renderKeyPolicy } from '../render-key-policy.ts';
import { type Operator, openClient, openClientOf } from './operator.ts';
import type { KeyOptions } from './options.ts';

/**
 * Has KMS delete a retired key after a number of days, with the operator's own credentials: the app may not.
 * @throws {ZonesError} key_unknown, transition_refused
 */
export async function deleteKey(operator: Operator, { client, days, ...options }: KeyOptions): Promise<void> {
  const kid = required(options.kid, 'A kid');
  const key = findKey((await openClientOf(operator, kid, client)).record, kid);
  if (key?.state !== 'retired')
    throw new ZonesError('transition_refused', `Key ${kid} is ${key?.state}; only a retired key is deleted.`);
  if (!(await operator.confirm(`Delete key ${kid} (${key.keyArn}) for good in ${days} days?`))) return;
  await operator.kms.scheduleKeyDeletion({ KeyId: key.keyArn, PendingWindowInDays: days });
  operator.say(`Deleted in ${days} days. Until then: aws kms cancel-key-deletion --key-id ${key.keyArn}`);
}

/** Gives every key that is not retired the policy that the infrastructure renders now, where it has another. */
export async function applyPolicies(operator: Operator, { client }: KeyOptions): Promise<void> {
  const { name, store } = openClient(operator, client);
  for (const { kid, keyArn, algorithm, state } of (await store.read()).keys) {
    if (state === 'retired') continue;
    if (['Gone', 'PendingDeletion'].includes((await describeClientKey(operator.kms, keyArn)).state)) continue;
    for (const { GranteePrincipal, GrantId } of await listGrants(operator.kms, keyArn))
      operator.say(
        `${kid}  is granted to ${GranteePrincipal}, past its policy: rotate --now, and aws kms revoke-grant --key-id ${keyArn} --grant-id ${GrantId}`,
      );
    const place = await operator.signingPlace(keyArn);
    const facts = { system: operator.system.name, client: name, algorithm, ...place };
    const policy = JSON.stringify(renderKeyPolicy(facts), null, 2);
    if (await hasPolicy(operator.kms, keyArn, policy)) {
      operator.say(`${kid}  as rendered`);
      continue;
    }
    const { Policy = '' } = await operator.kms.getKeyPolicy({ KeyId: keyArn, PolicyName: 'default' });
    operator.say(`${kid}  has:\n${Policy}\nrendered:\n${policy}`);
    if (!(await operator.confirm(`Give key ${kid} (${state}) the rendered policy?`))) continue;
    await operator.kms.putKeyPolicy({ KeyId: keyArn, PolicyName: 'default', Policy: policy });
    operator.say(`${kid}  applied`);
  }
}
