import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { fillKeyPolicy } from '@helseid-zones/protocol/key-policy';
import type { Clock, KmsPort, SecretsPort } from '../common/key-ports.ts';
import { type Audit, createRecordStore, type RecordStore } from '../common/record-store.ts';
import { createRetryingKms } from '../common/retry.ts';
import { createHelseId, type HelseId } from './helse-id.ts';
import type { AdminClient, AdminDependencies } from './settings.ts';

/** Everything that the steps of one client's rotation need. */
export interface Rotation {
  system: string;
  client: string;
  secretArn: string;
  /** Of keys made from now on. */
  algorithm: Algorithm;
  /** Seconds that a replaced key signs proofs at least. */
  longestTokenLifetime: number;
  /** Whether HelseID has a self-service API for this client; without it an operator registers every key. */
  selfRegistering: boolean;
  /** Seconds that HelseID may take to honour a new key everywhere. */
  propagation: number;
  /** The policy that a key of this algorithm shall have, as JSON text. */
  policyOf(algorithm: Algorithm): string;
  kms: KmsPort;
  secrets: SecretsPort;
  store: RecordStore;
  helseId: HelseId;
  clock: Clock;
  /** Epoch seconds after which nothing more is waited for. */
  deadline: number;
  audit: Audit;
}

/** Puts together what the steps of one client's rotation need. `deadline` is epoch seconds. */
export function openRotation(
  client: AdminClient,
  dependencies: AdminDependencies,
  deadline: number,
): Rotation {
  const { secrets, clock, audit } = dependencies;
  const { selfService, algorithm, longestTokenLifetime, propagation } = client.rotation;
  const { clientId, issuer } = client.config;
  const owner = { client: client.client, clientId, issuer };
  return {
    system: client.system,
    client: client.client,
    secretArn: client.recordArn,
    algorithm,
    longestTokenLifetime,
    propagation,
    selfRegistering: selfService !== undefined,
    policyOf: (name) => fillKeyPolicy(client.policy, client.policyValues, name),
    kms: createRetryingKms(dependencies.kms, { clock, deadline }),
    secrets,
    store: createRecordStore({ secrets, secretArn: client.recordArn, owner, clock, audit }),
    helseId: createHelseId({
      client: client.client,
      config: client.config,
      ...(selfService ? { selfService } : {}),
      audit,
      signer: dependencies.signer(client.signerArn),
      ...(dependencies.fetch ? { fetch: dependencies.fetch } : {}),
      now: () => clock.now() * 1000,
    }),
    clock,
    deadline,
    audit,
  };
}
