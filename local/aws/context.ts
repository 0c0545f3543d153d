import type { Authorize } from './call.ts';
import type { CredentialTable } from './credentials.ts';
import type { KeyStore } from './kms/keys.ts';
import type { FunctionTable, Invoke } from './lambda/service.ts';
import type { FunctionPool } from './runtime/pool.ts';
import type { SecretStore } from './secrets/store.ts';
import type { QueueTable } from './sqs/queues.ts';
import type { Trail } from './trail.ts';

/**
 * What the emulators have in common: where they are, who decides, and the resources that one service uses of another. Each
 * emulator is started with the model of its own resources and this, and answers with an `Emulator`.
 */
export interface AwsContext {
  account: string;
  region: string;
  /** Epoch milliseconds. */
  now(): number;
  authorize: Authorize;
  credentials: CredentialTable;
  trail: Trail;
  keys: KeyStore;
  secrets: SecretStore;
  queues: QueueTable;
  functions: FunctionTable;
  pool: FunctionPool;
  /** Invokes a function for a caller whom the policies let. */
  invoke: Invoke;
}
