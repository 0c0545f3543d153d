import { type ErrorOptions, isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { SELF_SERVICE_PATH } from '@helseid-zones/protocol/names';
import { readBy, sha256 } from '@helseid-zones/protocol/schema';
import { parseJson } from '@helseid-zones/protocol/values';
import * as v from 'valibot';
import { describeNetworkFailure } from './errors.ts';
import { readBody } from './http.ts';
import { shorten } from './oauth-errors.ts';
import type { ApiFetch } from './tokens.ts';

/** A key as HelseID's self-service API lists it. */
export interface ListedKey {
  /** Its thumbprint, where HelseID tells it; a `kid` is what somebody called it, perhaps like another. */
  kid: string;
  /** Its `kid`, where that is another. */
  named?: string | undefined;
  /** Epoch seconds; absent for a key without an expiry. */
  expires?: number | undefined;
}

/** A public JWK as it is registered: as NHN's libraries post it. */
export interface RegisteredJwk {
  kty: string;
  kid: string;
  alg: string;
  use: 'sig';
  [parameter: string]: string;
}

/** HelseID's self-service API for one client. */
export type SelfService = ReturnType<typeof createSelfService>;

/** Bytes of an answer that are read. */
const MAX_ANSWER = 256 * 1024;

/** Milliseconds that one call may take in all. */
const TIMEOUT = 15_000;

/** Epoch seconds between which an expiry lies: later than HelseID is old, and no later than .NET's last date. */
const [EARLIEST, LATEST] = [1_000_000_000, 253_402_300_799];

/** An expiry is an ISO 8601 date; old documents show epoch seconds, some of them as text. */
const expiration = v.nullish(v.union([v.string(), v.number()]));
const listSchema = v.array(v.object({ kid: v.string(), jwkThumbprint: v.optional(v.unknown()), expiration }));
const registeredSchema = v.object({ expiration });
const problemSchema = v.object({ title: v.optional(v.string()), type: v.optional(v.string()) });

/**
 * HelseID's self-service API for the client that `fetch` authenticates. A POST is never repeated here.
 * An expiry that is no time counts as none: it stops no rotation, and hides no key that is listed beside it. What it makes
 * throws:
 *
 * @throws {ZonesError} self_service_refused: a 4xx, with the problem's title
 * @throws {ZonesError} self_service_unreachable: a 5xx, a 429, no answer or one that is not understood: what it did is not known;
 * and what `fetch` throws for want of a token
 */
export function createSelfService(deps: {
  /** https, without a trailing slash. */
  baseUrl: string;
  /** The JWK as a JSON object, or as a JSON string that holds one: NHN's libraries post the object, NHN's samples the string. */
  body: 'object' | 'string';
  /** With a DPoP-bound token of the client. */
  fetch: ApiFetch;
  /** Told of an expiry that is no time: `KEY_EXPIRY_UNREADABLE`. */
  audit: (code: string, facts: Readonly<Record<string, string>>) => void;
}) {
  const { baseUrl, body, fetch, audit } = deps;
  const url = `${baseUrl}${SELF_SERVICE_PATH}`;

  async function call<Schema extends v.GenericSchema>(schema: Schema, init: RequestInit) {
    const { ok, status, text } = await send(fetch, url, init);
    const answer = parseJson(text);
    if (ok)
      return readBy(schema, answer, (field) =>
        unreachable('answered in a form that is not known', {
          facts: { status, field: field || 'the whole' },
        }),
      );
    const problem = v.is(problemSchema, answer) ? answer : {};
    const [title, type] = [problem.title, problem.type].map((each = '') => shorten(each).slice(0, 200));
    const refused = status >= 400 && status < 500 && status !== 429;
    throw new ZonesError(
      refused ? 'self_service_refused' : 'self_service_unreachable',
      `The self-service API answered ${status}${refused ? '; its title says why' : '; try again later'}.`,
      { facts: { status, title, type } },
    );
  }

  function readExpiry(kid: string, value: string | number | null | undefined): number | undefined {
    if (value === null || value === undefined) return undefined;
    const time = readTime(value);
    if (Number.isInteger(time) && time >= EARLIEST && time <= LATEST) return time;
    // Words of an answer are no date, and a log is no place for them.
    const said = String(value).slice(0, 40);
    audit('KEY_EXPIRY_UNREADABLE', { kid, expiration: /^[\d:.,/TZ +-]*$/.test(said) ? said : '(text)' });
    return undefined;
  }

  return {
    async listKeys(): Promise<ListedKey[]> {
      const listed = await call(listSchema, { method: 'GET', headers: { accept: 'application/json' } });
      return listed.map(({ kid: named, jwkThumbprint, expiration }) => {
        const kid = v.is(sha256, jwkThumbprint) ? jwkThumbprint : named;
        return { kid, named: named === kid ? undefined : named, expires: readExpiry(kid, expiration) };
      });
    },
    /** Resolves to the expiry that HelseID sets, where it names one. */
    async registerKey(jwk: RegisteredJwk): Promise<number | undefined> {
      const text = JSON.stringify(jwk);
      const answer = await call(registeredSchema, {
        method: 'POST',
        headers: { accept: 'application/json', 'content-type': 'application/json' },
        body: body === 'object' ? text : JSON.stringify(text),
      });
      return readExpiry(jwk.kid, answer.expiration);
    },
  };
}

async function send(fetch: ApiFetch, url: string, init: RequestInit) {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT) });
    const { ok, status } = response;
    const body = await readBody(response, MAX_ANSWER).catch((error: unknown) => {
      // One that is too long is none that can be understood.
      if (error instanceof RangeError) return '';
      throw error;
    });
    return { ok, status, text: body.toString() };
  } catch (cause) {
    const silent = isZonesError(cause, 'api_unreachable') || isZonesError(cause, 'request_aborted');
    if (isZonesError(cause) && !silent) throw cause;
    const facts = isZonesError(cause) ? cause.facts : describeNetworkFailure(cause);
    throw unreachable('did not answer', { cause, facts });
  }
}

