import { randomUUID } from 'node:crypto';
import { isObject, objectOf, parseJson, stringsOf } from '../../../infra/proof/assembly/json.ts';
import type { Call, Caller, Context, Need } from '../call.ts';
import { AwsError } from '../errors.ts';
import type { Document } from '../state.ts';
import { makeMaterial } from './cryptography.ts';

/** States of a key that the local KMS knows. */
export type KeyStatus = 'Enabled' | 'Disabled' | 'PendingDeletion';

/** One KMS key, as it is stored. Times are epoch seconds. Private keys of asymmetric keys are real. */
export interface StoredKey {
  id: string;
  arn: string;
  spec: string;
  usage: 'SIGN_VERIFY' | 'ENCRYPT_DECRYPT';
  status: KeyStatus;
  description: string;
  created: number;
  deletion?: number;
  /** JSON text, as it was put. */
  policy: string;
  tags: Record<string, string>;
  /** PKCS #8 PEM, and SPKI DER in base64; absent for symmetric keys. */
  privatePem?: string;
  publicDer?: string;
  /** Made by the template, so not kept in the state. */
  fromTemplate?: true;
}

/** The keys of the local KMS. */
export type KeyStore = ReturnType<typeof openKeyStore>;

/** Opens the store over `document`, for keys in the account and region given, with the keys of the template. */
export function openKeyStore(
  document: Document<{ keys: StoredKey[] }>,
  { account, region }: { account: string; region: string },
  declared: readonly StoredKey[] = [],
) {
  const prefix = `arn:aws:kms:${region}:${account}:key/`;
  const keys = new Map([...document.value.keys, ...declared].map((key) => [key.id, key]));
  const save = () => {
    document.value.keys = [...keys.values()].filter(({ fromTemplate }) => fromTemplate === undefined);
    document.save();
  };
  return {
    /**
     * By key id or key ARN.
     * @throws {AwsError} NotFoundException
     */
    find(keyId: string): StoredKey {
      const arn = keyId.startsWith('arn:') ? keyId : `${prefix}${keyId}`;
      const key = [...keys.values()].find((one) => one.arn === arn);
      if (key !== undefined) return key;
      throw new AwsError('NotFoundException', `Key '${arn}' does not exist`);
    },
    list: () => [...keys.values()],
    /** Makes key material too; resolves once the key is stored. */
    async create(fields: Omit<StoredKey, 'id' | 'arn' | 'status' | 'privatePem' | 'publicDer'>) {
      const id = randomUUID();
      const material = await makeMaterial(fields.spec);
      const key: StoredKey = { ...fields, id, arn: `${prefix}${id}`, status: 'Enabled', ...material };
      keys.set(id, key);
      save();
      return key;
    },
    save,
  };
}

/**
 * For cryptography.
 * @throws {AwsError} DisabledException, or KMSInvalidStateException where deletion is pending
 */
export function requireEnabled(key: StoredKey): void {
  if (key.status === 'Disabled') throw new AwsError('DisabledException', `${key.arn} is disabled.`);
  requireNotDeleting(key);
}

/**
 * For changes of its state.
 * @throws {AwsError} KMSInvalidStateException: deletion is pending
 */
export function requireNotDeleting(key: StoredKey): void {
  if (key.status === 'PendingDeletion')
    throw new AwsError('KMSInvalidStateException', `${key.arn} is pending deletion.`);
}

/** The permission to do `action` with `key`, with the condition keys that KMS adds for every request about a key. */
export function keyNeed(key: StoredKey, action: string, more: Context = {}): Need {
  const tags = Object.entries(key.tags).map(([name, value]) => [`aws:ResourceTag/${name}`, value]);
  const context = {
    ...describedContext(key.spec, key.usage),
    ...Object.fromEntries(tags),
    ...more,
  };
  return { action, resource: key.arn, context, resourcePolicy: JSON.parse(key.policy) };
}

/** The condition keys that say what kind of key a request is about, or makes. */
export function describedContext(spec: string, usage: string): Context {
  return {
    'kms:KeySpec': spec,
    'kms:KeyUsage': usage,
    'kms:KeyOrigin': 'AWS_KMS',
    'kms:MultiRegion': 'false',
  };
}

/** What another service does with a key for whoever called it: which service, which permissions, which encryption context. */
interface KeyUse {
  /** `kms:ViaService`, e.g. `secretsmanager.eu-north-1.amazonaws.com`; absent for a service that acts for itself. */
  viaService?: string | undefined;
  actions: readonly ('kms:Decrypt' | 'kms:GenerateDataKey')[];
  encryptionContext: Readonly<Record<string, string>>;
  /** What the service answers where KMS refuses. */
  refusal: { code: string; message: string };
}

/**
 * Asks for the permissions that a service needs to use the key `keyId` for `call`. Nothing is really encrypted: the local
 * state is no safer with a key beside it. A resource without a key needs none. A refusal of KMS becomes the service's own.
 */
export function useKey(keys: KeyStore, call: Call, keyId: string | undefined, use: KeyUse): void {
  if (keyId === undefined) return;
  const entries = Object.entries(use.encryptionContext);
  const context = {
    'kms:ViaService': use.viaService,
    'kms:EncryptionContextKeys': entries.map(([name]) => name),
    ...Object.fromEntries(entries.map(([name, value]) => [`kms:EncryptionContext:${name}`, value])),
  };
  try {
    const key = keys.find(keyId);
    for (const action of use.actions) call.require(keyNeed(key, action, context));
    requireEnabled(key);
  } catch (cause) {
    if (!(cause instanceof AwsError)) throw cause;
    const { code, message } = use.refusal;
    throw new AwsError(code, `${message} (KMS: ${cause.code}: ${cause.message})`);
  }
}

/** The policy that KMS gives a key made without one: everything is left to the account's identity policies. */
export function rootPolicy(account: string): string {
  const Principal = { AWS: `arn:aws:iam::${account}:root` };
  const Sid = 'Enable IAM User Permissions';
  const Statement = [{ Sid, Effect: 'Allow', Principal, Action: 'kms:*', Resource: '*' }];
  return JSON.stringify({ Version: '2012-10-17', Id: 'key-default-1', Statement });
}

/**
 * KMS's checks of a key policy, with its lockout check: a statement must let the account or the caller call PutKeyPolicy later,
 * and none may deny it to everybody. Judges the key policy alone, as KMS does; conditions are taken as met. Does not validate every
 * element as AWS does.
 * @throws {AwsError} MalformedPolicyDocumentException
 */
export function checkPolicy(text: string, caller: Caller): void {
  const administrators = ['*', `arn:aws:iam::${caller.account}:root`, caller.account, caller.arn];
  const policy = parseJson(text);
  if (policy === undefined) throw malformed('Policy is not valid JSON');
  const statements = [objectOf(policy)['Statement']].flat().filter(isObject);
  const effects = statements.map(({ Action, Principal, Effect }) => {
    const puts = stringsOf(Action).some((name) => /^(\*|kms:(\*|Put\*|PutKeyPolicy))$/i.test(name));
    const principals = stringsOf(isObject(Principal) ? Principal['AWS'] : Principal);
    return puts && principals.some((name) => administrators.includes(name)) ? Effect : undefined;
  });
  if (effects.includes('Allow') && !effects.includes('Deny')) return;
  throw malformed('The new key policy will not allow you to update the key policy in the future.');
}

function malformed(message: string): AwsError {
  return new AwsError('MalformedPolicyDocumentException', message);
}
