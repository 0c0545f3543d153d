import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { createCa } from '../../../local/helseid/ca.ts';
import type { CertificateAuthority } from '../../../local/helseid/types.ts';

/** A CA in a folder of its own that `fetch` trusts from now on. */
export async function makeCa(): Promise<{
  ca: CertificateAuthority;
  dir: string;
  remove: () => Promise<void>;
}> {
  const dir = await mkdtemp(join(tmpdir(), 'stand-in-'));
  const ca = await createCa(join(dir, 'ca'));
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), ca.certificatePem]);
  return { ca, dir, remove: () => rm(dir, { recursive: true }) };
}

/** A client key with the public JWK as it is registered. */
export interface ClientKey {
  privateKey: CryptoKey;
  jwk: JWK & { kid: string; alg: string };
  /** Only what a proof's header may hold. */
  bare: JWK;
}

export async function makeClientKey(alg = 'ES256'): Promise<ClientKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
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
  async function authorize(form: Record<string, string>, user: string, cookies = new Map<string, string>()) {
    const par = await authenticate({ form: { response_type: 'code', ...form }, proof: null }, '/connect/par');
    if (par.status !== 201) return { par, location: undefined, cookies };
    const { request_uri: uri } = par.body;
    const query = new URLSearchParams({ client_id: clientId, request_uri: String(uri) });
    const location = await browse(`${issuer}/connect/authorize?${query}`, user, cookies);
    return { par, location, cookies };
  }

  return { once: authenticate, token, authorize };
}

/** Follows redirects within the issuer as a browser would, picks a user where it is asked, and stops at the client. */
export async function browse(start: string, user: string, cookies: Map<string, string>): Promise<URL> {
  let url = new URL(start);
  const { origin } = url;
  let init: RequestInit = {};
  for (let step = 0; step < 10; step += 1) {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { cookie: [...cookies].map((pair) => pair.join('=')).join('; '), accept: 'text/html' },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [name = '', value = ''] = cookie.split(';')[0]?.split('=') ?? [];
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    const location = response.headers.get('location');
    init = {};
    if (location) {
      url = new URL(location, url);
      if (url.origin !== origin) return url;
    } else if (url.pathname.includes('/account/login/') && response.ok) {
      init = { method: 'POST', body: new URLSearchParams(user ? { user } : { cancel: 'yes' }) };
    } else {
      throw new Error(
        `No way on from ${url.pathname}: ${response.status} ${(await response.text()).split('</style>').pop()}`,
      );
    }
  }
  throw new Error('Too many redirects.');
}

export async function read(response: Response): Promise<Read> {
  const text = await response.text();
  const body = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : { text };
  return { status: response.status, body, headers: response.headers };
}
