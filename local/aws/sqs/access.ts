import type { Call } from '../call.ts';
import type { KeyStore } from '../kms/keys.ts';
import { useKey, withKmsErrorAs } from '../kms/use-key.ts';
import type { Queue } from './queues.ts';

/** Asks for `sqs:<action>` on a queue. */
export function requireQueue(call: Call, { settings }: Queue, action: string): void {
  call.require({ action: `sqs:${action}`, resource: settings.arn });
}

/** Asks for what SQS needs of the queue's key: to encrypt what is sent, or to decrypt what is received. Throws `KmsAccessDenied`. */
export function useQueueKey(
  keys: KeyStore,
  call: Call,
  { settings }: Queue,
  way: 'send' | 'receive',
  region: string,
): void {
  const { kmsKeyId } = settings;
  if (kmsKeyId === undefined) return;
  withKmsErrorAs('KmsAccessDenied', "SQS can't use the key of the queue", () =>
    useKey(keys, call, kmsKeyId, {
      viaService: `sqs.${region}.amazonaws.com`,
      actions: way === 'send' ? ['kms:GenerateDataKey', 'kms:Decrypt'] : ['kms:Decrypt'],
      encryptionContext: { 'aws:sqs:arn': settings.arn },
    }),
  );
}
