import { needsEntries, sampleZone } from './facts.ts';
import { type Step, stepFailed } from './step.ts';
import { prepareSubmission } from './submission.ts';

/** The API takes a proof once and not twice, though token, key and everything else are right. */
export const replayedProofRefused: Step = {
  name: 'replayed-proof-refused',
  unfit: needsEntries(sampleZone),
  async run(system) {
    const { headers, send } = await prepareSubmission(system);
    const [first, second] = [await send(headers), await send(headers)];
    if (first.status >= 300) throw stepFailed(`the allowed twin failed: the API answered ${first.status}`);
    if (second.status !== 401)
      throw stepFailed(`the proof was taken twice: the API answered ${second.status}`);
    return `first ${first.status}, then ${second.status} ${second.challenge}`;
  },
};
