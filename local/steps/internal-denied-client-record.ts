import { recordName } from '../../infra/declaration/names.ts';
import { callJson } from '../aws-client.ts';
import { expectDenied } from './deny.ts';
import { accessOf, eventZone, needsEntries, publicAccessOf } from './facts.ts';
import type { Step } from './step.ts';

/** The internal zone can't read the client record; its signer can. */
export const internalDeniedClientRecord: Step = {
  name: 'internal-denied-client-record',
  unfit: needsEntries(eventZone),
  run(system) {
    const { functionName, signerName, grant } = eventZone(system);
    const SecretId = recordName(system.declaration.name, grant.client);
    const signer = accessOf(system, signerName, 'secretsmanager');
    const read = (access: typeof signer) =>
      callJson(access, 'secretsmanager', 'secretsmanager.GetSecretValue', { SecretId });
    const stolen = publicAccessOf(system, functionName);
    return expectDenied({
      allowed: () => read(signer),
      denied: [
        () => read(accessOf(system, functionName, 'secretsmanager')),
        () => read({ ...stolen, url: signer.url }),
      ],
    });
  },
};
