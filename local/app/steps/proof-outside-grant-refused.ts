import { callLambda } from '../../aws/aws-client.ts';
import { accessOf, eventZone, needsEntries } from './facts.ts';
import { type Step, stepFailed } from './step.ts';

type SignAnswer = { signatures?: unknown[]; error?: { code: string; message: string } };

/** The signer makes a proof for the API call that the zone is granted, and none for another method, path, API or host. */
export const proofOutsideGrantRefused: Step = {
  name: 'proof-outside-grant-refused',
  unfit: needsEntries(eventZone),
  async run(system) {
    const { functionName, signerArn, grant } = eventZone(system);
    const [granted] = grant.apis;
    const base = system.declaration.apis[granted?.api ?? '']?.baseUrl ?? '';
    const [method = 'POST', path = '/'] = [granted?.methods[0], granted?.paths[0]];
    const ask = async (verb: string, url: string) => {
      const intent = { kind: 'dpop_proof', client: grant.client, method: verb, url };
      const { body } = await callLambda(accessOf(system, functionName, 'lambda'), signerArn, {
        intents: [intent],
      });
      return body as SignAnswer;
    };
    const twin = await ask(method, `${base}${path}`);
    if (twin.signatures?.length !== 1)
      throw stepFailed(`the allowed twin failed: ${twin.error?.message ?? 'no signature'}`);
    const others = Object.entries(system.declaration.apis).filter(([name]) => name !== granted?.api);
    const outside: [string, string][] = [
      ['TRACE', `${base}${path}`],
      [method, `${base}/other${path}`],
      [method, `https://attacker.example.no${path}`],
      ...others.map(([, { baseUrl }]): [string, string] => [method, `${baseUrl}${path}`]),
    ];
    let message = '';
    for (const [verb, url] of outside) {
      const { error, signatures } = await ask(verb, url);
      if (
        signatures !== undefined ||
        error === undefined ||
        !/^(grant_refused|intent_malformed)$/.test(error.code)
      ) {
        throw stepFailed(`${verb} ${url} was not refused: ${error?.code ?? 'signed'}`);
      }
      message = `${error.code}: ${error.message}`;
    }
    return `${outside.length} proofs outside the grant refused; ${message}`;
  },
};
