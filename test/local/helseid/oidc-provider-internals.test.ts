import Provider from 'oidc-provider';
import { confirm } from 'oidc-provider/lib/actions/end_session.js';
import instance from 'oidc-provider/lib/helpers/weak_cache.js';
import { describe, expect, test } from 'vitest';
import { memoryDocument } from '../../../local/aws/state.ts';
import * as internals from '../../../local/helseid/oidc-provider-internals.ts';
import { createStorage } from '../../../local/helseid/storage.ts';

/** A failure here means that an upgrade of oidc-provider has moved what the stand-in takes from its inside. */
describe('inside oidc-provider', () => {
  const { adapter } = createStorage(
    memoryDocument({}),
    () => undefined,
    () => {},
  );
  const provider = new Provider('https://localhost', {
    adapter,
    features: { dPoP: { enabled: true, nonceSecret: Buffer.alloc(32) } },
  });

  test('nonces are made and checked where they can be replaced', () => {
    expect(instance(provider).DPoPNonces).toMatchObject({
      nextChallenge: expect.any(Function),
      checkChallenge: expect.any(Function),
    });
    internals.useNonces(provider, { next: () => 'mine', accepts: (nonce) => nonce === 'mine' });
    expect(instance(provider).DPoPNonces.nextChallenge()).toBe('mine');
  });

  test('a logout ends in a step of its own, which takes a context', () => {
    expect(confirm.map((step) => typeof step)).toContain('function');
    expect(confirm.at(-1)).toHaveLength(1);
    expect(String(confirm.at(-1))).toContain('params.logout');
  });

  test('what was used is remembered by issuer and jti, and can be forgotten', async () => {
    const expires = Math.floor(Date.now() / 1000) + 60;
    const use = () => provider.ReplayDetection.unique('client', 'jti', expires);
    expect([await use(), await use()]).toEqual([true, false]);
    await internals.forgetUse(adapter, 'client', 'jti');
    expect(await use()).toBe(true);
  });
});
