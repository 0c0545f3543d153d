import type { Fetch } from '@helseid-zones/client/http';
import type { Signer } from '@helseid-zones/protocol/intents';
import { fillKeyPolicy } from '@helseid-zones/protocol/key-policy';
import type { Clock, KmsPort, SecretsPort } from '../common/key-ports.ts';
import { type Audit, createRecordStore } from '../common/record-store.ts';
import { createPatientKms } from '../common/until-there.ts';
import { createHelseId } from './helse-id.ts';
import type { Rotation } from './ports.ts';
import type { AdminClient } from './settings.ts';

/** The world outside, as the admin zone's functions reach it: the one place where it is passed in. */
export interface AdminWorld {
  kms: KmsPort;
  secrets: SecretsPort;
  /** The signer of one client. */
  signer: (functionArn: string) => Signer;
  fetch?: Fetch;
  clock: Clock;
  audit: Audit;
}

/** Puts together what the steps of one client's rotation need. `deadline` is epoch seconds. */
export function openRotation(client: AdminClient, world: AdminWorld, deadline: number): Rotation {
  const { secrets, clock, audit } = world;
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
    kms: createPatientKms(world.kms, { clock, deadline }),
    secrets,
    store: createRecordStore({ secrets, secretArn: client.recordArn, owner, clock, audit }),
    helseId: createHelseId({
      client: client.client,
      config: client.config,
      ...(selfService ? { selfService } : {}),
      audit,
      signer: world.signer(client.signerArn),
      ...(world.fetch ? { fetch: world.fetch } : {}),
      now: () => clock.now() * 1000,
    }),
    clock,
    deadline,
    audit,
  };
}
