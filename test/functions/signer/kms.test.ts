import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { KMSClient } from '@aws-sdk/client-kms';
import type { VerificationKey } from '@helseid-zones/protocol/jwk';
import type { KeyEntry } from '@helseid-zones/protocol/record';
import { expect, onTestFinished, test } from 'vitest';
import { AWS_BOUNDS, createKeyReader, signInput } from '../../../functions/signer/kms.ts';
import { startKms } from '../../../local/aws/kms/service.ts';
import { createFakeKms } from '../../fakes/kms.ts';
import { createSigningKey, startAws } from '../../local/aws/harness.ts';

/** A way to `target` whose connections so far can die as they do while a function is frozen: whoever uses one is cut off. */
async function makeWay(target: string) {
  const open = new Set<Socket>();
  const dead = new Set<Socket>();
  const server = createServer((socket) => {
    const beyond = connect(Number(new URL(target).port), '127.0.0.1');
    open.add(socket);
    socket.on('data', (data) => (dead.has(socket) ? socket.resetAndDestroy() : beyond.write(data)));
    beyond.on('data', (data) => socket.write(data));
    for (const end of [socket, beyond]) {
      end.on('error', () => {});
      end.on('close', () => {
        open.delete(socket);
        socket.destroy();
        beyond.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze: () => {
      for (const socket of open) dead.add(socket);
    },
  };
}

test.each([1, 2, 8])('%i signatures are had though every socket of the last eight died', async (count) => {
  const aws = await startAws((context) => startKms(context));
  const { entry, jwk } = await createSigningKey(aws.context);
  const key = { algorithm: entry.algorithm, jwk, thumbprint: entry.kid } as VerificationKey;
  const way = await makeWay(aws.url);
  const kms = new KMSClient({ ...aws.config, ...AWS_BOUNDS, endpoint: way.url });
  onTestFinished(() => kms.destroy());
  const signAll = (times: number) =>
    Promise.all(Array.from({ length: times }, (_, n) => signInput(kms, entry, key, `input ${n}`)));
  expect(await signAll(8)).toHaveLength(8);
  way.freeze();
  expect(await signAll(count)).toHaveLength(count);
});

test('KMS down after a good read: a public key is had once and for all, a failure is not kept', async () => {
  const fake = createFakeKms();
  const [first, second] = [fake.addKey('ES256'), fake.addKey('ES256')].map(({ arn, algorithm, kid }) => ({
    keyArn: arn,
    algorithm,
    kid,
    state: 'current' as const,
    since: {},
  }));
  const read = createKeyReader(fake);
  const key = await read(first as KeyEntry);
  fake.failNext('GetPublicKey', 'KMSInternalException', 1, 500);
  expect(await read(first as KeyEntry)).toBe(key);
  await expect(read(second as KeyEntry)).rejects.toMatchObject({
    code: 'kms_unavailable',
    facts: { aws_error: 'KMSInternalException', status: 500 },
  });
  expect((await read(second as KeyEntry)).thumbprint).toBe(second?.kid);
});
