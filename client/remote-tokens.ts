import { type ErrorCode, isZonesError } from '@helseid-zones/protocol/errors';
import { type TokenHeaders, type TokenRequest, tokenHeaders } from '@helseid-zones/protocol/token-request';
import * as v from 'valibot';
import type { AwsCaller } from './aws.ts';
import type { BeginCall } from './call-headers.ts';
import { invalidAnswer, invokeOwn, type OwnFunction } from './invoke.ts';

/** Milliseconds for which one invocation is waited for, longer than a fetch takes; a connection that was forgotten costs as much. */
export const TOKENS_TIMEOUT = 10_000;

/**
 * Headers of API calls from the zone's tokens function (docs/tokens.md), for calls of one API. Nothing is kept here: token, key and
 * renewal are that function's affair. The query of a URL stays in this function.
 *
 * @throws {ZonesError} tokens_unavailable: it was throttled, crashed or may not be invoked; tokens_answer_invalid; and what it
 * answers itself: what the signer, the issuer or the grant refuses
 */
export function remoteCalls(
  deps: { aws: AwsCaller; functionArn: string },
  request: Pick<TokenRequest, 'api' | 'client' | 'details'>,
): BeginCall {
  const tokens: OwnFunction = {
    ...{ ...deps, what: 'tokens function', knows: isCode },
    ...{ unavailable: 'tokens_unavailable', invalid: 'tokens_answer_invalid' },
  };
  return async ({ method, url, signal }) => {
    let last: string | undefined;
    let refused: string | undefined;
    let next: TokenHeaders | undefined;
    const ask = async (nonce: string | undefined): Promise<TokenHeaders> => {
      const asked: TokenRequest = {
        ...{ ...request, method, url: `${url.origin}${url.pathname}` },
        ...(nonce === undefined ? {} : { nonce }),
        ...(refused === undefined ? {} : { refused }),
      };
      const answer = await invokeOwn(tokens, asked, signal);
      if (v.is(tokenHeaders, answer)) return answer;
      throw invalidAnswer(tokens, 'holds neither headers nor an error');
    };
    return {
      async headers(nonce) {
        const { authorization, dpop } = next ?? (await ask(nonce));
        next = undefined;
        last = authorization;
        return { accessToken: authorization.slice('DPoP '.length), proof: dpop };
      },
      async renew(nonce) {
        if (last === undefined) return false;
        refused = last;
        try {
          next = await ask(nonce);
          return true;
        } catch (error) {
          if (isZonesError(error, 'renewal_limited')) return false;
          throw error;
        }
      },
    };
  };
}

/** A tokens function answers with what the token client throws, which is more than one list. */
function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && /^[a-z]+(?:_[a-z]+)*$/.test(code);
}
