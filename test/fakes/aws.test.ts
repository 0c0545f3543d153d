import { expect, test } from 'vitest';
import { CREDENTIALS, createFakeAws, signatureOf } from './aws.ts';

test('the signature is that of AWS’s published example', () => {
  // "get-vanilla" of the Signature Version 4 test suite.
  const request = new Request('https://example.amazonaws.com/', {
    headers: {
      'x-amz-date': '20150830T123600Z',
      authorization: 'AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host;x-amz-date, Signature=y',
    },
  });
  const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
  expect(signatureOf(request, '', 'service', 'us-east-1', secret)).toBe(
    '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  );
});

test.each([
  ['no signature', {}],
  [
    'another signature',
    {
      authorization: 'AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=00',
      'x-amz-security-token': CREDENTIALS.sessionToken,
    },
  ],
])('a request with %s is refused', async (_name, headers) => {
  const aws = createFakeAws('lambda', 'eu-north-1');
  const request = new Request('https://lambda.test/', { method: 'POST', headers: { ...headers } });
  expect((await aws.handle(request)).status).toBe(403);
  expect(aws.requests).toEqual([]);
});
