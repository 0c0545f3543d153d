import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetPublicKeyCommand, SignCommand } from '@aws-sdk/client-kms';
import type { Kms } from '../../functions/signer/kms.ts';

/** An endpoint that a signer's bundle can be pointed at. */
export interface AwsEndpoint {
  url: string;
  /** `X-Amz-Target` of every call, in order. */
  targets: string[];
  close(): Promise<void>;
}

/** Serves the signer's three calls over HTTP in AWS's JSON 1.1 protocol: KMS from `kms`, GetSecretValue from `readSecret`. Checks no signature. */
export async function serveAws(kms: Kms, readSecret: (secretId: string) => string): Promise<AwsEndpoint> {
  const targets: string[] = [];
  const answer = async (target: string, input: Record<string, string>): Promise<object> => {
    const { KeyId, Message = '', MessageType, SigningAlgorithm, SecretId = '' } = input;
    if (target === 'secretsmanager.GetSecretValue') return { SecretString: readSecret(SecretId) };
    if (target === 'TrentService.GetPublicKey') {
      const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId }));
      return { PublicKey: encode(PublicKey) };
    }
    const sign = { KeyId, Message: Buffer.from(Message, 'base64'), MessageType, SigningAlgorithm };
    const { Signature } = await kms.send(new SignCommand(sign as SignCommand['input']));
    return { Signature: encode(Signature) };
  };
  const server = createServer(async (request, response) => {
    const target = String(request.headers['x-amz-target']);
    targets.push(target);
    const { status, body } = await answer(target, JSON.parse(await readBody(request))).then(
      (value) => ({ status: 200, body: value }),
      (error: Error) => ({ status: 400, body: { __type: error.name, message: error.message } }),
    );
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, targets, close: () => closeServer(server) };
}

function encode(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('base64');
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
