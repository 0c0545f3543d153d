import { recordName } from '../../../infra/declaration/names.ts';
import { callJson } from '../../aws/aws-client.ts';
import { expectDenied } from './deny.ts';
import { accessOf, eventZone, needsEntries, publicAccessOf } from './facts.ts';
import type { Step } from './step.ts';

/** The internal zone can read no client's record; its signer can read that of its own client, and no other's. */
export const internalDeniedClientRecord: Step = {
  name: 'internal-denied-client-record',
  unfit: needsEntries(eventZone),
  run(system) {
    const { functionName, signerName, grant } = eventZone(system);
    const signer = accessOf(system, signerName, 'secretsmanager');
    const read = (access: typeof signer, client: string) => {
      const SecretId = recordName(system.declaration.name, client);
      return callJson(access, 'secretsmanager', 'secretsmanager.GetSecretValue', { SecretId });
    };
    const own = accessOf(system, functionName, 'secretsmanager');
    const stolen = { ...publicAccessOf(system, functionName), url: signer.url };
    const clients = Object.keys(system.declaration.clients);
    return expectDenied({
      allowed: () => read(signer, grant.client),
      denied: [
        ...clients.flatMap((client) => [() => read(own, client), () => read(stolen, client)]),
        ...clients.filter((client) => client !== grant.client).map((client) => () => read(signer, client)),
      ],
    });
  },
};
