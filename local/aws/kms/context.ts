import type { Context, Need } from '../authorize.ts';
import type { Call, Input } from '../call.ts';
import type { KeyStore, StoredKey } from './keys.ts';

/** The condition keys that KMS adds for every request about a key. */
export function keyContext(call: Call, key: StoredKey): Context {
  return {
    'kms:CallerAccount': call.caller.account,
    'kms:KeySpec': key.spec,
    'kms:KeyUsage': key.usage,
    'kms:KeyOrigin': 'AWS_KMS',
    'kms:MultiRegion': 'false',
    'aws:ResourceAccount': key.arn.split(':')[4] ?? '',
    ...Object.fromEntries(
      Object.entries(key.tags).map(([name, value]) => [`aws:ResourceTag/${name}`, value]),
    ),
  };
}

/** The permission to do `action` with `key`. */
export function keyNeed(call: Call, key: StoredKey, action: string, more: Context = {}): Need {
  return {
    action,
    resource: key.arn,
    context: { ...keyContext(call, key), ...more },
    resourcePolicy: JSON.parse(key.policy),
  };
}

/** The permission of an operation that names its key in `KeyId`. */
export function needOnKey(keys: KeyStore, action: string, more: (input: Input) => Context = () => ({})) {
  return (input: Input, call: Call): Need[] => [
    keyNeed(call, keys.find(String(input['KeyId'] ?? '')), action, more(input)),
  ];
}

/** Condition keys of a request that sets tags. */
export function tagContext(tags: readonly (readonly [string, string])[]): Context {
  if (tags.length === 0) return {};
  return {
    'aws:TagKeys': tags.map(([name]) => name),
    ...Object.fromEntries(tags.map(([name, value]) => [`aws:RequestTag/${name}`, value])),
  };
}
