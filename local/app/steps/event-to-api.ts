import { needsEntries, sampleZone } from './facts.ts';
import { makeOrganizationNumber, sendEvent } from './send-event.ts';
import { type Step, stepFailed } from './step.ts';

/** An event about a journal document reaches the documents API: bus, queue, worker, signer, token, call. */
export const eventToApi: Step = {
  name: 'event-to-api',
  unfit: needsEntries(sampleZone),
  async run(system) {
    const organization = makeOrganizationNumber();
    const { fields } = await sendEvent(system, organization);
    const { functionName, grant } = sampleZone(system);
    const [api] = grant.apis;
    const stored = system.standIns?.apis
      .get(api?.api ?? '')
      ?.documents.filter(({ child }) => child === organization);
    if (stored !== undefined && stored.length !== 1)
      throw stepFailed(`the API has the document ${stored.length} times`);
    return `${functionName} submitted the document for child organisation ${organization}: ${fields['status']}`;
  },
};
