import { createPublicKey, type KeyObject, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiConfig, parseZoneConfig, type ZoneConfig } from '@helseid-zones/protocol/config';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { Grant } from '@helseid-zones/protocol/grant';
import type { Signer, SignRequest, SignResponse } from '@helseid-zones/protocol/intents';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { required } from '@helseid-zones/protocol/values';
import { createLocalJWKSet, decodeJwt, jwtVerify, SignJWT } from 'jose';
import { createMemorySigner, generateKey } from './create-signer.ts';
import { createTokenGiver } from './give-tokens.ts';
import { createTokenClient, type TokenClient } from './token-client.ts';
import { verifyAccess, verifyProof } from './verify-access.ts';

/**
 * A zone for unit tests: what a deploy gives a function, a signer with a key in memory, an issuer and APIs that verify. No AWS,
 * no local system, no network. Not for anything that is deployed: a synth refuses a bundle with this in it.
 * @module
 */

/** A zone under test. */
export interface TestZoneOptions {
  /** What the function is deployed with: `deriveZoneConfig(system, zone, function)` of `@helseid-zones/infra`. */
  config: ZoneConfig;
  /** What may be signed: `deriveGrants(system)`; those of other zones are left aside. */
  grants: readonly Grant[];
  /** More variables that the deploy sets, such as a table's name. */
  variables?: Readonly<Record<string, string>>;
}

/** A call that an API took: its token, binding, proof, method and URL were right. */
export interface TakenCall {
  api: string;
  method: string;
  url: string;
  body: string;
  /** Claims of the token; `assertion_details` are those that it was asked for with. */
  claims: Readonly<Record<string, unknown>>;
}

type Answer = (request: Request, path: string) => Response | Promise<Response>;

/** What {@link startTestZone} gives. */
export interface TestZone {
  /** In order. */
  calls: TakenCall[];
  /** What issuer and APIs refused, and why. */
  refused: string[];
  /**
   * What an API answers from now on, with the path below its base URL; without it `{}`.
   * @throws {ZonesError} config_invalid: the zone calls no API of this name
   */
  answer(api: string, answer: Answer): void;
  /** Gives environment and `fetch` back. */
  close(): void;
}

const REGION = 'eu-north-1';
const LAMBDA = `https://lambda.${REGION}.amazonaws.com`;

/**
 * Starts a {@link TestZone}: from now on `connectZone()` finds what a deploy would give it, in this process's environment, and
 * `fetch` reaches this zone's signer, issuer and APIs and nothing else. One at a time; import the function after it. Lines of the
 * log are written as ever, figures for CloudWatch not; with `variables: { POWERTOOLS_METRICS_DISABLED: 'false' }` those, too.
 *
 * The signer refuses what the grants do not allow. The issuer verifies assertion (RFC 7523) and proof (RFC 9449), the API the
 * token's signature, audience, scopes and binding, and a proof for just this call. None of them plays HelseID to the letter:
 * that is the local system's to do.
 *
 * @throws {ZonesError} config_invalid: `config` or `grants` is missing, or not what a declaration gives
 *
 * @example
 * ```ts
 * import { startTestZone } from '@helseid-zones/client/testing';
 * import { defineSystem, deriveGrants, deriveZoneConfig } from '@helseid-zones/infra';
 *
 * export async function test(system: ReturnType<typeof defineSystem>, handler: () => Promise<unknown>) {
 *   const zone = startTestZone({
 *     config: deriveZoneConfig(system, 'public', 'prescriptions'),
 *     grants: deriveGrants(system),
 *   });
 *   zone.answer('prescriptions', () => Response.json({ id: 17 }));
 *   const answer = await handler();
 *   zone.close();
 *   return { answer, calls: zone.calls };
 * }
 * ```
 */
