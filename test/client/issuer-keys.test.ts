import { describe, expect, test } from 'vitest';
import { ZonesError } from '../../client/errors.ts';
import { createIssuerKeys } from '../../client/issuer-keys.ts';
import type { KeySet } from '../../client/jwks.ts';
import { makeKey } from '../functions/authorizer/make-request.ts';

describe('the issuer’s keys', () => {
  const token = { payload: '', signature: '' };

  test('are read again for a kid that is new, and not on every made-up one', async () => {
    const [old, rotated] = await Promise.all([makeKey('ES256'), makeKey('ES256')]);
    const published = [{ ...old.jwk, kid: 'old', alg: 'ES256' }] as KeySet['keys'];
    let readAt = 0;
    let kept: KeySet['keys'] = [];
    let reads = 0;
    let clock = 100_000;
    const keys = createIssuerKeys(
      {
        async get(since = 0) {
          if (reads === 0 || readAt < since) {
            reads += 1;
            readAt = clock;
            kept = [...published];
          }
          return { keys: kept };
        },
      },
      { cooldown: 30_000, now: () => clock },
    );
    await keys({ alg: 'ES256', kid: 'old' }, token);
    published.push({ ...rotated.jwk, kid: 'new', alg: 'ES256' });
    await expect(keys({ alg: 'ES256', kid: 'new' }, token)).rejects.toMatchObject({
      code: 'ERR_JWKS_NO_MATCHING_KEY',
    });
    clock += 30_001;
    await expect(keys({ alg: 'ES256', kid: 'new' }, token)).resolves.toBeTruthy();
    await expect(keys({ alg: 'ES256', kid: 'made-up' }, token)).rejects.toMatchObject({
      code: 'ERR_JWKS_NO_MATCHING_KEY',
    });
    expect(reads).toBe(2);
  });

  test('that can not be read are no refusal', async () => {
    const error = new ZonesError('issuer_unreachable', 'No answer.');
    const keys = createIssuerKeys({ get: () => Promise.reject(error) }, { cooldown: 0, now: () => 0 });
    await expect(keys({ alg: 'RS256', kid: 'a' }, token)).rejects.toBe(error);
  });
});
