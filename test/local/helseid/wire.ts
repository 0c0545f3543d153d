import { createHash, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import tls from 'node:tls';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { openBrowser } from '../../../local/app/steps/browser.ts';
import { type LocalCertificate, localCertificate } from '../../../local/helseid/certificate.ts';
import { takeRsaPair } from '../../fakes/kms.ts';
import { newFolder } from '../../temporary.ts';

/** A certificate in a folder of its own that `fetch` trusts from now on. */
export async function makeCertificate(): Promise<{ certificate: LocalCertificate; dir: string }> {
  const dir = newFolder();
  const certificate = await localCertificate(join(dir, 'tls'));
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate.cert]);
  return { certificate, dir };
}

/** A client key with the public JWK as it is registered. */
export interface ClientKey {
  privateKey: CryptoKey | KeyObject;
  jwk: JWK & { kid: string; alg: string };
  /** Only what a proof's header may hold. */
  bare: JWK;
}

export async function makeClientKey(alg = 'ES256'): Promise<ClientKey> {
  const rsa = alg.startsWith('PS') && takeRsaPair();
  const { privateKey, publicKey } = rsa || (await generateKeyPair(alg, { extractable: true }));
  const bare = await exportJWK(publicKey);
  return { privateKey, bare, jwk: { ...bare, kid: await calculateJwkThumbprint(bare), alg, use: 'sig' } };
}

/** Epoch seconds. */
export const now = () => Math.floor(Date.now() / 1000);

type Twist = Record<string, unknown> & { header?: Record<string, unknown>; key?: ClientKey };

async function sign(key: ClientKey, header: Record<string, unknown>, claims: Record<string, unknown>) {
  const defined = (from: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(from).filter(([, value]) => value !== undefined));
  return new SignJWT(defined(claims))
    .setProtectedHeader({ alg: key.jwk.alg, ...defined(header) })
    .sign(key.privateKey);
}

/** A client assertion that is good but for its twist. */
export function makeAssertion(
  issuer: string,
  clientId: string,
  key: ClientKey,
  twist: Twist = {},
): Promise<string> {
  const { header, key: signer = key, ...claims } = twist;
  return sign(
    signer,
    { typ: 'client-authentication+jwt', kid: key.jwk.kid, ...header },
    {
      iss: clientId,
      sub: clientId,
      aud: issuer,
      jti: randomUUID(),
      iat: now(),
      nbf: now() - 5,
      exp: now() + 8,
      ...claims,
    },
  );
}

/** A DPoP proof that is good but for its twist. */
export function makeProof(method: string, url: string, key: ClientKey, twist: Twist = {}): Promise<string> {
  const { header, key: signer = key, ...claims } = twist;
  return sign(
    signer,
    { typ: 'dpop+jwt', jwk: key.bare, ...header },
    { htm: method, htu: url, jti: randomUUID(), iat: now(), ...claims },
  );
}

export const hash = (text: string) => createHash('sha256').update(text).digest('base64url');

/** A verifier and its challenge (RFC 7636). */
export function makePkce() {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: hash(verifier) };
}

/** An answer, read. */
export interface Read {
  status: number;
  body: Record<string, unknown>;
  headers: Headers;
}

/** What a token request is made of; everything can be replaced. */
export interface TokenCall {
  form?: Record<string, string>;
  assertion?: Twist | string;
  /** `null` sends none. */
  proof?: Twist | null;
  key?: ClientKey;
  /** Remembered from call to call. */
  nonce?: string;
}

/** A client of the stand-in: one call is one request, nothing is repeated of itself. */
export function makeWire(issuer: string, clientId: string, clientKey: ClientKey) {
  async function authenticate(call: TokenCall, path: string) {
    const key = call.key ?? clientKey;
    const url = `${issuer}${path}`;
    const { nonce } = call;
    const body = new URLSearchParams({
      client_id: clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion:
        typeof call.assertion === 'string'
          ? call.assertion
          : await makeAssertion(issuer, clientId, key, call.assertion),
      ...call.form,
    });
    const proof =
      call.proof === null ? undefined : await makeProof('POST', url, key, { nonce, ...call.proof });
    return read(await fetch(url, { method: 'POST', body, headers: proof ? { dpop: proof } : {} }));
  }

  /** A token request; asked for a nonce it is made once more. */
  async function token(call: TokenCall): Promise<Read> {
    const first = await authenticate(call, '/connect/token');
    const nonce = first.headers.get('dpop-nonce');
    if (first.body['error'] !== 'use_dpop_nonce' || !nonce) return first;
    return authenticate({ ...call, nonce }, '/connect/token');
  }

  /** PAR, then the browser's part, up to the redirect back. */
  async function authorize(form: Record<string, string>, user: string, browser = openIssuerBrowser()) {
    const par = await authenticate({ form: { response_type: 'code', ...form }, proof: null }, '/connect/par');
    if (par.status !== 201) return { par, location: undefined };
    const query = new URLSearchParams({ client_id: clientId, request_uri: String(par.body['request_uri']) });
    return { par, location: await browse(`${issuer}/connect/authorize?${query}`, user, browser) };
  }

  /** A request object (RFC 9101) that is good but for its twist. */
  function requestObject(twist: Record<string, unknown>): Promise<string> {
    const times = { nbf: now() - 5, exp: now() + 8, jti: randomUUID() };
    return sign(
      clientKey,
      { typ: 'oauth-authz-req+jwt', kid: clientKey.jwk.kid },
      { iss: clientId, client_id: clientId, aud: issuer, ...times, response_type: 'code', ...twist },
    );
  }

  return { once: authenticate, token, authorize, requestObject };
}

/** A browser that stops at the client, which nobody serves here. */
export const openIssuerBrowser = () =>
  openBrowser(async (url, init) => (url.startsWith('https:') ? fetch(url, init) : new Response()));

/** Goes through the issuer, picks a user where it is asked (none cancels), and gives the address at the client. */
export async function browse(start: string, user: string, browser = openIssuerBrowser()): Promise<URL> {
  let page = await browser.open(start);
  if (page.url.pathname.includes('/account/login/') && page.status === 200)
    page = await browser.submit(page, user ? { user } : { cancel: 'yes' });
  if (page.url.protocol === 'http:') return page.url;
  throw new Error(`No way on from ${page.url.pathname}: ${page.status} ${page.body.split('</style>').pop()}`);
}

/** `helseid_authorization` for a child organisation, or what another system says. */
export const organization = (value: string, system = 'urn:oid:2.16.578.1.12.4.1.4.101') => ({
  type: 'helseid_authorization',
  practitioner_role: { organization: { identifier: { system, type: 'ENH', value } } },
});

export async function read(response: Response): Promise<Read> {
  const text = await response.text();
  const body = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : { text };
  return { status: response.status, body, headers: response.headers };
}
