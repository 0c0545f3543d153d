import { describeNetworkFailure } from '@helseid-zones/client/errors';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { candidateKey, noteDraft } from '@helseid-zones/protocol/record-states';
import { required } from '@helseid-zones/protocol/values';
import * as v from 'valibot';
import { readClientKey } from '../../functions/common/client-keys.ts';
import { keysCommand, type Operator, openClient, patientKms } from './operator.ts';
import type { KeyOptions } from './options.ts';

const answerSchema = v.object({ clientId: v.pipe(v.string(), v.minLength(1)) });

/**
 * Registers a client with its first key without the portal (`POST /v1/client-drafts`): single-tenant clients
 * only, from a template that the api key is for. A person still confirms, on the page that is printed.
 * @throws {ZonesError} config_invalid, self_service_refused, self_service_unreachable
 */
export async function draftClient(operator: Operator, options: KeyOptions): Promise<void> {
  const { organization, redirect } = required(options.draft, 'The draft');
  const { name, declared, store } = openClient(operator, options.client);
  const key = candidateKey(await store.read());
  const apiKey = operator.env['HELSEID_DRAFT_API_KEY'];
  if (!declared.selfService) throw missing(`client ${name} has no self-service API in the declaration`);
  if (declared.tenancy !== 'single-tenant') throw missing('drafts are for single-tenant clients');
  if (!key)
    throw missing(`there is no key that waits; make one with ${keysCommand(operator, `rotate ${name}`)}`);
  if (!apiKey) throw missing('HELSEID_DRAFT_API_KEY, the api key of the client template, is not set');
  const { publicKey, kid } = await readClientKey(patientKms(operator), key);
  const question = `Register a new client with key ${kid} for organisation ${organization}?`;
  if (!(await operator.confirm(question))) return;
  const url = `${declared.selfService.baseUrl}/v1/client-drafts`;
  const { clientId } = await post(operator, url, apiKey, {
    organizationNumber: organization,
    publicJwk: JSON.stringify({ ...publicKey, kid, alg: key.algorithm, use: 'sig' }),
    postClientConfirmationRedirectUri: redirect,
  });
  operator.say(`Client id: ${clientId}. Put it into zones.ts (clients.${name}.clientId) and deploy.`);
  const page = confirmationPage(declared.selfService.baseUrl, clientId);
  operator.say(`Confirm it, as somebody who may: ${page}`);
  operator.say(`Then: ${keysCommand(operator, `verify ${name}`)}`);
  // Last, since what is printed can't be had again. Without it the key would retire when the declaration gets the new id.
  await store.change((record) => noteDraft(record, kid, clientId));
}

async function post(operator: Operator, url: string, apiKey: string, body: object) {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', 'api-key': apiKey },
    body: JSON.stringify(body),
    redirect: 'manual',
    signal: AbortSignal.timeout(20_000),
  } as const;
  const answered = operator.fetch(url, init).then(async (answer) => [answer, await answer.text()] as const);
  const [{ ok, status }, text] = await answered.catch((cause: unknown) => {
    const message = `${url} did not answer; look in the portal first.`;
    throw new ZonesError('self_service_unreachable', message, {
      cause,
      facts: describeNetworkFailure(cause),
    });
  });
  const facts = { status };
  if (status >= 400 && status < 500)
    throw new ZonesError('self_service_refused', `Refused: ${text.slice(0, 500)}`, { facts });
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), answerSchema), text);
  if (ok && parsed.success) return parsed.output;
  const message = `${url} answered ${status}; look in the portal first.`;
  throw new ZonesError('self_service_unreachable', message, { facts });
}

/** The portal is the API's host without its first label. */
function confirmationPage(baseUrl: string, clientId: string): string {
  const { host } = new URL(baseUrl);
  return `https://${host.replace(/^api\./, '')}/confirm-client/${encodeURIComponent(clientId)}`;
}

const missing = (what: string): ZonesError => new ZonesError('config_invalid', `No draft: ${what}.`);
