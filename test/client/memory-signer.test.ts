import { createMemorySigner } from '@helseid-zones/client/memory-signer';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { EmbeddedJWK, importJWK, jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { generateKey } from '../fakes/kms.ts';
import { GOLDEN_INTENTS, GOLDEN_SUBJECT } from '../golden/intents.ts';

const signerWith = (...algorithms: [Algorithm, ...Algorithm[]]) => {
  const [first, ...rest] = algorithms.map((algorithm) => ({ algorithm, privateKey: generateKey(algorithm) }));
  if (!first) throw new Error('one algorithm at least');
  const keys = [first, ...rest] as const;
  return {
    signer: createMemorySigner({ client: 'journal', subject: GOLDEN_SUBJECT, keys: [...keys] }),
    published: keys.map(({ privateKey, algorithm }) => describePublicKey(privateKey, algorithm)),
  };
};

describe.each(Object.keys(ALGORITHMS) as Algorithm[])('%s', (algorithm) => {
  test('every kind verifies with jose against the published key', async () => {
    const { signer, published } = signerWith(algorithm);
    const [key] = published;
    const signatures = await signer.sign(Object.values(GOLDEN_INTENTS));
    expect(signatures).toHaveLength(5);
    for (const { jws, kid, jkt } of signatures) {
      expect({ kid, jkt }).toEqual({ kid: key?.thumbprint, jkt: key?.thumbprint });
      await jwtVerify(jws, await importJWK(key?.jwk ?? {}, algorithm), { algorithms: [algorithm] });
    }
  });

  test('a proof verifies by the key it carries', async () => {
    const { signer } = signerWith(algorithm);
    const [proof] = await signer.sign([GOLDEN_INTENTS.tokenProof]);
    await jwtVerify(proof?.jws ?? '', EmbeddedJWK, { typ: 'dpop+jwt' });
  });
});

test('the first key is current, the last the newest, each answers to its kid', async () => {
  const { signer, published } = signerWith('ES256', 'ES384', 'PS256');
  const kids = published.map(({ thumbprint }) => thumbprint);
  const { assertion } = GOLDEN_INTENTS;
  const signatures = await signer.sign([
    assertion,
    { ...assertion, key: 'newest' },
    { ...assertion, kid: kids[1] ?? '' },
  ]);
  expect(signatures.map(({ kid }) => kid)).toEqual([kids[0], kids[2], kids[1]]);
});

test.each([
  ['another client', { ...GOLDEN_INTENTS.assertion, client: 'other' }, 'grant_refused'],
  ['another issuer', { ...GOLDEN_INTENTS.assertion, issuer: `${GOLDEN_SUBJECT.issuer}/` }, 'grant_refused'],
  ['an unknown kid', { ...GOLDEN_INTENTS.assertion, kid: 'A'.repeat(43) }, 'key_unknown'],
  [
    'a URL that is not canonical',
    { ...GOLDEN_INTENTS.tokenProof, url: 'https://a.example.no/../b' },
    'intent_malformed',
  ],
  [
    'a wrong detail',
    {
      ...GOLDEN_INTENTS.assertion,
      assertionDetails: [{ type: 'helseid_authorization' as const, child: '1' }],
    },
    'details_invalid',
  ],
])('refused as the signing function does: %s', async (_name, intent, code) => {
  await expect(signerWith('ES256').signer.sign([intent])).rejects.toMatchObject({ code });
});

test('members that are undefined are absent, as over an invocation', async () => {
  const { signer } = signerWith('ES256');
  const intent = {
    ...GOLDEN_INTENTS.tokenProof,
    ath: undefined,
  } as unknown as typeof GOLDEN_INTENTS.tokenProof;
  await expect(signer.sign([intent])).resolves.toHaveLength(1);
});
