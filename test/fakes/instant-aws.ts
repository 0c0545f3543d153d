import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { createQuickSigner } from './quick-ecdsa.ts';

/** KMS and Secrets Manager as far as a signer needs them, with one key and no delay. */
export async function startInstantAws() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const sign = createQuickSigner(privateKey);
  const { thumbprint: kid, jwk } = describePublicKey(publicKey, 'ES256');
  const keyArn = 'arn:aws:kms:eu-north-1:000000000000:key/bench';
  const keys = [{ kid, keyArn, algorithm: 'ES256', state: 'current', since: { current: 0 }, publicKey: jwk }];
  let record = '';
  const answer = {
    Sign: (digest = '') => ({
      Signature: Buffer.from(sign(Buffer.from(digest, 'base64'))).toString('base64'),
    }),
    GetPublicKey: () => ({ PublicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64') }),
    GetSecretValue: () => ({ SecretString: record }),
  };
  const server = createServer(async (request, response) => {
    const { Message } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    const operation = String(request.headers['x-amz-target']).split('.').pop() as keyof typeof answer;
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    response.end(JSON.stringify(answer[operation](Message)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: ({ client, clientId, issuer }: Record<string, string>) => {
      record = JSON.stringify({ version: 1, client, clientId, issuer, keys });
    },
    close: () => server.close(),
  };
}
