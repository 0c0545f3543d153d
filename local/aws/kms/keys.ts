import { generateKeyPair, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import type { Document } from '../../app/state.ts';
import { AwsError } from '../errors.ts';
import { KEY_SPECS } from './specs.ts';

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
  /** PKCS #8 PEM, and SPKI DER in base64; absent for symmetric keys, which the local AWS never encrypts with. */
  privatePem?: string;
  publicDer?: string;
  /** Made by the template, so not kept in the state. */
  fromTemplate?: true;
}

/** The keys of the local KMS. */
export interface KeyStore {
  /** By key id, key ARN or alias. Throws `NotFoundException`. */
  find(keyId: string): StoredKey;
  list(): readonly StoredKey[];
  /** Makes key material too; resolves once the key is stored. */
  create(key: Omit<StoredKey, 'id' | 'arn' | 'status' | 'privatePem' | 'publicDer'>): Promise<StoredKey>;
  /** Adds a key of the template. */
  add(key: StoredKey): void;
  save(): void;
}

const generate = promisify(generateKeyPair);

/** Opens the store over `document`, for keys in the account and region given. */
export function openKeyStore(
  document: Document<{ keys: StoredKey[] }>,
  {
    account,
    region,
    aliases = new Map(),
  }: { account: string; region: string; aliases?: ReadonlyMap<string, string> },
): KeyStore {
  const prefix = `arn:aws:kms:${region}:${account}:key/`;
  const keys = new Map(document.value.keys.map((key) => [key.id, key]));
  const save = () => {
    document.value.keys = [...keys.values()].filter(({ fromTemplate }) => fromTemplate === undefined);
    document.save();
  };
  return {
    find(keyId) {
      const target = aliases.get(keyId.replace(/^arn:aws:kms:[^:]+:\d+:(?=alias\/)/, '')) ?? keyId;
      const id = target.startsWith(prefix) ? target.slice(prefix.length) : target;
      const key = keys.get(id);
      if (key === undefined) {
        const name = keyId.startsWith('arn:') ? keyId : `${prefix}${keyId}`;
        const what = keyId.includes('alias/')
          ? `Alias ${name.replace(':key/alias/', ':alias/')} is not found.`
          : `Key '${name}' does not exist`;
        throw new AwsError('NotFoundException', what);
      }
      return key;
    },
    list: () => [...keys.values()],
    async create(fields) {
      const id = randomUUID();
      const key: StoredKey = {
        ...fields,
        id,
        arn: `${prefix}${id}`,
        status: 'Enabled',
        ...(await makeMaterial(fields.spec)),
      };
      keys.set(id, key);
      save();
      return key;
    },
    add: (key) => void keys.set(key.id, key),
    save,
  };
}

async function makeMaterial(spec: string): Promise<{ privatePem?: string; publicDer?: string }> {
  const generated = KEY_SPECS.get(spec)?.generate;
  if (generated === undefined) return {};
  const pair =
    generated.type === 'ec'
      ? await generate('ec', { namedCurve: generated.namedCurve })
      : await generate('rsa', { modulusLength: generated.modulusLength });
  return {
    privatePem: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicDer: pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  };
}