function unreachable(how: string, options: ErrorOptions<'self_service_unreachable'>): ZonesError {
  const message = `The self-service API ${how}; what it did is not known.`;
  return new ZonesError('self_service_unreachable', message, options);
}

/** Not a number where it is neither digits nor a date: `Date.parse` alone takes `0.5` for one. */
function readTime(value: string | number): number {
  if (typeof value === 'number') return value;
  if (/^\d+$/.test(value)) return Number(value);
  return /^\d{4}-\d\d-\d\d/.test(value) ? Math.floor(Date.parse(value) / 1000) : Number.NaN;
}

/**
 * Has a key registered at HelseID and resolves to its expiry (epoch seconds), where it has one. What HelseID lists
 * decides, before the key is posted and after an answer that leaves open what has happened: nothing is posted twice.
 * `requireDue`, asked last, throws where the key is not to be posted any more.
 * @throws {ZonesError} self_service_refused, self_service_unreachable: as {@link createSelfService} says
 */
export async function registerKey(
  selfService: SelfService,
  jwk: RegisteredJwk,
  requireDue: () => Promise<void>,
): Promise<number | undefined> {
  const listed = await findListed(selfService, jwk.kid);
  if (listed) return listed.expires;
  await requireDue();
  try {
    return await selfService.registerKey(jwk);
  } catch (error) {
    if (!isZonesError(error, 'self_service_unreachable') && !isZonesError(error, 'self_service_refused'))
      throw error;
    const arrived = await findListed(selfService, jwk.kid).catch(() => undefined);
    if (arrived) return arrived.expires;
    throw error;
  }
}

const findListed = async (selfService: SelfService, kid: string): Promise<ListedKey | undefined> =>
  (await selfService.listKeys()).find((key) => key.kid === kid);
