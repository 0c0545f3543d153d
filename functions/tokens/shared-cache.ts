import { createHash, randomUUID } from 'node:crypto';
import { createTokenCache, isFresh, type TokenCache } from '@helseid-zones/client/token-cache';
import type { AccessToken } from '@helseid-zones/client/tokens';
import { type ErrorCode, isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import * as v from 'valibot';
import type { DynamoTable, Item } from '../common/dynamo.ts';

/** Milliseconds that one request to the issuer may take. */
export const ISSUER_TIMEOUT = 5000;

/**
 * Milliseconds for which one environment alone fetches a token: a signature and a request, twice. After a crash the next one
 * begins then; one that is slower than that is overtaken, and both tokens are good.
 */
export const LEASE = 12_000;

/** Milliseconds that the others wait for it: so long that one of them can still take over. */
export const PATIENCE = 15_000;

/** Milliseconds between two fetches for one that failed, so that an issuer that is down gets no flood. */
export const PAUSE = 1000;

/** Milliseconds in which a refused token is replaced once. */
export const RENEWAL_INTERVAL = 60_000;

/** What the cache is made of. */
export interface SharedCacheDeps {
  table: DynamoTable;
  /** Epoch milliseconds. */
  now(): number;
  wait(milliseconds: number): Promise<unknown>;
  /** In [0, 1). */
  random(): number;
}

const accessToken = v.object({
  accessToken: v.string(),
  binding: v.object({ kid: v.string(), jkt: v.string() }),
  expiresIn: v.optional(v.number()),
  expiresAt: v.number(),
  scope: v.optional(v.string()),
  rejectedScope: v.optional(v.string()),
});

const failure = v.object({
  code: v.custom<ErrorCode>((code) => typeof code === 'string'),
  message: v.string(),
  facts: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
});

/**
 * A {@link TokenCache} whose tokens a zone's environments share in a table: in memory first, then in the table, and of all who find
 * neither one fetches, by a lease. The others look again, more and more seldom, until there is a token, or that fetch has failed:
 * then they fail as it did. A lease lapses ({@link LEASE}), and the next one takes over.
 *
 * Where the table can't be asked, each environment fetches for itself. What is kept stays until it expires, whatever can't be
 * reached. A token that an API refused is replaced once in {@link RENEWAL_INTERVAL}, whoever asks, and not while the table is away;
 * one whose key is lost is replaced at once, by one that is bound to another key.
 */
export function createSharedCache(deps: SharedCacheDeps): TokenCache {
  const memory = createTokenCache(deps.now);
  return {
    get: (key, request) => memory.get(key, () => fetchOnce(deps, key, request, {})),
    async renew(key, refused, request) {
      const token = await memory.renew(key, refused, () =>
        fetchOnce(deps, key, request, { refused: refused.accessToken }),
      );
      // The table counts renewals, not this one's memory.
      if (token) memory.accept(token);
      return token;
    },
    replace: (key, lost, request) =>
      memory.replace(key, lost, () => fetchOnce(deps, key, request, { lost: lost.binding.kid })),
    accept: memory.accept,
  };
}

type RequestToken = () => Promise<AccessToken>;

/** What a fetched token shall take the place of. */
interface Replaced {
  /** A token that an API refused. */
  refused?: string;
  /** The kid of a key that signs no more. */
  lost?: string;
}

/** What one fetch goes by; `owner` is its own alone. */
interface Fetch extends SharedCacheDeps, Replaced {
  pk: string;
  owner: string;
  /** Epoch milliseconds. */
  began: number;
}

/** The token under `key` but for those to be replaced: another environment's, or the one that `request` gets. */
async function fetchOnce(deps: SharedCacheDeps, key: string, request: RequestToken, replaced: Replaced) {
  const { now, wait, random } = deps;
  const pk = `token#${createHash('sha256').update(key).digest('base64url')}`;
  const fetch: Fetch = { ...deps, ...replaced, pk, owner: randomUUID(), began: now() };
  for (let tried = 0; ; tried += 1) {
    const found = await look(fetch).catch((error: unknown) => {
      if (isZonesError(error, 'aws_throttled')) return 'busy' as const;
      const away = isZonesError(error, 'aws_unavailable') || isZonesError(error, 'aws_refused');
      if (away && replaced.refused === undefined) return 'away' as const;
      throw error;
    });
    if (found === 'away') return request();
    if (found === 'mine') return fetchAlone(fetch, request);
    if (found !== 'busy') return found;
    if (now() - fetch.began >= PATIENCE)
      throw new ZonesError(
        'issuer_unreachable',
        'Another environment still waits for the issuer; try again soon.',
      );
    await wait((0.5 + random() / 2) * Math.min(1000, 50 * 2 ** tried));
  }
}

/** The token in the table, or whether to fetch one. */
async function look(fetch: Fetch): Promise<AccessToken | 'mine' | 'busy'> {
  const { table, pk, owner, began, refused, lost, now } = fetch;
  const item = await table.get(pk);
  const token = readJson(accessToken, item?.['token']);
  const usable = token && token.accessToken !== refused && token.binding.kid !== lost;
  if (usable && isFresh(token, now())) return token;
  const other = readJson(failure, item?.['failure']);
  const failedAt = Number(item?.['failedAt']);
  if (other && failedAt >= began && failedAt <= now() + LEASE)
    throw new ZonesError(other.code, other.message, { facts: other.facts });
  if (refused !== undefined && Number(item?.['renewedAt'] ?? 0) + RENEWAL_INTERVAL > now())
    throw new ZonesError(
      'renewal_limited',
      'A refused token was replaced less than a minute ago; look at what else the API refuses: scope, audience, organisation.',
    );
  const at = now();
  const lease = Number(item?.['lease'] ?? 0);
  // One that ends later was made by a clock that is far ahead.
  const latest = at + 2 * LEASE;
  if (lease >= at && lease <= latest) return 'busy';
  const [until, expires] = [at + LEASE, Math.ceil(at / 1000) + 3600];
  // Nothing has been stored since, and nobody else is at it.
  const leased = await table.update(pk, 'SET #lease = :until, #owner = :owner, #expires = :expires', {
    when: '(attribute_not_exists(#stored) OR #stored = :stored) AND (attribute_not_exists(#lease) OR #lease < :at OR #lease > :latest OR #owner = :owner)',
    values: { at, until, latest, owner, expires, stored: item?.['stored'] ?? 'none' },
  });
  return leased ? 'mine' : 'busy';
}

/** Fetches, and stores what comes of it unless another has taken over. A token that the table does not take is good all the same. */
async function fetchAlone(fetch: Fetch, request: RequestToken): Promise<AccessToken> {
  const { table, pk, owner, refused, now } = fetch;
  /** Whether the table took it. */
  const note = (change: string, values: Item) =>
    table.update(pk, change, { when: '#owner = :owner', values: { owner, ...values } }).then(
      () => true,
      () => false,
    );
  try {
    const token = await request();
    const { expiresAt } = token;
    const [renewed, values] = refused === undefined ? ['', {}] : [', #renewedAt = :at', { at: now() }];
    const stored =
      expiresAt !== undefined &&
      (await note(`SET #token = :token, #stored = :owner, #expires = :expires${renewed} REMOVE #lease`, {
        ...values,
        token: JSON.stringify(token),
        expires: expiresAt,
      }));
    // Too long for an item, or a number that the table has none for: nobody shall wait for it.
    if (!stored) await note(`SET #lease = :none${renewed}`, { ...values, none: 0 });
    return token;
  } catch (error) {
    if (!isZonesError(error)) await note('SET #lease = :none', { none: 0 });
    else {
      const { code, message, facts } = error;
      await note('SET #failure = :failure, #failedAt = :at, #lease = :until', {
        failure: JSON.stringify({ code, message, facts }),
        at: now(),
        until: now() + PAUSE,
      });
    }
    throw error;
  }
}

/** What an attribute holds as JSON, where it is of that shape. */
function readJson<Schema extends v.GenericSchema>(schema: Schema, text: unknown) {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  return parsed.success ? (parsed.output as v.InferOutput<Schema>) : undefined;
}
