import { createHash, randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { Context } from '../call.ts';
import type { AwsContext } from '../context.ts';
import { AwsError } from '../errors.ts';
import {
  blob,
  type Emulator,
  integer,
  jsonEmulator,
  type Operation,
  operation,
  operationsOn,
  text,
} from '../operation.ts';
import { KEY_SPECS, signDigest } from './cryptography.ts';
import {
  checkPolicy,
  describedContext,
  keyNeed,
  requireEnabled,
  requireNotDeleting,
  rootPolicy,
  type StoredKey,
} from './keys.ts';

const MAX_MESSAGE = 4096;
const DAY = 86_400;

/** A policy that locks everybody out is always refused here. */
const LOCKOUT_CHECKED = { 'kms:BypassPolicyLockoutSafetyCheck': 'false' };

const policyName = v.optional(v.literal('default'));
const tags = v.optional(v.array(v.object({ TagKey: text(128), TagValue: v.optional(v.string(), '') })), []);

/**
 * The local KMS: real keys, KMS's checks and errors in KMS's order, and nothing that the project does not call. Does not throttle.
 */
export function startKms(context: AwsContext): Emulator {
  const { keys, now } = context;
  const onKey = operationsOn<StoredKey>('KeyId', keys.find, (action, key, _, more) =>
    keyNeed(key, `kms:${action}`, more),
  );
  const enable = (action: string, status: 'Enabled' | 'Disabled') =>
    onKey(action, {}, (key) => {
      requireNotDeleting(key);
      key.status = status;
      keys.save();
    });
  const operations: Record<string, Operation> = {
    ...onKey(
      'Sign',
      {
        Message: blob(MAX_MESSAGE),
        MessageType: v.optional(v.picklist(['RAW', 'DIGEST']), 'RAW'),
        SigningAlgorithm: v.picklist([...KEY_SPECS.keys()].flatMap(algorithmsOf)),
      },
      (key, { Message, MessageType, SigningAlgorithm }) => {
        requireEnabled(key);
        const signature = sign(key, SigningAlgorithm, MessageType, Message);
        return { KeyId: key.arn, Signature: signature.toString('base64'), SigningAlgorithm };
      },
      (input) => ({ 'kms:MessageType': input.MessageType, 'kms:SigningAlgorithm': input.SigningAlgorithm }),
    ),
    ...onKey('GetPublicKey', {}, (key) => {
      requireEnabled(key);
      const { publicDer: PublicKey } = material(key);
      const { arn: KeyId, spec: KeySpec, usage: KeyUsage } = key;
      return { KeyId, PublicKey, KeySpec, KeyUsage, SigningAlgorithms: algorithmsOf(KeySpec) };
    }),
    CreateKey: createKeyOperation(context),
    ...onKey('DescribeKey', {}, (key) => ({ KeyMetadata: describeKey(key) })),
    ...onKey('GetKeyPolicy', { PolicyName: policyName }, ({ policy }) => ({
      Policy: policy,
      PolicyName: 'default',
    })),
    // Nobody can make one here.
    ...onKey('ListGrants', {}, () => ({ Grants: [], Truncated: false })),
    ...onKey('ListResourceTags', {}, ({ tags }) => ({
      Tags: Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
      Truncated: false,
    })),
    ListKeys: operation(
      { Limit: v.optional(v.number()) },
      () => [{ action: 'kms:ListKeys', resource: '*' }],
      // All at once, whatever the limit.
      () => ({ Keys: keys.list().map(({ id, arn }) => ({ KeyId: id, KeyArn: arn })), Truncated: false }),
    ),
    ...enable('EnableKey', 'Enabled'),
    ...enable('DisableKey', 'Disabled'),
    ...onKey(
      'PutKeyPolicy',
      { Policy: text(32_768), PolicyName: policyName },
      (key, { Policy }, { caller }) => {
        checkPolicy(Policy, caller);
        key.policy = Policy;
        keys.save();
      },
      () => LOCKOUT_CHECKED,
    ),
    ...onKey(
      'ScheduleKeyDeletion',
      { PendingWindowInDays: integer(7, 30, 30) },
      (key, { PendingWindowInDays }) => {
        requireNotDeleting(key);
        key.status = 'PendingDeletion';
        key.deletion = Math.floor(now() / 1000) + PendingWindowInDays * DAY;
        keys.save();
        return { KeyId: key.arn, DeletionDate: key.deletion, KeyState: key.status, PendingWindowInDays };
      },
    ),
  };
  return jsonEmulator({ name: 'kms', target: 'TrentService', version: '1.1', operations });
}

/** The names of what a key of the spec signs with. */
function algorithmsOf(spec: string): string[] {
  return (KEY_SPECS.get(spec) ?? []).map(({ kmsSigningAlgorithm }) => kmsSigningAlgorithm);
}

function material({ arn, privatePem, publicDer }: StoredKey) {
  if (privatePem !== undefined && publicDer !== undefined) return { privatePem, publicDer };
  const message = `${arn} origin is AWS_KMS which is not valid for this operation: it is a symmetric key.`;
  throw new AwsError('UnsupportedOperationException', message);
}

function sign(key: StoredKey, name: string, type: 'RAW' | 'DIGEST', message: Buffer): Buffer {
  const algorithm = KEY_SPECS.get(key.spec)?.find((entry) => entry.kmsSigningAlgorithm === name);
  const incompatible = `Algorithm ${name} and key spec ${key.spec} are incompatible.`;
  if (algorithm === undefined) throw new AwsError('InvalidKeyUsageException', incompatible);
  if (type === 'DIGEST' && message.length !== Number(algorithm.hash.slice(3)) / 8)
    throw new AwsError('ValidationException', `Digest is invalid length for algorithm ${name}.`);
  const digest = type === 'DIGEST' ? message : createHash(algorithm.hash).update(message).digest();
  return signDigest(algorithm, digest, material(key).privatePem);
}

/** `CreateKey`: signing keys alone, with the condition keys that bind it and KMS's lockout check. */
function createKeyOperation({ keys, account, region, now }: AwsContext): Operation {
  return operation(
    {
      Policy: v.optional(text(32_768), rootPolicy(account)),
      Description: v.optional(text(8192)),
      KeyUsage: v.literal('SIGN_VERIFY'),
      KeySpec: v.picklist([...KEY_SPECS.keys()]),
      Origin: v.optional(v.literal('AWS_KMS')),
      Tags: tags,
      MultiRegion: v.optional(v.literal(false)),
      BypassPolicyLockoutSafetyCheck: v.optional(v.literal(false)),
    },
    ({ KeyUsage, KeySpec, Tags }) => {
      const context = { ...describedContext(KeySpec, KeyUsage), ...LOCKOUT_CHECKED, ...tagContext(Tags) };
      const create = { action: 'kms:CreateKey', resource: '*', context };
      if (Tags.length === 0) return [create];
      // Tagging at creation is allowed or refused by identity policies alone: the key has no policy yet.
      const resource = `arn:aws:kms:${region}:${account}:key/${randomUUID()}`;
      const resourcePolicy = JSON.parse(rootPolicy(account));
      return [create, { action: 'kms:TagResource', resource, context, resourcePolicy }];
    },
    async ({ Policy, Description = '', KeyUsage, KeySpec, Tags }, { caller }) => {
      checkPolicy(Policy, caller);
      const key = await keys.create({
        spec: KeySpec,
        usage: KeyUsage,
        description: Description,
        policy: Policy,
        created: Math.floor(now() / 1000),
        tags: Object.fromEntries(Tags.map(({ TagKey, TagValue }) => [TagKey, TagValue])),
      });
      return { KeyMetadata: describeKey(key) };
    },
  );
}

/** A key's `KeyMetadata`, as `CreateKey` and `DescribeKey` answer it. */
function describeKey(key: StoredKey): Record<string, unknown> {
  const { id, arn, spec, usage, status, description, created, deletion } = key;
  return {
    AWSAccountId: arn.split(':')[4],
    KeyId: id,
    Arn: arn,
    KeySpec: spec,
    KeyUsage: usage,
    KeyState: status,
    Enabled: status === 'Enabled',
    Description: description,
    CreationDate: created,
    DeletionDate: deletion,
    Origin: 'AWS_KMS',
    MultiRegion: false,
    SigningAlgorithms: KEY_SPECS.has(spec) ? algorithmsOf(spec) : undefined,
  };
}

/** Condition keys of a request that sets tags. */
function tagContext(tags: readonly { TagKey: string; TagValue: string }[]): Context {
  if (tags.length === 0) return {};
  const each = tags.map(({ TagKey, TagValue }) => [`aws:RequestTag/${TagKey}`, TagValue]);
  return { 'aws:TagKeys': tags.map(({ TagKey }) => TagKey), ...Object.fromEntries(each) };
}
