import type { Call } from '../call.ts';
import { AwsError } from '../errors.ts';
import { keyNeed } from './context.ts';
import type { KeyStore } from './keys.ts';
import { requireEnabled } from './usable.ts';

/** What another service does with a key for whoever called it: which service, which permissions, which encryption context. */
export interface KeyUse {
  /** `kms:ViaService`, e.g. `secretsmanager.eu-north-1.amazonaws.com`; absent for a service that acts for itself. */
  viaService?: string;
  actions: readonly ('kms:Decrypt' | 'kms:GenerateDataKey')[];
  encryptionContext: Readonly<Record<string, string>>;
}

/**
 * Asks for the permissions that a service needs to use the key `keyId` for `call`. Nothing is really encrypted: the local
 * state is no safer with a key beside it. Throws as KMS does; services wrap that in errors of their own.
 */
export function useKey(keys: KeyStore, call: Call, keyId: string, use: KeyUse): void {
  const key = keys.find(keyId);
  const entries = Object.entries(use.encryptionContext);
  const context = {
    ...(use.viaService === undefined ? {} : { 'kms:ViaService': use.viaService }),
    'kms:EncryptionContextKeys': entries.map(([name]) => name),
    ...Object.fromEntries(entries.map(([name, value]) => [`kms:EncryptionContext:${name}`, value])),
  };
  for (const action of use.actions) call.require(keyNeed(call, key, action, context));
  requireEnabled(key);
}

/** Runs `use`; a refusal of KMS becomes `code` with `message`, as the service that asked KMS would put it. */
export function withKmsErrorAs(code: string, message: string, use: () => void): void {
  try {
    use();
  } catch (cause) {
    if (!(cause instanceof AwsError)) throw cause;
    throw new AwsError(code, `${message} (KMS: ${cause.code}: ${cause.message})`);
  }
}
