import { ZonesError } from '@helseid-zones/protocol/errors';
import { findKey } from '@helseid-zones/protocol/record-states';
import { describeClientKey, hasPolicy } from '../../functions/common/client-keys.ts';
import { renderKeyPolicy } from '../key-policy.ts';
import { type Desk, openClient, openClientOf } from './desk.ts';

/**
 * Has KMS delete a retired key after a number of days, with the operator's own credentials: the app may not.
 * @throws {ZonesError} `key_unknown`, `transition_refused`
 */
export async function deleteKey(desk: Desk, kid: string, days: number, clientName?: string): Promise<void> {
  const key = findKey((await openClientOf(desk, kid, clientName)).record, kid);
  if (key?.state !== 'retired')
    throw new ZonesError('transition_refused', `Key ${kid} is ${key?.state}; only a retired key is deleted.`);
  if (!(await desk.confirm(`Delete key ${kid} (${key.keyArn}) for good in ${days} days?`))) return;
  await desk.kms.scheduleKeyDeletion({ KeyId: key.keyArn, PendingWindowInDays: days });
  desk.say(`Deleted in ${days} days. Until then: aws kms cancel-key-deletion --key-id ${key.keyArn}`);
}

/** Gives every key that is not retired the policy that the infrastructure renders now, where it has another. */
export async function applyPolicies(desk: Desk, clientName?: string): Promise<void> {
  const { name, store } = await openClient(desk, clientName);
  for (const { kid, keyArn, algorithm, state } of (await store.read()).keys) {
    if (state === 'retired') continue;
    if (['Gone', 'PendingDeletion'].includes((await describeClientKey(desk.kms, keyArn)).state)) continue;
    const place = await desk.signingPlace(keyArn);
    const facts = { system: desk.system.name, client: name, algorithm, ...place };
    const policy = JSON.stringify(renderKeyPolicy(facts), null, 2);
    if (await hasPolicy(desk.kms, keyArn, policy)) {
      desk.say(`${kid}  as rendered`);
      continue;
    }
    const { Policy = '' } = await desk.kms.getKeyPolicy({ KeyId: keyArn, PolicyName: 'default' });
    desk.say(`${kid}  has:\n${Policy}\nrendered:\n${policy}`);
    if (!(await desk.confirm(`Give key ${kid} (${state}) the rendered policy?`))) continue;
    await desk.kms.putKeyPolicy({ KeyId: keyArn, PolicyName: 'default', Policy: policy });
    desk.say(`${kid}  applied`);
  }
}
