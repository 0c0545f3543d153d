import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { machineTokens } from '@helseid-zones/client/machine-token';
import { ZonesError } from '@helseid-zones/protocol/errors';
import {
  DECLARATION_OPTIONS,
  readArguments,
  requireOwn,
  requireStage,
} from '../../infra/declaration/options.ts';
import { ownEntry } from '../../infra/declaration/problem.ts';
import { type OperatorFile, readOperatorFile } from '../../infra/operator-file.ts';
import { print, runCommand } from '../../infra/terminal.ts';
import { type AwsAnswer, callGateway } from '../aws/aws-client.ts';
import { localCertificate, trustHere } from '../helseid/certificate.ts';
import { findRoute, fireSchedule, putSecret, webhookHeaders } from './call-own.ts';
import { makeOrganizationNumber, notRunning } from './events.ts';
import { DEFAULT_DIRECTORY } from './options.ts';
import { makeForeignCall } from './protected-call.ts';
import { callerClient, sampleDetails } from './steps/facts.ts';

const USAGE = `npm run call -- [options] ZONE METHOD URL

Calls a route of a zone, or an API as the zone's function would: with a token and a proof that its signer makes.

  /summaries/17                 a route of the zone's gateway, signed with SigV4 as the operator
                                (one with authorize webhook is signed by its secret; its body is {} without --body;
                                one with authorize helseid by a client of somebody else's at the stand-in)
  summaries/v1/summaries/17     an API by its name in zones.ts, and the path below its base URL

Or, instead of METHOD URL, as AWS would:

  schedule worker/nightly       starts the function as its schedule does
  secret worker/partner-key     puts the text of --body FILE as the function's secret

  --client NAME        which of the zone's clients calls, where several may
  --organization N     on whose behalf (nine digits; made up where the grant wants one)
  --body FILE          what is sent, as JSON; of a secret its text
  --stage NAME         confirms which stage runs
  --directory FOLDER   where the running local system keeps its state (default ${DEFAULT_DIRECTORY})

Exit status: 0 answered with 2xx, 1 not.`;

const OPTIONS = {
  directory: { type: 'string', default: DEFAULT_DIRECTORY },
  stage: DECLARATION_OPTIONS.stage,
  client: { type: 'string' },
  organization: { type: 'string' },
  body: { type: 'string' },
} as const;

/** What is of some calls alone. */
const ONLY_OF = {
  client: ['an API'],
  organization: ['an API'],
  body: ['an API', 'a route', 'secret'],
} as const;

/** What is called, and with what. */
type Wanted = Record<'zone' | 'method' | 'target', string> &
  Record<'body' | 'client' | 'organization', string | undefined>;

/** Resolves to the exit status. */
async function main(args: string[]): Promise<number> {
  const { positionals, values, given } = readArguments(
    { args, allowPositionals: true, options: OPTIONS },
    failed,
  );
  const [zone, method, target, more] = positionals;
  if (zone === undefined || method === undefined || target === undefined || more !== undefined)
    throw failed('Name a zone, a method and what to call');
  const own = Object.hasOwn(OWN, method.toUpperCase()) ? method.toLowerCase() : undefined;
  requireOwn(given, ONLY_OF, own ?? (target.startsWith('/') ? 'a route' : 'an API'), failed);
  const { client, organization, directory, body: file } = values;
  const body = file === undefined ? undefined : readBody(file);
  const operator = readOperatorFile(directory);
  requireStage(values.stage, operator.stage);
  trustHere(await localCertificate(join(directory, 'tls')));
  const wanted = { zone, target, body, client, organization, method: method.toUpperCase() };
  const call = OWN[wanted.method] ?? (target.startsWith('/') ? callRoute : callApi);
  const answer = await call(operator, wanted).catch(notRunning);
  print(`${answer.status} ${answer.type}`);
  if (answer.text !== '') print(answer.text);
  return answer.status < 300 ? 0 : 1;
}

function readBody(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw failed(`--body can't be read (${(cause as Error).message})`, cause);
  }
}

type Answer = { status: number; type: string; text: string };

