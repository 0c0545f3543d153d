import { type ErrorFacts, type Facts, isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { isObject } from '@helseid-zones/protocol/values';
import { readJson } from './http.ts';

/** What an authorization server says when it refuses (RFC 6749 5.2). */
export type Refusal = ErrorFacts['token_refused'];

/**
 * What may be kept of an error of `oauth4webapi` or `jose` as a cause. Theirs carry responses, tokens and claims in
 * `cause`, which a logger would print: only code and message go on (a name is minified away in
 * bundles). Other errors are kept as they are.
 */
export function describeCause(error: unknown): { code?: string; cause: unknown } {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (!(error instanceof Error) || typeof code !== 'string') return { cause: error };
  return { code, cause: new Error(`${code}: ${error.message}`) };
}

/** Reads a refusal from a 4xx answer's body; nothing if it is no OAuth error. The response stays readable. */
export async function readRefusal(response: Response): Promise<Refusal | undefined> {
  if (response.status < 400 || response.status > 499) return undefined;
  const body = await readJson(response.clone());
  if (!isObject(body)) return undefined;
  const { error, error_description: text } = body;
  if (typeof error !== 'string') return undefined;
  return {
    error: shorten(error),
    status: response.status,
    ...(typeof text === 'string' ? { error_description: shorten(text) } : {}),
  };
}

/** The `token_refused` error for a refusal, with the server's own words in `facts`. */
export function tokenRefusedError(refusal: Refusal): ZonesError {
  const message = `The authorization server refused: ${refusal.error}. Its log of this client, where there is one (a self-service portal), says more.`;
  return new ZonesError('token_refused', message, { facts: { ...refusal } });
}

/** As tokens, codes, assertions and ids are written, also in base64 and hex; and a national identity number, whose birth date people set apart. */
const SECRET_LIKE = /[\w+=~-]{15,}|(?<!\d)\d{6}[\s.-]?\d{5}(?!\d)/g;

/** Long runs that are words all the same: in one case, or as names and headers are written. */
const WORD = /^(?:[a-z_-]+|[A-Z_]+|[A-Z]*[a-z]{2,}(?:[_-][A-Z]*[a-z]{2,}|[A-Z]+[a-z]{2,})*)$/;

/**
 * A foreign text as a fact: one line, bounded, and without what looks like a secret, since whoever wrote it may repeat what it was
 * sent. Of long runs only words such as `invalid_authorization_details` stay. Does not find a secret that somebody spells out.
 */
export function shorten(text: string): string {
  return text
    .slice(0, 4096)
    .replace(/[^\x20-\x7e\u00a0-\uffff]+/g, ' ')
    .replace(SECRET_LIKE, (run) => (WORD.test(run) ? run : '…'))
    .slice(0, 300);
}

/** Runs `read` over an answer; whatever the library finds wrong becomes `code`, with `facts` such as the answer's status. */
export async function readAs<T>(
  code: 'token_invalid' | 'id_token_invalid' | 'login_refused',
  what: string,
  facts: Facts,
  read: () => T | Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isZonesError(error)) throw error;
    const { cause, code: name } = describeCause(error);
    // What is no library's own error may repeat what it read.
    const reason = name !== undefined && cause instanceof Error ? shorten(cause.message) : 'unknown';
    throw new ZonesError(code, `${what}: ${reason}`, { cause, facts });
  }
}
