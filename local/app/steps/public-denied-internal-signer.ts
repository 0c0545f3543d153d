import { callLambda } from '../../aws/aws-client.ts';
import { expectDenied } from './deny.ts';
import { accessOf, eventZone, gatewayZone, needsEntries, publicAccessOf } from './facts.ts';
import type { Step } from './step.ts';

/** The public zone can't ask the internal zone's signer; the internal zone's function can. */
export const publicDeniedInternalSigner: Step = {
  name: 'public-denied-internal-signer',
  unfit: needsEntries(gatewayZone, eventZone),
  run(system) {
    const { functionName: outside } = gatewayZone(system);
    const { functionName, signerArn, grant } = eventZone(system);
    const issuer = system.declaration.clients[grant.client]?.issuer ?? '';
    const request = { intents: [{ kind: 'client_assertion', client: grant.client, issuer }] };
    const ask = (access: Parameters<typeof callLambda>[0]) => callLambda(access, signerArn, request);
    return expectDenied({
      async allowed() {
        const answer = await ask(accessOf(system, functionName, 'lambda'));
        const { error } = answer.body as { error?: { code: string; message: string } };
        return error === undefined ? answer : { ...answer, error };
      },
      denied: [() => ask(accessOf(system, outside, 'lambda')), () => ask(publicAccessOf(system, outside))],
    });
  },
};
