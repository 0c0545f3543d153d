import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { fillKeyPolicy } from '@helseid-zones/protocol/key-policy';
import { createRecordStore, type RecordStore } from '../common/record-store.ts';
import { createRetryingKms } from '../common/retry.ts';
import { createHelseId, type HelseId } from './helse-id.ts';
import type { AdminClient, AdminDependencies } from './settings.ts';

/** Everything that the steps of one client's rotation, and the checks of its keys, need. */
export interface Rotation extends AdminClient, AdminDependencies {
  /** The policy that a key of this algorithm shall have, as JSON text. */
  policyOf(algorithm: Algorithm): string;
  store: RecordStore;
  helseId: HelseId;
  /** Epoch seconds after which nothing more is waited for. */
  deadline: number;
}

/** Puts together what the steps of one client's rotation need. `deadline` is epoch seconds. */
export function openRotation(
  client: AdminClient,
  dependencies: AdminDependencies,
  deadline: number,
): Rotation {
  const { secrets, clock, audit, fetch } = dependencies;
  const { secretArn, selfService, config } = client;
  const owner = { client: client.client, clientId: config.clientId, issuer: config.issuer };
  return {
    ...client,
    ...dependencies,
    policyOf: (algorithm) => fillKeyPolicy(client.policy, client.policyValues, algorithm),
    kms: createRetryingKms(dependencies.kms, { clock, deadline }),
    store: createRecordStore({ secrets, secretArn, owner, clock, audit }),
    helseId: createHelseId({
      client: client.client,
      config,
      selfService,
      audit,
      signer: dependencies.signer(client.signerArn),
      fetch,
      now: () => clock.now() * 1000,
    }),
    deadline,
  };
}
