import { createHash, createHmac } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { createApiCall } from '@helseid-zones/client/connect-zone';
import { createTokenGiver } from '@helseid-zones/client/give-tokens';
import { parseZoneConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { parseGrant } from '@helseid-zones/protocol/grant';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import type { APIGatewayProxyEvent, Context, SQSEvent } from 'aws-lambda';
import fc from 'fast-check';
import { calculateJwkThumbprint } from 'jose';
import { authorizeRequest } from '../../functions/authorizer/authorize.ts';
import { deriveSettings as deriveAuthorizer } from '../../functions/authorizer/rules.ts';
import type { DynamoTable } from '../../functions/common/dynamo.ts';
import type { Dependencies } from '../../functions/login-common/dependencies.ts';
import { deriveSettings as deriveLogin } from '../../functions/login-common/settings.ts';
import { guardWebhooks } from '../../functions/webhook-guard/guard.ts';
import { TablePersistence } from '../../functions/worker/persistence.ts';
import { createWorker } from '../../functions/worker/process.ts';
import { defineSystem } from '../../infra/declaration/define.ts';
import { deriveGrants, deriveZoneConfig } from '../../infra/declaration/derive.ts';
import { zoneFunctions } from '../../infra/declaration/names.ts';
import { CANARIES, plant } from '../canaries.ts';
import { API, CLIENT_ID, ISSUER, makeWorld } from '../client/make-client.ts';
import { createDirectNetwork } from '../fakes/network.ts';
import { makeKeys, makePorts, makeRequest, RULES } from '../functions/authorizer/make-request.ts';
import { eventsFor } from '../functions/login/any-event.ts';
import { makeConfig, makeLogin, openBrowser, setCookies } from '../functions/login/make-login.ts';
import { SAMPLE_TEXT } from '../functions/worker/sample.ts';
import system from '../two-clients.zones.ts';
import { broken, kind, mutated, nasty, refuseLeak, written } from './hostile.ts';
import { judge } from './judge.ts';

/** Makes something anew after so many uses: it remembers what came. */
function renewed<T>(uses: number, make: () => Promise<T>): () => Promise<T> {
  let [made, age]: [Promise<T> | undefined, number] = [undefined, 0];
  return () => {
    if (age % uses === 0) made = make();
    age += 1;
    return made as Promise<T>;
  };
}

/** Lines of logs and figures, all together. */
let lines = 0;
/** A log that refuses what shows a secret, in whatever a line is made of. */
const audit = (...line: unknown[]) => {
  lines += 1;
  refuseLeak(line, 'a line of the log');
};

/** A table in memory: its one condition is that a key is free. */
function openTable(items = new Map<string, object>()): DynamoTable {
  const table: Partial<DynamoTable> = {
    get: async (key) => items.get(key) as never,
    put: async (key, item, condition) => {
      if (condition && items.has(key)) return false;
      items.set(key, item);
      return true;
    },
    delete: async (key) => void items.delete(key),
  };
  return table as DynamoTable;
}

const SAMPLE = JSON.parse(SAMPLE_TEXT);
const zone = renewed(500, async () => {
  const world = await makeWorld({ network: createDirectNetwork() });
  world.api.behaviour.answer = () => new Response(null, { status: 201 });
  const api = { baseUrl: `${API}/fhir`, scopes: ['documents/write'] };
  const items = new Map<string, object>();
  const work = createWorker({
    documents: (child) => createApiCall(world.client, api, [{ type: 'helseid_authorization', child }]),
    persistence: new TablePersistence(openTable(items)),
    audit,
  });
  const tenancy = 'single-tenant' as const;
  const clients = { journal: { clientId: CLIENT_ID, issuer: ISSUER, tenancy, profile: helseIdProfile } };
  const apis = { documents: { ...api, audience: API, clients: ['journal'] } };
  const config = { zone: 'internal', clients, apis };
  const give = createTokenGiver({ config, client: () => world.client, audit });
  return { ...world, items, work, give };
});

const documents = written(mutated(fc.constant(SAMPLE), 3, ['974760673', 'urn:a|b', 2]));
const events = kind({
  name: 'events',
  share: 3,
  cases: fc.oneof(
    {
      weight: 9,
      arbitrary: fc
        .array(documents, { minLength: 1, maxLength: 2 })
        .map((bodies) => bodies.map((body) => ({ body }))),
    },
    { weight: 1, arbitrary: mutated(fc.constant([{ body: SAMPLE_TEXT }]), 2) },
  ),
  async run(records) {
    if (!Array.isArray(records) || !records.every((each) => typeof Object(each).body === 'string'))
      return 'not from SQS';
    const { work, api, items } = await zone();
    const before = api.requests.length;
    // A document that was changed fails where the one before it is remembered under its identifier.
    items.clear();
    // The queue's own.
    const sent = { Records: records.map((each, at) => ({ ...each, messageId: `m${at}` })) } as SQSEvent;
    const { batchItemFailures } = await work(sent, { getRemainingTimeInMillis: () => 20_000 } as Context);
    const calls = api.requests.slice(before);
    if (calls.length > records.length) broken('more documents than messages');
    return `${batchItemFailures.length === 0 ? 'submitted' : 'to come again'}`;
  },
  reached: ['submitted', 'to come again'],
});

const tokens = kind({
  name: 'token-requests',
  share: 2,
  cases: mutated(
    fc.constantFrom<unknown>(
      { api: 'documents', method: 'POST', url: `${API}/fhir/x` },
      {
        api: 'documents',
        method: 'GET',
        url: '/x',
        nonce: 'n',
        details: [{ type: 'helseid_authorization', child: '974760673' }],
      },
      [{ api: 'documents', method: 'GET', url: '/x', refused: `DPoP ${CANARIES.accessToken}` }],
    ),
    3,
    [
      '//evil.test/',
      `${API}@evil.test/`,
      `${API}/fhir/../other`,
      'https://evil.test/',
      '/%2e%2e/',
      'journal',
    ],
  ),
  async run(event) {
    const { give } = await zone();
    const answers = [await give(event)].flat();
    for (const answer of answers) {
      if ('error' in answer) {
        refuseLeak(answer, 'the refusal');
        continue;
      }
      const { htu } = JSON.parse(Buffer.from(answer.dpop.split('.')[1] ?? '', 'base64url').toString());
      if (!htu.startsWith(`${API}/fhir/`) || /\/\.\.|%2e/i.test(htu)) broken(`headers for ${htu}`);
    }
    return 'error' in (answers[0] ?? {}) ? 'refused' : 'given';
  },
  reached: ['refused', 'given'],
});

const entered = renewed(500, async () => {
  const login = await makeLogin({}, {}, await makeWorld({ network: createDirectNetwork() }));
  const log: Dependencies['log'] = audit;
  Object.assign(login.deps, { log });
  const browser = openBrowser(login);
  await browser.logIn();
  const cookie = [...browser.cookies].map(([name, { value }]) => `${name}=${value}`).join('; ');
  return { login, cookie };
});
const { login: declared } = makeConfig();
const gateway = kind({
  name: 'gateway-and-cookies',
  share: 5,
  cases: fc
    .constantFrom('login', 'callback', 'session', 'logout', 'api')
    .chain((name) =>
      fc.tuple(
        fc.constant(name),
        declared ? eventsFor(declared, name) : fc.constant({} as APIGatewayProxyEvent),
        fc.nat(2),
      ),
    ),
  async run([name, event, of]) {
    const { login, cookie } = await entered();
    // Nobody's, with the cookies of a session, or from its page.
    const own = [{}, { cookie }, { cookie, 'sec-fetch-site': 'same-origin' }][of] ?? {};
    const headers = { ...event.headers, ...own };
    const sent = { ...event, headers, ...(of > 0 ? { multiValueHeaders: {} } : {}) };
    if (name === 'logout' && of > 0) Object.assign(sent, { httpMethod: 'GET' });
    const before = lines;
    const answer = await login.handlers[name]?.(sent);
    const logged = lines > before ? ' logged' : '';
    if (answer === undefined) return broken('no such function');
    const { statusCode: status, body, headers: given = {} } = answer;
    const fields = Object.entries(given).map(([header, value]) => `${header}: ${value}`);
    const cookies = setCookies(answer).map((line) => `set-cookie: ${line}`);
    const problem = judge({ status, body, head: `\r\n${[...fields, ...cookies].join('\r\n')}` }, []);
    if (problem !== undefined) broken(`${problem}: ${body.slice(0, 300)}`);
    return `${status}${logged}`;
  },
  reached: ['200', '303 logged', '400 logged', '401 logged', '403 logged'],
});

const KEYS = makeKeys();
const tampering = fc.record({
  /** Whether it is signed by the right key after the change, as by an issuer or a caller that means harm. */
  signed: fc.boolean(),
  part: fc.constantFrom('token', 'proof'),
  where: fc.constantFrom('header', 'claims'),
  change: fc.oneof(
    fc.dictionary(
      fc.constantFrom(
        'typ',
        'alg',
        'kid',
        'iss',
        'aud',
        'exp',
        'nbf',
        'scope',
        'cnf',
        'htm',
        'htu',
        'iat',
        'jti',
        'ath',
        'jwk',
        'crit',
        // Not client_id: a log names it as the issuer signed it.
      ),
      fc.oneof(
        fc.jsonValue({ maxDepth: 1 }),
        fc.constantFrom<unknown>('none', 'HS256', 1e308, CANARIES.privateKey, { d: CANARIES.privateKey }),
        fc.constantFrom<unknown>('GET', RULES.audience, [RULES.audience], 1_800_000_001, 'another'),
        nasty,
      ),
      { minKeys: 1, maxKeys: 2 },
    ),
  ),
});
const settings = { rules: RULES, baseUrl: undefined };
const AT = 1_800_000_000;
const decode = (jws: string, part: number) =>
  JSON.parse(Buffer.from(jws.split('.')[part] ?? '', 'base64url').toString());

/** Whether a token and a proof that are signed by the right keys may be taken: the rules, said anew. */
async function mayPass(token: string, proof: string, jkt: string): Promise<boolean> {
  const [head, claims] = [decode(token, 0), decode(token, 1)];
  const [proofHead, said] = [decode(proof, 0), decode(proof, 1)];
  const ath = createHash('sha256').update(token).digest('base64url');
  return (
    /^(application\/)?at\+jwt$/i.test(head.typ) &&
    [head.crit, proofHead.crit, proofHead.jwk?.d].every((each) => each === undefined) &&
    claims.iss === RULES.issuer &&
    isDeepStrictEqual([claims.aud].flat(), [RULES.audience]) &&
    Number.isFinite(claims.exp) &&
    claims.exp > AT - 6 &&
    (claims.nbf === undefined || claims.nbf <= AT + 5) &&
    String(claims.scope).split(' ').includes('example:summaries/read') &&
    claims.cnf?.jkt === jkt &&
    proofHead.typ === 'dpop+jwt' &&
    (await calculateJwkThumbprint(proofHead.jwk)) === jkt &&
    said.htm === 'GET' &&
    said.htu === 'https://api.example/v1/summaries/1' &&
    said.ath === ath &&
    Math.abs(said.iat - AT) <= 15 &&
    typeof said.jti === 'string'
  );
}
const authorizer = kind({
  name: 'authorizer',
  share: 2,
  // Now and then nothing is changed.
  cases: fc.option(tampering, { freq: 12 }),
  async run(twist) {
    const keys = await KEYS;
    const ports = makePorts(keys.issuer.jwk);
    const signed = twist?.signed === true;
    const { part = 'token', where, change } = twist ?? {};
    const made = signed ? { [part]: where === 'header' ? { header: change } : change } : {};
    // What no library signs is nobody's.
    const good = await makeRequest(keys, made).catch(() => undefined);
    if (good === undefined) return 'not to be signed';
    const [authorization = '', proof = ''] = good.headers.map(([, value]) => value);
    const jws = twist?.part === 'proof' ? proof : authorization.replace('DPoP ', '');
    const parts = jws.split('.');
    if (twist && !signed) {
      // Changed after signing: none of it may count.
      const at = twist.where === 'header' ? 0 : 1;
      const read = JSON.parse(Buffer.from(parts[at] ?? '', 'base64url').toString());
      const bent = Buffer.from(JSON.stringify({ ...read, ...twist.change })).toString('base64url');
      if (bent === parts[at]) return 'as it was';
      parts[at] = bent;
    }
    const changed = parts.join('.');
    const headers =
      twist?.part === 'proof'
        ? { authorization, dpop: changed }
        : { authorization: `DPoP ${changed}`, dpop: proof };
    const requestContext = { requestId: 'r', path: '/v1/summaries/1', domainName: 'api.example' };
    const event = {
      type: 'REQUEST',
      methodArn: 'arn',
      httpMethod: 'GET',
      resource: '/v1/summaries/{id}',
      headers,
      requestContext,
    };
    try {
      const deps = { settings, ports, audit, count: audit };
      const { policyDocument } = await authorizeRequest(deps, event as never);
      const effect = String(Object(policyDocument.Statement[0])['Effect']);
      if (effect === 'Allow' && twist && !signed) broken('let in');
      if (effect === 'Allow' && !(await mayPass(authorization.slice(5), proof, keys.caller.jkt)))
        broken('let in with what is signed and wrong');
      return signed ? `${effect} of what is signed` : effect;
    } catch (error) {
      if (!(error instanceof Error) || error.message !== 'Unauthorized') throw error;
      refuseLeak(Object(error.cause).facts, 'the facts');
      if (ports.claimed.length > 0 && twist?.part === 'token') broken('remembered');
      return signed ? 'Unauthorized, though it is signed' : 'Unauthorized';
    }
  },
  reached: ['Allow', 'Unauthorized', 'Allow of what is signed', 'Unauthorized, though it is signed'],
});

const NOW = 1_800_000_000;
const SECRET = plant('webhook secret', `whsec_${Buffer.from(CANARIES.webhookKey).toString('base64')}`);
const guard = guardWebhooks(
  {
    routes: [
      { method: 'POST', path: '/hook', authorize: 'webhook', webhook: { secret: 'partner', tolerance: 300 } },
    ],
    readSecret: async () => SECRET,
    audit,
    now: () => NOW * 1000,
  },
  () => ({ statusCode: 204, body: '' }),
);
/** Stands for the signature that the sender makes over what the case has become. */
const SENDERS = 'v1,sender';
const webhooks = kind({
  name: 'webhooks',
  share: 1,
  cases: mutated(
    fc.constantFrom(`v1,${'A'.repeat(43)}=`, SENDERS).map((signature) => ({
      httpMethod: 'POST',
      resource: '/hook',
      body: '{}',
      isBase64Encoded: false,
      headers: {
        'webhook-id': 'm',
        'webhook-timestamp': String(NOW),
        'webhook-signature': signature,
      },
      requestContext: { requestId: 'r' },
    })),
    3,
    [SENDERS, `v1,${CANARIES.webhookKey}`, SECRET, ['v1,x', 'v1,y'], 'v1a,x', '-1', `${NOW}.0`],
  ),
  async run(event) {
    if (Object(event).httpMethod !== 'POST' || Object(event).resource !== '/hook') return 'another route';
    // The gateway's own.
    const requestContext = { requestId: 'r' };
    const { headers, body, isBase64Encoded } = event as { headers: Record<string, unknown> } & Record<
      string,
      unknown
    >;
    const [id, at, given] = ['id', 'timestamp', 'signature'].map(
      (name) => Object(headers)[`webhook-${name}`],
    );
    const sender = given === SENDERS;
    const encoding = isBase64Encoded === true ? 'base64' : 'utf8';
    const bytes = Buffer.from(typeof body === 'string' ? body : '', encoding);
    const mac = createHmac('sha256', CANARIES.webhookKey)
      .update(`${id}.${at}.`)
      .update(bytes)
      .digest('base64');
    const sent = { ...(event as object), requestContext };
    if (sender) Object.assign(sent, { headers: { ...headers, 'webhook-signature': `v1,${mac}` } });
    const answer = (await guard(sent as never)) as { statusCode: number };
    refuseLeak(answer, 'the answer');
    if (answer.statusCode === 401) return 'refused';
    if (!sender || answer.statusCode !== 204) broken(`answered ${answer.statusCode}`);
    if (!(Math.abs(Number(at) - NOW) <= 300)) broken(`taken of ${at}`);
    return 'taken';
  },
  reached: ['refused', 'taken'],
});

const zones = Object.entries(system.zones).flatMap(([name, each]) =>
  zoneFunctions(each as never).map((one) => [name, one] as const),
);
const configs = kind({
  name: 'configs',
  share: 1,
  cases: written(
    mutated(
      fc.constantFrom<unknown>(
        makeConfig({ securityLevel: '3' }),
        ...zones.map(([name, one]) => deriveZoneConfig(system, name, one)),
      ),
      2,
      ['GET', '/a/{b}', 'journal', ISSUER],
    ),
  ),
  run(text) {
    const config = parseZoneConfig(text);
    let read = 'read';
    for (const derive of [deriveLogin, deriveAuthorizer])
      try {
        derive(config, 'https://a.test/live');
        read = 'derived';
      } catch (error) {
        if (!(error instanceof ZonesError)) throw error;
        refuseLeak(error, 'the error');
      }
    return read;
  },
  reached: ['read', 'derived', 'config_invalid'],
});

const declarations = kind({
  name: 'declarations',
  share: 1,
  cases: mutated(fc.constant(JSON.parse(JSON.stringify(system))), 2, [
    'portal',
    'summaries',
    'GET',
    '*',
    '10.10.0.0/20',
    'https://a.test',
  ]),
  run(input) {
    let defined: typeof system;
    try {
      defined = defineSystem(input as never) as never;
    } catch (error) {
      // Its author reads it, and it holds no secrets: names and values may be repeated.
      if (error instanceof ZonesError && error.code === 'declaration_invalid') return error.code;
      throw error;
    }
    for (const grant of deriveGrants(defined)) parseGrant(JSON.stringify(grant));
    for (const [name, each] of Object.entries(defined.zones))
      for (const one of zoneFunctions(each as never))
        parseZoneConfig(JSON.stringify(deriveZoneConfig(defined, name, one)));
    return 'right';
  },
  reached: ['right', 'declaration_invalid'],
});

/** What comes from callers, and what a deploy is made from. */
export const ENTRIES = [events, tokens, gateway, authorizer, webhooks, configs, declarations];
