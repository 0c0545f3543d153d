import type { Operation } from '../call.ts';
import { AwsError } from '../errors.ts';
import { optionalNumber, optionalTags, optionalTexts, refuseOthers, requiredText } from '../input.ts';
import { keyContext, keyNeed, needOnKey, tagContext } from './context.ts';
import { describeKey } from './describe-key.ts';
import type { KeyStore, StoredKey } from './keys.ts';
import { requireNotDeleting } from './usable.ts';

const DAY = 86_400;

/** Everything about a key but making it, its policy and its cryptography. */
export function lifecycleOperations(keys: KeyStore, now: () => number): Record<string, Operation> {
  const change = (
    action: string,
    members: readonly string[],
    apply: (key: StoredKey, input: object) => unknown,
  ) => ({
    needs: needOnKey(keys, `kms:${action}`),
    run(input: Readonly<Record<string, unknown>>) {
      refuseOthers(input, action, ['KeyId', ...members]);
      const output = apply(keys.find(requiredText(input, 'KeyId')), input);
      keys.save();
      return output;
    },
  });
  return {
    DescribeKey: {
      needs: needOnKey(keys, 'kms:DescribeKey'),
      run: (input) => ({ KeyMetadata: describeKey(keys.find(requiredText(input, 'KeyId'))) }),
    },
    EnableKey: change('EnableKey', [], (key) => {
      requireNotDeleting(key);
      key.status = 'Enabled';
    }),
    DisableKey: change('DisableKey', [], (key) => {
      requireNotDeleting(key);
      key.status = 'Disabled';
    }),
    ScheduleKeyDeletion: change('ScheduleKeyDeletion', ['PendingWindowInDays'], (key, input) => {
      requireNotDeleting(key);
      const days = optionalNumber({ ...input }, 'PendingWindowInDays', { min: 7, max: 30, fallback: 30 });
      key.status = 'PendingDeletion';
      key.deletion = Math.floor(now() / 1000) + days * DAY;
      return { KeyId: key.arn, DeletionDate: key.deletion, KeyState: key.status, PendingWindowInDays: days };
    }),
    CancelKeyDeletion: change('CancelKeyDeletion', [], (key) => {
      if (key.status !== 'PendingDeletion') {
        throw new AwsError('KMSInvalidStateException', `${key.arn} is not pending deletion.`);
      }
      key.status = 'Disabled';
      delete key.deletion;
      return { KeyId: key.arn };
    }),
    ListKeys: {
      needs: (_, call) => [
        { action: 'kms:ListKeys', resource: '*', context: { 'kms:CallerAccount': call.caller.account } },
      ],
      run(input) {
        const limit = optionalNumber(input, 'Limit', { min: 1, max: 1000, fallback: 100 });
        const start = Number(input['Marker'] ?? 0);
        const list = keys.list().slice(start, start + limit);
        const truncated = keys.list().length > start + limit;
        return {
          Keys: list.map(({ id, arn }) => ({ KeyId: id, KeyArn: arn })),
          Truncated: truncated,
          ...(truncated ? { NextMarker: String(start + limit) } : {}),
        };
      },
    },
    ListResourceTags: {
      needs: needOnKey(keys, 'kms:ListResourceTags'),
      run(input) {
        const { tags } = keys.find(requiredText(input, 'KeyId'));
        const list = Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue }));
        return { Tags: list, Truncated: false };
      },
    },
    TagResource: {
      needs(input, call) {
        const key = keys.find(requiredText(input, 'KeyId'));
        const context = { ...keyContext(call, key), ...tagContext(readTags(input)) };
        return [keyNeed(call, key, 'kms:TagResource', context)];
      },
      run(input) {
        const key = keys.find(requiredText(input, 'KeyId'));
        requireNotDeleting(key);
        Object.assign(key.tags, Object.fromEntries(readTags(input)));
        keys.save();
        return {};
      },
    },
    UntagResource: {
      needs: needOnKey(keys, 'kms:UntagResource', (input) => ({
        'aws:TagKeys': optionalTexts(input, 'TagKeys'),
      })),
      run(input) {
        const key = keys.find(requiredText(input, 'KeyId'));
        for (const name of optionalTexts(input, 'TagKeys')) delete key.tags[name];
        keys.save();
        return {};
      },
    },
  };
}

function readTags(input: Readonly<Record<string, unknown>>): [string, string][] {
  return optionalTags(input, 'Tags', 'TagKey', 'TagValue');
}
