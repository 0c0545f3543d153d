import { signAws } from '@helseid-zones/client/sigv4';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Sha256 } from '../fakes/aws.ts';

const text = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 });
const segment = text.filter((each) => !/^\.{1,2}$/.test(each)).map(encodeURIComponent);
const name = fc.stringMatching(/^x-[a-z]{1,8}$/);

test('a request is signed as the AWS SDK signs it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
        path: fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`),
        query: fc.dictionary(fc.stringMatching(/^[A-Za-z-]{1,6}$/), text, { maxKeys: 4 }),
        headers: fc.dictionary(name, fc.stringMatching(/^[!-~]{1,4}(?: {1,3}[!-~]{1,4})?$/)),
        body: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
        sessionToken: fc.option(fc.stringMatching(/^[A-Za-z0-9+/=]{1,20}$/), { nil: undefined }),
        now: fc.integer({ min: 1_600_000_000_000, max: 4_000_000_000_000 }),
      }),
      async ({ method, path, query, headers, body, sessionToken, now }) => {
        const url = new URL(path, 'http://127.0.0.1:4000');
        for (const [key, value] of Object.entries(query)) url.searchParams.append(key, value);
        const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' };
        const credentials = { ...keys, ...(sessionToken === undefined ? {} : { sessionToken }) };
        const where = { service: 'lambda', region: 'eu-north-1' };
        const signer = new SignatureV4({ ...where, credentials, sha256: Sha256 });
        const expected = await signer.sign(
          {
            method,
            protocol: 'http:',
            hostname: url.hostname,
            path: url.pathname,
            query,
            body,
            headers: { ...headers, host: url.host },
          },
          { signingDate: new Date(now) },
        );
        const { host: _, ...sent } = expected.headers;
        expect(signAws({ method, url, headers, body }, { ...keys, sessionToken }, { ...where, now })).toEqual(
          sent,
        );
      },
    ),
  );
});
