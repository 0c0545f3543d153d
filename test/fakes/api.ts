import { randomUUID } from 'node:crypto';
import { verifyProof } from '@helseid-zones/client/verify-access';
import type { FakeIssuer } from './issuer.ts';

/** A protected API: it validates token and proof, and answers with what it saw. */
export interface FakeApi {
  handle: (request: Request) => Promise<Response>;
  /** Requests that reached it. */
  requests: { method: string; url: string; headers: Headers; body: string }[];
  behaviour: {
    /** `once`: each serves for one call. */
    nonce: 'never' | 'required' | 'once' | 'loop' | 'without-header';
    nonceOnSuccess: boolean;
    /** How a challenge is written; `{params}` stands for its parameters. */
    challenge: string;
    /** Tokens it refuses with `invalid_token`; `all` refuses every one. */
    refused: Set<string> | 'all';
    /** Answers a valid call with this. */
    answer?: (request: Request) => Response | Promise<Response>;
  };
}

export function createFakeApi(options: { origin: string; issuer: FakeIssuer; now: () => number }): FakeApi {
  const { origin, issuer, now } = options;
  const seen = new Set<string>();
  const nonces = new Set<string>();

  const refuse = (parameters: string, headers: Record<string, string> = {}): Response =>
    new Response('refused', {
      status: 401,
      headers: { ...headers, 'www-authenticate': api.behaviour.challenge.replace('{params}', parameters) },
    });

  const giveNonce = (): Record<string, string> => {
    const nonce = randomUUID();
    nonces.add(nonce);
    return { 'dpop-nonce': nonce };
  };

  const api: FakeApi = {
    requests: [],
    behaviour: {
      nonce: 'never',
      nonceOnSuccess: false,
      challenge: 'DPoP {params}, algs="ES256"',
      refused: new Set(),
    },
    async handle(request) {
      const { method, url, headers } = request;
      api.requests.push({ method, url, headers, body: await request.clone().text() });
      const [scheme, token = ''] = (headers.get('authorization') ?? '').split(' ');
      if (scheme !== 'DPoP') return refuse('error="invalid_request"');
      const { nonce, refused, nonceOnSuccess, answer } = api.behaviour;
      let proof: { jkt: string; nonce?: string | undefined };
      try {
        const target = new URL(url);
        proof = await verifyProof({
          header: headers.get('dpop'),
          method,
          url: `${origin}${target.pathname}`,
          now: now(),
          seen,
          token,
        });
      } catch (error) {
        return refuse(`error="invalid_dpop_proof", error_description="${(error as Error).message}"`);
      }
      const known = issuer.tokens.get(token);
      const expired = Number(known?.claims['exp']) <= now() / 1000;
      if (!known || expired || refused === 'all' || refused.has(token))
        return refuse('error="invalid_token"');
      if (known.jkt !== proof.jkt) return refuse('error="invalid_token", error_description="key"');
      const given = proof.nonce ?? '';
      const taken = nonce === 'once' ? nonces.delete(given) : nonce === 'required' && nonces.has(given);
      if (nonce !== 'never' && !taken)
        return refuse('error="use_dpop_nonce"', nonce === 'without-header' ? {} : giveNonce());
      if (answer) return answer(request);
      return Response.json({ method, url }, { headers: nonceOnSuccess ? giveNonce() : {} });
    },
  };
  return api;
}
