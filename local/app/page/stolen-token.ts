import { needsEntries, sampleZone } from '../steps/facts.ts';
import { makeThiefsProof } from '../steps/proof.ts';
import { type Step, stepFailed } from '../steps/step.ts';
import { prepareSubmission } from '../steps/submission.ts';

/** An access token is worth nothing without the key it is bound to, which its thief can't get. */
export const useStolenToken: Step = {
  name: 'stolen-token-refused',
  unfit: needsEntries(sampleZone),
  async run(system) {
    const { url, accessToken, headers: own, send } = await prepareSubmission(system);
    const twin = await send(own);
    if (twin.status >= 300) throw stepFailed(`the allowed twin failed: the API answered ${twin.status}`);
    const thefts = {
      'as a bearer token': { authorization: `Bearer ${accessToken}` },
      'without a proof': { authorization: `DPoP ${accessToken}` },
      "with a proof by the thief's key": {
        authorization: `DPoP ${accessToken}`,
        dpop: await makeThiefsProof('POST', url, accessToken),
      },
    };
    let challenge = '';
    for (const [how, headers] of Object.entries(thefts)) {
      const answer = await send(headers);
      if (answer.status !== 401) throw stepFailed(`${how} the API answered ${answer.status}`);
      challenge = answer.challenge;
    }
    return `${Object.keys(thefts).join(', ')}: 401 each time; last ${challenge}`;
  },
};
