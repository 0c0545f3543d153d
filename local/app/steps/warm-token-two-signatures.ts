import type { TrailLine } from '../../aws/trail.ts';
import { needsEntries, sampleZone } from './facts.ts';
import { makeOrganizationNumber, sendEvent } from './send-event.ts';
import { type Step, stepFailed } from './step.ts';

/** While a nonce is remembered, a token costs one round trip and two signatures, and the API call one more. */
export const warmTokenTwoSignatures: Step = {
  name: 'warm-token-two-signatures',
  unfit: needsEntries(sampleZone),
  async run(system) {
    const { signerName, grant } = sampleZone(system);
    await sendEvent(system, makeOrganizationNumber());
    const lines: TrailLine[] = [];
    const stop = system.trail.subscribe((line) => lines.push(line));
    try {
      // Another organisation, so another token.
      await sendEvent(system, makeOrganizationNumber());
    } finally {
      stop();
    }
    const issuer = system.declaration.clients[grant.client]?.issuer ?? '';
    const signed = lines.filter(
      ({ function: name, fields }) => name === signerName && fields['code'] === 'signed',
    );
    const forIssuer = signed.filter(({ fields }) => String(fields['target']).includes(new URL(issuer).host));
    const assertions = signed.filter(({ fields }) => fields['kind'] === 'client_assertion');
    const trips = lines.filter(({ kind, fields }) => kind === 'stand-in' && fields['service'] === 'helseid');
    const seen = `${assertions.length} assertion(s), ${forIssuer.length} for the issuer, ${signed.length} in all`;
    if (assertions.length !== 1 || forIssuer.length !== 2 || signed.length !== 3)
      throw stepFailed(`signatures: ${seen}`);
    if (system.standIns !== undefined && trips.length !== 1)
      throw stepFailed(`${trips.length} requests at the issuer`);
    return `one request at the issuer, two signatures for it (assertion and proof), one for the API`;
  },
};
