import { randomUUID } from 'node:crypto';
import type { Call, Input, Operation } from '../call.ts';
import { AwsError } from '../errors.ts';
import { oneOf, optionalFlag, optionalTags, optionalText, refuseOthers } from '../input.ts';
import { tagContext } from './context.ts';
import { describeKey } from './describe-key.ts';
import type { KeyStore } from './keys.ts';
import { checkLockout, checkPolicy, rootPolicy } from './policy.ts';
import { KEY_SPECS } from './specs.ts';

const MEMBERS = [
  'Policy',
  'Description',
  'KeyUsage',
  'KeySpec',
  'Origin',
  'Tags',
  'MultiRegion',
  'BypassPolicyLockoutSafetyCheck',
];

/** Where keys are made. `now` is in epoch milliseconds. */
export interface KeyPlace {
  account: string;
  region: string;
  now: () => number;
}

/** `CreateKey`: asymmetric signing keys and symmetric ones, with the condition keys that bind it and KMS's lockout check. */
export function createKeyOperation(keys: KeyStore, place: KeyPlace): Operation {
  return {
    needs(input, call) {
      const { spec, usage, tags } = read(input);
      const context = {
        'kms:CallerAccount': call.caller.account,
        'kms:KeySpec': spec,
        'kms:KeyUsage': usage,
        'kms:KeyOrigin': 'AWS_KMS',
        'kms:MultiRegion': 'false',
        'kms:BypassPolicyLockoutSafetyCheck': String(
          optionalFlag(input, 'BypassPolicyLockoutSafetyCheck', false),
        ),
        ...tagContext(tags),
      };
      const create = { action: 'kms:CreateKey', resource: '*', context };
      if (tags.length === 0) return [create];
      // Tagging at creation is allowed or refused by identity policies alone: the key has no policy yet.
      const resource = `arn:aws:kms:${place.region}:${place.account}:key/${randomUUID()}`;
      const resourcePolicy = JSON.parse(rootPolicy(place.account));
      return [create, { action: 'kms:TagResource', resource, context, resourcePolicy }];
    },
    async run(input, call: Call) {
      refuseOthers(input, 'CreateKey', MEMBERS);
      const { spec, usage, tags, policy } = read(input);
      const text = policy ?? rootPolicy(place.account);
      checkPolicy(text);
      if (!optionalFlag(input, 'BypassPolicyLockoutSafetyCheck', false)) checkLockout(text, call.caller);
      const key = await keys.create({
        spec,
        usage,
        description: optionalText(input, 'Description', 8192) ?? '',
        created: Math.floor(place.now() / 1000),
        policy: text,
        tags: Object.fromEntries(tags),
      });
      return { KeyMetadata: describeKey(key) };
    },
  };
}

function read(input: Input) {
  const usage = oneOf(input, 'KeyUsage', ['SIGN_VERIFY', 'ENCRYPT_DECRYPT'], 'ENCRYPT_DECRYPT');
  const spec = oneOf(input, 'KeySpec', ['SYMMETRIC_DEFAULT', ...KEY_SPECS.keys()], 'SYMMETRIC_DEFAULT');
  oneOf(input, 'Origin', ['AWS_KMS'], 'AWS_KMS');
  if (optionalFlag(input, 'MultiRegion', false) || (usage === 'SIGN_VERIFY') !== KEY_SPECS.has(spec)) {
    throw new AwsError(
      'ValidationException',
      `KeyUsage ${usage} is not compatible with KeySpec ${spec} here`,
    );
  }
  const tags = optionalTags(input, 'Tags', 'TagKey', 'TagValue');
  return { usage, spec, tags, policy: optionalText(input, 'Policy', 32_768) };
}
