import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Access } from '@helseid-zones/client/verify-access';
import type { JWTVerifyGetKey } from 'jose';
import * as v from 'valibot';
import { createNonces, createProtection } from './protect.ts';
import { type Answer, answerCalls, type Call, serve } from './serve.ts';
import type { ServerOptions } from './types.ts';

const ORGANIZATION = 'helseid://claims/client/claims/orgnr_';

/** Calls that are remembered. */
const MOST_CALLS = 1000;

/** Options of `startHealthApi`. */
interface HealthApiOptions extends ServerOptions {
  issuer: string;
  keys: JWTVerifyGetKey;
  audience: string;
  /** Scopes a token must hold, by route. */
  scopes: readonly string[];
  /** Path under which the routes lie, e.g. `/fhir`; default none. */
  path?: string | undefined;
  /** How its lines call a path, if not as another one: the path itself may name a person. */
  routeOf?: (path: string) => string | undefined;
  /** Demands a nonce of its own (default false), accepted for so many seconds. */
  nonceLifetime?: number | undefined;
  /** Folder of answers; without one every call is answered with what it was. */
  answers?: string | undefined;
}

/** A call that a health API has accepted. */
type AcceptedCall = NonNullable<ReturnType<typeof describeCall>>;

/**
 * Starts a health API that takes nothing on trust: every call passes `verifyAccess`. What has passed is answered from the folder
 * of answers, or told what it was: the API has no resources of its own. Which callers reach it is decided by the audience and scopes
 * that it is started with.
 * @throws {ZonesError} local_failed: the port is taken
 */
export async function startHealthApi(options: HealthApiOptions) {
  const { certificate, port = 0, path = '', issuer, audience, scopes } = options;
  const { nonceLifetime, routeOf = () => {}, onEvent = () => {} } = options;
  const nonces = nonceLifetime === undefined ? undefined : createNonces(() => nonceLifetime);
  const protect = createProtection({ issuer, audience, scopes }, options.keys, nonces);
  const calls: AcceptedCall[] = [];
  const server = await serve(certificate, port, (origin) =>
    answerCalls(origin, async (call) => {
      const answer = await protect(call, async (access) => {
        const accepted = describeCall(call, path, access);
        if (accepted === undefined) return { status: 404, body: { message: `This API is at ${path}.` } };
        calls.push(accepted);
        calls.splice(0, calls.length - MOST_CALLS);
        return readAnswer(options.answers, accepted) ?? echo(call, accepted);
      });
      const check = (answer.body as { check?: string } | undefined)?.check;
      const detail = `${call.method} ${routeOf(call.url.pathname) ?? 'another path'} ${answer.status}${check ? ` (${check})` : ''}`;
      onEvent({ kind: 'api', detail });
      return answer;
    }),
  );
  /** `calls`: the last accepted ones, in the order they came. */
  return { ...server, url: `${server.url}${path}`, calls: calls as readonly AcceptedCall[] };
}

/** The call with its path below the API's base URL, on whose behalf it was made by its token, and a hash of its body. */
function describeCall({ method, url, body }: Call, base: string, access: Access) {
  if (url.pathname !== base && !url.pathname.startsWith(`${base}/`)) return undefined;
  const [parent, child] = ['parent', 'child'].map((unit) => {
    const claim = access.claims[`${ORGANIZATION}${unit}`];
    return typeof claim === 'string' ? claim : undefined;
  });
  const content = hash('sha256', body, 'base64url');
  const path = url.pathname.slice(base.length) || '/';
  return { method, path, clientId: access.clientId, parent, child, content };
}

const json = v.pipe(v.string(), v.parseJson());
const jsonObject = v.pipe(json, v.looseObject({}));

/** An answer with a status of its own; any other JSON is the body of a 200. */
const wholeAnswer = v.strictObject({
  status: v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599)),
  headers: v.exactOptional(v.record(v.string(), v.string())),
  body: v.exactOptional(v.unknown()),
});

/**
 * What lies in the folder for a call: `GET/v1/prescriptions/17.json`, a segment named `_` for any. Read at each call, so that an
 * edit is there at once. The path is a URL's, so no segment is `.`, `..` or has a slash.
 */
function readAnswer(folder: string | undefined, { method, path }: AcceptedCall): Answer | undefined {
  const file = folder && findFile(join(folder, method), path.split('/').slice(1));
  if (!file) return undefined;
  const { success, output: value } = v.safeParse(json, readFileSync(file, 'utf8'));
  if (!success) return { status: 500, body: { message: `${file} is no JSON.` } };
  const whole = v.safeParse(wholeAnswer, value);
  return whole.success ? whole.output : { status: 200, body: value };
}

function findFile(folder: string, [name = '', ...rest]: readonly string[]): string | undefined {
  for (const candidate of [name, '_']) {
    const here = join(folder, candidate);
    const found =
      rest.length > 0 ? findFile(here, rest) : existsSync(`${here}.json`) ? `${here}.json` : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Says what came, to see that it came; the body where it is a JSON object. */
function echo({ url, body }: Call, { method, path, clientId, parent, child }: AcceptedCall): Answer {
  const { success, output: received } = v.safeParse(jsonObject, body);
  const query = Object.fromEntries(url.searchParams);
  const caller = { client_id: clientId, parent, child };
  return { status: 200, body: { method, path, query, caller, ...(success ? { received } : {}) } };
}
