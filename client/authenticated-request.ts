import { type ErrorFacts, isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { AssertionDetail, Intent, Signature } from '@helseid-zones/protocol/intents';
import { type AuthorizationServer, type Client, type ClientAuth, customFetch } from 'oauth4webapi';
import { describeNetworkFailure } from './errors.ts';
import { abortError, isMomentary, readWhole, tellFate, withDeadline, withSecondConnection } from './http.ts';
import { requireEndpoint } from './issuer.ts';
import { type Refusal, readRefusal, tokenRefusedError } from './oauth-errors.ts';
import { describeClient, type IssuerRequest, type TokenClient } from './token-client.ts';

/** Endpoints that want a client assertion, by their names in metadata. */
export type Endpoint = IssuerRequest['endpoint'];

/** What `send` gets: everything a request function of `oauth4webapi` takes. */
export interface Attempt {
  as: AuthorizationServer;
  oauth: Client;
  /** Sets assertion and, where asked for, proof: both fresh. */
  auth: ClientAuth;
  options: { signal: AbortSignal; [customFetch]: TokenClient['fetch'] };
  /** By the key that proofs of this client are signed with. */
  assertion: Signature;
  proof: Signature | undefined;
  /** Signatures of `extra`, in order. */
  extra: Signature[];
}

/** A request to the authorization server that the client authenticates. */
export interface AuthenticatedRequest<T> {
  endpoint: Endpoint;
  /** With a DPoP proof, by the current key or by a pinned one. */
  proof?: { kid?: string | undefined } | undefined;
  details?: readonly AssertionDetail[] | undefined;
  /** Signed in the same call, anew for each attempt. */
  extra?: readonly Intent[];
  send: (attempt: Attempt) => Promise<Response>;
  /** Reads an answer that is no OAuth error: what can't be used counts as a failed request too. */
  read: (answer: Answer) => T | Promise<T>;
  signal?: AbortSignal | undefined;
}

/** An answer that is not a refusal; its body is read already, so nothing more comes over the network. */
export interface Answer {
  as: AuthorizationServer;
  oauth: Client;
  response: Response;
  /** Epoch seconds just before the request was sent. */
  sentAt: number;
  /** The proof that was sent, if one was. */
  proof?: Signature | undefined;
  /** The scopes that were asked for, space-separated, where the request had any. */
  askedScope?: string | undefined;
}

/**
 * Sends a request with a fresh assertion (and proof) for every attempt, since the server may have used up the first
 * even where it refuses. At most one attempt more for a nonce, and one with the newest registered key after
 * `invalid_client`: a key may have been replaced at the server a moment before the client record says so. Once more, too,
 * when the connection breaks: even a code or a refresh token that the server spent unheard is lost either way.
 *
 * @throws {ZonesError} token_refused: with the server's own words in `facts`
 * @throws {ZonesError} nonce_loop, issuer_unreachable, metadata_invalid, request_aborted; and what the signer and `read` throw
 */
export async function requestAuthenticated<T>(
  client: TokenClient,
  request: AuthenticatedRequest<T>,
): Promise<T> {
  const seen: IssuerRequest = { endpoint: request.endpoint, roundTrips: 0 };
  try {
    return await request.read(await requestSeen(client, request, seen));
  } catch (error) {
    seen.error = error;
    throw error;
  } finally {
    try {
      client.report?.(seen);
    } catch {
      // A figure that is not counted costs nobody a token.
    }
  }
}

type Asked = Omit<AuthenticatedRequest<unknown>, 'read'>;

async function requestSeen(client: TokenClient, request: Asked, seen: IssuerRequest): Promise<Answer> {
  const as = await client.metadata();
  const fetch: TokenClient['fetch'] = (input, init) => {
    seen.roundTrips += 1;
    return client.fetch(input, init);
  };
  let refused: RefusedKey | undefined;
  let nonceTried = false;
  for (;;) {
    const { kid, nonce, clockDifference, ...answer } = await withSecondConnection(() =>
      attempt({ ...client, fetch }, request, as, refused),
    );
    seen.clockDifference = clockDifference;
    const refusal = await readRefusal(answer.response);
    if (!refusal) {
      // No OAuth error: a proxy, a firewall or a page for people has answered.
      const { status } = answer.response;
      if (isMomentary(status)) throw noAnswer(as, { status });
      return answer;
    }
    if (refusal.error === 'use_dpop_nonce') {
      if (!request.proof || nonceTried || nonce === undefined) throw nonceLoopError(client.issuer);
      nonceTried = true;
    } else if (refusal.error === 'invalid_client' && !refused) {
      refused = { refusal, kid };
      seen.currentKeyRefused = true;
    } else {
      throw tokenRefusedError(refusal);
    }
  }
}

/** The end of a server that asks for one nonce after another, or for one that it does not give. */
export function nonceLoopError(server: string): ZonesError {
  const message = `${server} refuses the DPoP nonce that it gave out itself, or gives none that RFC 9449 8.1 allows.`;
  return new ZonesError('nonce_loop', message);
}

type RefusedKey = { refusal: Refusal; kid: string };

/** Signs and sends once; by the newest key where another was refused. */
async function attempt(client: TokenClient, request: Asked, as: AuthorizationServer, refused?: RefusedKey) {
  const url = requireEndpoint(as, request.endpoint);
  const { name, issuer, nonces } = client;
  const { extra: more = [], signal } = request;
  const assertionDetails = request.details?.length ? request.details : undefined;
  const intents: Intent[] = [
    { kind: 'client_assertion', client: name, issuer, assertionDetails, key: refused && 'newest' },
  ];
  if (request.proof) {
    const nonce = nonces.get('authorization-server', url);
    intents.push({ kind: 'dpop_proof', client: name, method: 'POST', url, nonce, ...request.proof });
  }
  const [assertion, ...extra] = await client.signer.sign([...intents, ...more], request);
  const proof = request.proof && extra.shift();
  if (!assertion || (request.proof && !proof) || extra.length !== more.length)
    throw new ZonesError('signer_answer_invalid', 'The signer did not answer with one signature an intent.');
  const { kid } = assertion;
  if (kid === refused?.kid) throw tokenRefusedError(refused.refusal);
  const sent = client.now();
  const oauth = describeClient(client);
  const auth: ClientAuth = (_as, { client_id }, body, headers) => {
    body.set('client_id', client_id);
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    body.set('client_assertion', assertion.jws);
    if (proof) headers.set('dpop', proof.jws);
  };
  try {
    return await withDeadline(client.timeout, signal, async (deadline) => {
      const options = { signal: deadline, [customFetch]: client.fetch };
      const answer = await request.send({ as, oauth, auth, options, assertion, proof, extra });
      const nonce = nonces.keep('authorization-server', url, answer);
      const response = await readWhole(answer);
      const { status } = response;
      if (status >= 500 || status === 429) throw noAnswer(as, { status });
      const clockDifference = differenceOf(response.headers.get('date'), sent, client.now());
      const sentAt = Math.floor(sent / 1000);
      return { as, oauth, response, sentAt, proof, kid, nonce, clockDifference };
    });
  } catch (cause) {
    if (isZonesError(cause)) throw cause;
    if (signal?.aborted) throw abortError(signal);
    throw noAnswer(as, describeNetworkFailure(cause), cause);
  }
}

/** `date` has whole seconds (RFC 9110 6.6.1): any moment of its second may be meant. */
function differenceOf(date: string | null, sent: number, answered: number): number | undefined {
  const at = Date.parse(date ?? '');
  return Number.isNaN(at) ? undefined : Math.floor(Math.max(0, sent - (at + 999), at - answered) / 1000);
}

function noAnswer(as: AuthorizationServer, facts: ErrorFacts['issuer_unreachable'], cause?: unknown) {
  const long = cause instanceof RangeError ? ' (it is too long)' : '';
  const answered = facts.status === undefined ? long : ` (HTTP ${facts.status})`;
  const message = `${as.issuer} gave no usable answer${answered}; ${tellFate(facts)}.`;
  return new ZonesError('issuer_unreachable', message, { cause, facts });
}
