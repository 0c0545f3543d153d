import { execFile } from 'node:child_process';
import 'reflect-metadata';
import { generateKeyPairSync, webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer as createProxy } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import {
  BasicConstraintsExtension,
  type JsonGeneralNames,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import system from '../../examples/helsenettet.zones.ts';
import { zoneProxy } from '../../infra/declaration/derive.ts';
import { createFakeApi } from '../fakes/api.ts';
import { createFakeIssuer } from '../fakes/issuer.ts';
import { newFolder } from '../temporary.ts';

/** What a function of the zone does, in a process with the environment that a deploy gives it. */
const FUNCTION = `
import { createPrivateKey } from 'node:crypto';
import { createApiFetch, createMemorySigner, createTokenClient, machineTokens } from '@helseid-zones/client';
const { client, subject, profile, pem, urls } = JSON.parse(process.argv[1]);
const keys = [{ privateKey: createPrivateKey(pem), algorithm: 'ES256' }];
const signer = createMemorySigner({ client, subject, keys });
const tokens = createTokenClient({ client, clientId: subject.clientId, issuer: subject.issuer, profile, signer });
const call = createApiFetch(tokens, machineTokens(tokens));
const said = [];
for (const url of urls)
  said.push(await call(url, url.includes('aws') ? { signal: AbortSignal.timeout(500) } : {}).then((r) => r.status, ({ code, message, cause }) => code + ' ' + message + ' ' + (cause?.cause?.message ?? cause?.message)));
console.log(JSON.stringify(said));
`;
const { clientId, issuer: at, profile, tenancy } = system.clients.archive;
const SUMMARIES = system.apis.summaries.baseUrl;
const DAY = 86_400_000;

/** An authority's certificate, and the key and certificate that it gives hosts of these names; PEM. */
async function certificatesFor(names: JsonGeneralNames) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const make = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const [keys, own] = [await make(), await make()];
  const common = { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + DAY) };
  const signed = { ...common, signingAlgorithm: algorithm, signingKey: keys.privateKey, issuer: 'CN=proxy' };
  const authority = await X509CertificateGenerator.create({
    ...signed,
    subject: 'CN=proxy',
    publicKey: keys.publicKey,
    serialNumber: '01',
    extensions: [new BasicConstraintsExtension(true, 0, true)],
  });
  const host = await X509CertificateGenerator.create({
    ...signed,
    subject: 'CN=host',
    publicKey: own.publicKey,
    serialNumber: '02',
    extensions: [new SubjectAlternativeNameExtension(names)],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', own.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----`;
  return { authority: authority.toString('pem'), leaf: { key, cert: host.toString('pem') } };
}

describe('a function whose zone’s way out is a proxy with an authority of its own', () => {
  const closing: Server[] = [];
  /** Where connections were asked for. */
  const asked: string[] = [];
  let environment: Record<string, string>;
  let run: (urls: readonly string[], more?: Record<string, string>) => Promise<unknown[]>;
  let api: ReturnType<typeof createFakeApi>;
  let thumbprint: string;

  beforeAll(async () => {
    const names = [at, SUMMARIES].map((url) => ({ type: 'dns' as const, value: new URL(url).hostname }));
    const { authority, leaf } = await certificatesFor(names);
    const issuer = await createFakeIssuer({ issuer: at, clientId, profile, now: Date.now });
    api = createFakeApi({ origin: SUMMARIES, issuer, now: Date.now });
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = describePublicKey(publicKey, 'ES256');
    issuer.register(key);
    thumbprint = await calculateJwkThumbprint({ ...key.jwk });
    const hosts = createServer({ key: leaf.key, cert: leaf.cert }, async (incoming, outgoing) => {
      const { method = 'GET', url = '', headers } = incoming;
      const body = method === 'POST' ? { body: await text(incoming) } : {};
      const request = new Request(`https://${headers.host}${url}`, {
        method,
        ...body,
        headers: headers as Record<string, string>,
      });
      const answer = await (headers.host === new URL(at).host ? issuer.handle(request) : api.handle(request));
      outgoing.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
    });
    const proxy = createProxy().on('connect', ({ url = '' }, socket) => {
      asked.push(url);
      if (!names.some(({ value }) => url === `${value}:443`))
        return void socket.end(`HTTP/1.1 ${url.startsWith('members') ? 407 : 403} No\r\n\r\n`);
      const { port } = hosts.address() as AddressInfo;
      const there = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        socket.pipe(there).pipe(socket);
      });
      for (const end of [socket, there]) end.on('error', () => there.destroy());
    });
    for (const server of [hosts, proxy])
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    closing.push(hosts, proxy as unknown as Server);
    const ca = join(newFolder(), 'ca.pem');
    writeFileSync(ca, authority);
    const { port } = proxy.address() as AddressInfo;
    // What the deploy gives, but for where proxy and file are.
    environment = { ...zoneProxy(system, 'portal').variables, HTTPS_PROXY: `http://127.0.0.1:${port}` };
    expect(environment['NODE_EXTRA_CA_CERTS']).toBe('/var/task/proxy-ca.pem');
    const { NODE_COMPILE_CACHE = '' } = process.env;
    environment = { ...environment, NODE_EXTRA_CA_CERTS: ca, NODE_COMPILE_CACHE };
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const subject = { clientId, issuer: at, profile, tenancy };
    run = async (urls, more = {}) => {
      const given = JSON.stringify({ client: 'archive', subject, profile, pem, urls });
      const args = ['--input-type=module', '-e', FUNCTION, given];
      const { stdout } = await promisify(execFile)(process.execPath, args, {
        env: { ...environment, ...more },
      });
      return JSON.parse(stdout);
    };
  });
  afterAll(() => {
    for (const server of closing) {
      server.closeAllConnections();
      server.close();
    }
  });

  test('gets a token and calls its API through it, with a proof for the API, and reaches AWS beside it', async () => {
    const elsewhere = 'https://elsewhere.example.no/';
    const [taken, refused, unknown] = await run([
      `${SUMMARIES}/v1/summaries/17`,
      elsewhere,
      'https://members.example.no/',
      'https://lambda.eu-north-1.amazonaws.com/',
    ]);
    expect(taken).toBe(200);
    expect(refused).toMatch(/^api_unreachable .*proxy refused the way there \(403\), so nothing was sent/);
    expect(unknown).toMatch(/^api_unreachable .*proxy refused .*\(407: it wants credentials/);
    const declared = ['helseid-sts.test.nhn.no:443', 'summaries.example.no:443'];
    expect([...new Set(asked)]).toEqual([...declared, 'elsewhere.example.no:443', 'members.example.no:443']);
    const proof = api.requests[0]?.headers.get('dpop') ?? '';
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK);
    expect(payload).toMatchObject({ htm: 'GET', htu: 'https://summaries.example.no/v1/summaries/17' });
    expect(await calculateJwkThumbprint(protectedHeader.jwk ?? {})).toBe(thumbprint);
  });

  test('reaches nothing without the proxy, and nothing without its authority', async () => {
    const without = [{ NODE_USE_ENV_PROXY: '0' }, { NODE_EXTRA_CA_CERTS: '' }];
    const said = await Promise.all(without.map((more) => run([`${SUMMARIES}/v1/summaries/17`], more)));
    for (const [failure] of said) expect(failure).toMatch(/^issuer_unreachable/);
  });
});