export function startTestZone(options: TestZoneOptions): TestZone {
  const { config, grants, variables = {} } = requireOptions(options);
  const functions = new Map<string, (event: unknown) => Promise<unknown>>();
  const clients = new Map<string, TokenClient>();
  const issuers = new Map<string, ReturnType<typeof createIssuer>>();
  for (const grant of grants.filter(({ zone }) => zone === config.zone)) {
    const key = generateKey('ES256');
    const signer = createMemorySigner({ client: grant.client, subject: grant, grant, keys: [key] });
    functions.set(arnOf(`signer-${grant.client}`), (event) => signInMemory(signer, event));
    clients.set(grant.client, createTokenClient({ ...grant, signer }));
    const issuer = issuers.get(grant.issuer) ?? createIssuer(grant.issuer, Object.values(config.apis));
    issuers.set(grant.issuer, issuer);
    issuer.register(grant, key.privateKey);
  }
  // A client without a grant has no signer, as in a deploy.
  const client = (name: string) => required(clients.get(name), `The grant of client ${name}`);
  functions.set(arnOf('tokens'), createTokenGiver({ config, client, audit: () => undefined }));
  const apis = Object.entries(config.apis).map(([name, api]) => ({ name, ...api, seen: new Set<string>() }));
  const answers = new Map<string, Answer>();
  const [calls, refused]: [TakenCall[], string[]] = [[], []];

  function refuse(status: number, error: string, why: string): Response {
    refused.push(why);
    return Response.json({ error, error_description: why }, { status });
  }

  async function reach(request: Request): Promise<Response> {
    const { origin, pathname } = new URL(request.url);
    if (origin === LAMBDA) {
      const run = functions.get(decodeURIComponent(pathname.split('/')[3] ?? ''));
      if (!run) throw new TypeError('fetch failed: the test zone has no such signer; pass its grant.');
      return Response.json(await run(await request.json()));
    }
    const place = `${origin}${pathname}`;
    const called = apis.find(({ baseUrl }) => `${place}/`.startsWith(`${baseUrl}/`));
    if (called) return callApi(called, request);
    for (const issuer of issuers.values()) {
      const answer = await issuer
        .answer(request, place)
        .catch((error: Error) => refuse(401, 'invalid_client', `the issuer: ${error.message}`));
      if (answer) return answer;
    }
    throw new TypeError(`fetch failed: the test zone has nothing at ${origin}.`);
  }

  async function callApi({ name, seen, ...api }: (typeof apis)[number], request: Request): Promise<Response> {
    const { method, url } = request;
    const call = { method, url: new URL(url), headers: [...request.headers] };
    const issuer = issuers.get(readIssuer(request)) ?? [...issuers.values()][0];
    if (!issuer) throw new TypeError('fetch failed: the test zone has no issuer; pass its grants.');
    const ports = { keys: issuer.keys, seen, now: Date.now };
    const access = await verifyAccess(call, { ...api, issuer: issuer.issuer, algorithm: 'ES256' }, ports);
    if ('check' in access) return refuse(access.status, access.error, `${name}: ${access.description}`);
    calls.push({ api: name, method, url, body: await request.clone().text(), claims: access.claims });
    return (await answers.get(name)?.(request, url.slice(api.baseUrl.length))) ?? Response.json({});
  }

  const signers = Object.keys(config.clients).map((name) => [name, arnOf(`signer-${name}`)]);
  const folder = mkdtempSync(join(tmpdir(), 'test-zone-'));
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const restore = setEnvironment({
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    ...(config.tokens === 'function'
      ? { TOKENS_FUNCTION: arnOf('tokens') }
      : { SIGNERS: JSON.stringify(Object.fromEntries(signers)) }),
    // Figures are for CloudWatch, and in a test's output only noise.
    POWERTOOLS_METRICS_DISABLED: 'true',
    LAMBDA_TASK_ROOT: folder,
    ...variables,
  });
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => reach(new Request(input, init));
  return {
    calls,
    refused,
    answer(api, answer) {
      if (!Object.hasOwn(config.apis, api))
        throw new ZonesError(
          'config_invalid',
          `Zone ${config.zone} calls no API ${api}: its are ${Object.keys(config.apis).join(', ')}.`,
        );
      answers.set(api, answer);
    },
    close() {
      globalThis.fetch = fetch;
      restore();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Callers in JavaScript have no types that tell them. */
function requireOptions(options: Partial<TestZoneOptions> = {}): TestZoneOptions {
  const { config, grants } = options;
  try {
    parseZoneConfig(JSON.stringify(config));
  } catch (cause) {
    throw wrong('config', "deriveZoneConfig(system, 'ZONE', 'FUNCTION')", cause);
  }
  if (!Array.isArray(grants)) throw wrong('grants', 'deriveGrants(system)');
  return options as TestZoneOptions;
}

function wrong(option: string, right: string, cause?: unknown): ZonesError {
  const message = `startTestZone takes { config, grants }, and ${option} is not right: give it ${right} of @helseid-zones/infra.`;
  return new ZonesError('config_invalid', message, { cause });
}

/** Who a token says it is of; whether it is, its signature tells. */
function readIssuer({ headers }: Request): string {
  try {
    return String(decodeJwt(headers.get('authorization')?.split(' ')[1] ?? '').iss);
  } catch {
    return '';
  }
}

const arnOf = (name: string): string => `arn:aws:lambda:${REGION}:000000000000:function:${name}`;

async function signInMemory(signer: Signer, event: unknown): Promise<SignResponse> {
  try {
    return { signatures: await signer.sign((event as SignRequest).intents) };
  } catch (error) {
    if (!isZonesError(error)) throw error;
    const { code, message, facts } = error;
    return { error: { code, message, facts } };
  }
}

/** An authorization server with metadata, keys and a token endpoint for client credentials. */
function createIssuer(issuer: string, apis: readonly ApiConfig[]) {
  const { privateKey } = generateKey('ES256');
  const own = describePublicKey(privateKey, 'ES256');
  const clients = new Map<string, { grant: Grant; key: KeyObject }>();
  const seen = new Set<string>();
  const token = `${issuer}/connect/token`;

  async function issue(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.text());
    const { grant, key } = clients.get(form.get('client_id') ?? '') ?? {};
    if (!grant || !key) throw new Error('no such client');
    const { clientId, profile } = grant;
    const { payload } = await jwtVerify(form.get('client_assertion') ?? '', key, {
      typ: profile.assertionTyp,
      issuer: clientId,
      subject: clientId,
      audience: issuer,
      requiredClaims: ['exp', 'iat', 'jti'],
    });
    if (seen.has(String(payload.jti))) throw new Error('the assertion was used before');
    seen.add(String(payload.jti));
    const header = request.headers.get('dpop');
    const { jkt } = await verifyProof({ header, method: 'POST', url: token, now: Date.now(), seen });
    const scope = form.get('scope') ?? '';
    const resource = form.get('resource');
    const isAsked = (api: ApiConfig) =>
      resource ? api.resource === resource : api.scopes.some((each) => scope.split(' ').includes(each));
    const { assertion_details } = payload;
    const access = new SignJWT({ client_id: clientId, scope, cnf: { jkt }, assertion_details })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
      .setIssuer(issuer)
      .setAudience(apis.filter(isAsked).map(({ audience }) => audience))
      .setJti(randomUUID())
      .setExpirationTime('10 minutes');
    const body = { access_token: await access.sign(privateKey), token_type: 'DPoP', expires_in: 600, scope };
    return Response.json(body);
  }

  return {
    issuer,
    register: (grant: Grant, key: KeyObject) =>
      void clients.set(grant.clientId, { grant, key: createPublicKey(key) }),
    keys: createLocalJWKSet({ keys: [{ ...own.jwk, alg: 'ES256' }] }),
    async answer(request: Request, place: string): Promise<Response | undefined> {
      if (place === `${issuer}/.well-known/openid-configuration`)
        return Response.json({ issuer, token_endpoint: token, jwks_uri: `${issuer}/jwks` });
      return place === token && request.method === 'POST' ? issue(request) : undefined;
    },
  };
}

/** Sets variables, and gives back what undoes it. */
function setEnvironment(variables: Readonly<Record<string, string>>): () => void {
  const { env } = process;
  const before = Object.keys(variables).map((name) => [name, env[name]] as const);
  Object.assign(env, variables);
  return () => {
    for (const [name, value] of before)
      if (value === undefined) delete env[name];
      else env[name] = value;
  };
}