/** What is done instead of a request. */
const OWN: Readonly<Record<string, (operator: OperatorFile, wanted: Wanted) => Promise<Answer>>> = {
  SCHEDULE: async (operator, { zone, target: name }) => textOf(await fireSchedule(operator, { zone, name })),
  async SECRET(operator, { zone, target: name, body }) {
    if (body === undefined) throw failed('Name the file with the text of the secret: --body FILE');
    // An editor's last line break is no part of it.
    await putSecret(operator, { zone, name }, body.replace(/\r?\n$/, ''));
    return { status: 200, type: 'put', text: '' };
  },
};

async function callRoute(operator: OperatorFile, wanted: Wanted): Promise<Answer> {
  const { zone, method, target, body } = wanted;
  const gateway = operator.gateways.find((candidate) => candidate.zone === zone);
  if (gateway === undefined) {
    const zones = operator.gateways.map((candidate) => candidate.zone).join(', ');
    throw failed(`No gateway is of a zone ${zone}${zones === '' ? '' : `, only of ${zones}`}`);
  }
  const sent = { zone, method, path: target.replace(/\?.*$/, ''), body: body ?? '{}' };
  if (findRoute(operator.declaration, sent)?.authorize === 'helseid')
    return callAsForeign(operator, wanted, gateway.url + target);
  const headers = await webhookHeaders(operator, sent);
  const signed = headers['webhook-id'] === undefined ? body : sent.body;
  const access = { ...operator, url: gateway.url };
  return textOf(await callGateway(access, target, { method, body: signed, headers }));
}

/** With a token and a proof of somebody else's client, as which the stand-in knows one a zone. */
async function callAsForeign({ foreign }: OperatorFile, { zone, method, body }: Wanted, url: string) {
  const caller = foreign.find((one) => one.zone === zone);
  const whose = caller ? 'of persons' : "of others' clients";
  if (caller === undefined || caller.wantsPerson)
    throw failed(`${method} ${url} takes tokens ${whose}, and no stand-in gives any`);
  const privateKey = createPrivateKey({ key: JSON.parse(caller.privateKey), format: 'jwk' });
  const sent = body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } };
  const call = makeForeignCall({ ...caller, privateKey }, { method, url, ...sent });
  return call.send(await call.headers(await call.token()));
}

/** A function that failed is answered with 200 by Lambda. */
function textOf({ status, headers, body }: AwsAnswer): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body, null, 2);
  const failure = headers.get('x-amz-function-error');
  const type = failure ?? headers.get('content-type') ?? '';
  return { status: failure === null ? status : 500, type, text };
}

async function callApi(operator: OperatorFile, { zone, method, target, body, ...options }: Wanted) {
  const [name = '', ...path] = target.split('/');
  const { apis } = operator.declaration;
  const api = ownEntry(apis, name);
  if (api === undefined) throw failed(`There is no API ${name}, only ${Object.keys(apis).join(', ')}`);
  const { caller, grant } = findCaller(operator, zone, name, options.client);
  const { scopes, resource } = api;
  const details = sampleDetails({ grant }, options.organization ?? makeOrganizationNumber());
  const client = callerClient(operator, caller);
  const tokens = machineTokens(client, { scopes, details, ...(resource ? { resource } : {}) });
  const response = await createApiFetch(client, tokens)(`${api.baseUrl}/${path.join('/')}`, {
    method,
    ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
  });
  const { status, headers } = response;
  return { status, type: headers.get('content-type') ?? '', text: await response.text() };
}

function findCaller({ callers, declaration }: OperatorFile, zone: string, api: string, client?: string) {
  const { grants = [] } = ownEntry(declaration.zones, zone) ?? {};
  const fitting = grants.filter(
    (grant) => (client === undefined || grant.client === client) && grant.apis.some((one) => one.api === api),
  );
  const [grant] = fitting;
  if (fitting.length > 1)
    throw failed(`Several clients may: --client ${fitting.map((one) => one.client).join(' or ')}`);
  const caller = callers.find((one) => one.zone === zone && one.client === grant?.client);
  if (grant === undefined || caller === undefined)
    throw failed(`No function of zone ${zone} may call ${api}${client ? ` by the client ${client}` : ''}`);
  return { caller, grant };
}

function failed(what: string, cause?: unknown): ZonesError {
  return new ZonesError('local_failed', `${what}. See npm run call -- --help.`, { cause });
}

await runCommand(main, { usage: USAGE });
