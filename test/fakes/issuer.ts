import { createHash, randomUUID } from 'node:crypto';
import { verifyProof } from '@helseid-zones/client/verify-access';
import type { VerificationKey } from '@helseid-zones/protocol/jwk';
import type { IssuerProfile } from '@helseid-zones/protocol/profile';
import {
  type CryptoKey,
  createLocalJWKSet,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose';
import { canary } from '../canaries.ts';

/** How the issuer behaves. Tests change it while it runs. */
interface Behaviour {
  /** Endpoints that demand a nonce. */
  nonceAt: readonly ('/token' | '/par')[];
  /** Whether successful answers bring a nonce as well. */
  nonceOnSuccess: boolean;
  /** Accepts no nonce, however fresh. */
  nonceLoop: boolean;
  /** Demands a nonce without giving one. */
  nonceMissing: boolean;
  tokenType: string;
  /** Absent: the answer has no `expires_in`. */
  expiresIn?: number;
  opaqueTokens: boolean;
  /** Replaces `cnf.jkt` of access tokens. */
  jkt?: string;
  /** Merged into the token response. */
  response: Record<string, unknown>;
  /** Merged into metadata; `undefined` removes. */
  metadata: Record<string, unknown>;
  /** Merged into the claims of ID tokens; `undefined` removes. */
  idToken: Record<string, unknown>;
  /** Merged into the header of ID tokens, after signing by its algorithm. */
  idTokenHeader: Record<string, unknown>;
  /** Breaks the signature of ID tokens. */
  idTokenSignature: 'right' | 'wrong' | 'none';
  /** Answers every POST with this. */
  fail?: () => Response;
  /** Binds refresh tokens to the key of the login. */
  bindRefreshTokens: boolean;
}

/** A small authorization server: it verifies every assertion and proof, and signs what it issues. */
export interface FakeIssuer {
  issuer: string;
  handle: (request: Request) => Promise<Response>;
  behaviour: Behaviour;
  /** Requests to POST endpoints, in order. */
  posts: { path: string; form: Record<string, string>; proof: string | null }[];
  /** Registers a public key of the client, as the self-service API would. */
  register(key: VerificationKey): void;
  unregister(kid: string): void;
  /** What the user's login would send back: parameters of the callback, for a URL from a pushed request. */
  authorize(authorizationUrl: string, change?: Record<string, string | undefined>): URLSearchParams;
  /** Changes the issuer's own signing key; the old one leaves the JWK Set. */
  rotateKey(): Promise<void>;
  /** A logout token, with claims and header changed as told. */
  signLogoutToken(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
  /** Nonces given out so far stop being valid. */
  expireNonces(): void;
  revoked: Set<string>;
  /** Access tokens by value. */
  tokens: Map<string, { jkt: string; claims: Record<string, unknown> }>;
  /** Keys published beside the one it signs with. */
  otherKeys: JWK[];
  /** How often the JWK Set was read. */
  keysRead: number;
}

interface Grant {
  clientId: string;
  scope: string;
  jkt?: string;
  redirectUri?: string;
  challenge?: string;
  nonce?: string;
  sub: string;
}

/** An OAuth error as an answer. */
class OAuthError extends Error {
  readonly error: string;
  readonly headers: Record<string, string>;
  constructor(error: string, description: string, headers: Record<string, string> = {}) {
    super(description);
    this.error = error;
    this.headers = headers;
  }
}

export async function createFakeIssuer(options: {
  issuer: string;
  clientId: string;
  profile: IssuerProfile;
  now: () => number;
}): Promise<FakeIssuer> {
  const { issuer, clientId, profile, now } = options;
  const seconds = () => Math.floor(now() / 1000);
  const registered = new Map<string, JWK>();
  const seenAssertions = new Set<string>();
  const seenProofs = new Set<string>();
  const pushed = new Map<string, Record<string, string>>();
  const codes = new Map<string, Grant>();
  const refreshes = new Map<string, Grant>();
  let nonces = new Set<string>();
  let rotations = 0;
  let key = await keyNumber(0, profile.idTokenAlgorithm);

  async function verifyAssertion(form: Record<string, string>): Promise<Record<string, unknown>> {
    const jwt = form['client_assertion'] ?? '';
    if (form['client_assertion_type'] !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
      throw new OAuthError('invalid_client', 'assertion type');
    try {
      const { kid = '' } = decodeProtectedHeader(jwt);
      const jwk = registered.get(kid);
      if (!jwk) throw new Error('unknown kid');
      const { payload } = await jwtVerify(jwt, createLocalJWKSet({ keys: [jwk] }), {
        typ: profile.assertionTyp,
        issuer: clientId,
        subject: clientId,
        requiredClaims: ['aud', 'exp', 'nbf', 'iat', 'jti'],
        currentDate: new Date(now()),
      });
      if (payload.aud !== issuer) throw new Error('aud must be the issuer alone');
      const most = Math.max(10, profile.assertionLifetime);
      if ((payload.exp ?? 0) > seconds() + most) throw new Error(`exp is more than ${most} s ahead`);
      if (seenAssertions.has(payload.jti ?? '')) throw new Error('the assertion was used before');
      seenAssertions.add(payload.jti ?? '');
      return payload;
    } catch (cause) {
      throw new OAuthError('invalid_client', (cause as Error).message);
    }
  }

  function giveNonce(): Record<string, string> {
    const nonce = randomUUID();
    nonces.add(nonce);
    return { 'dpop-nonce': nonce };
  }

  async function requireProof(request: Request, path: '/token' | '/par'): Promise<string> {
    const { jkt, nonce } = await verifyProof({
      header: request.headers.get('dpop'),
      method: 'POST',
      url: `${issuer}${path}`,
      now: now(),
      seen: seenProofs,
    }).catch((cause: Error) => {
      throw new OAuthError('invalid_dpop_proof', cause.message);
    });
    const { nonceAt, nonceLoop, nonceMissing } = fake.behaviour;
    const wrong = nonce !== undefined && !nonces.has(nonce);
    if (nonceLoop || wrong || (nonceAt.includes(path) && nonce === undefined))
      throw new OAuthError('use_dpop_nonce', 'a nonce is required', nonceMissing ? {} : giveNonce());
    return jkt;
  }

  async function issueTokens(grant: Grant, jkt: string, claims: Record<string, unknown>) {
    const { behaviour } = fake;
    const access = {
      iss: issuer,
      sub: grant.sub,
      client_id: clientId,
      scope: grant.scope,
      cnf: { jkt: behaviour.jkt ?? jkt },
      jti: canary('accessToken'),
      iat: seconds(),
      exp: seconds() + (behaviour.expiresIn ?? 600),
      ...claims,
    };
    const signed = await new SignJWT(access)
      .setProtectedHeader({ alg: profile.accessTokenAlgorithm, kid: key.kid, typ: 'at+jwt' })
      .sign(key.privateKey);
    const token = behaviour.opaqueTokens ? canary('accessToken') : signed;
    fake.tokens.set(token, { jkt, claims: access });
    return {
      access_token: token,
      token_type: behaviour.tokenType,
      ...(behaviour.expiresIn === undefined ? {} : { expires_in: behaviour.expiresIn }),
      scope: grant.scope,
      ...behaviour.response,
    };
  }

  async function signIdToken(grant: Grant): Promise<string> {
    const { idToken, idTokenHeader, idTokenSignature } = fake.behaviour;
    const claims = {
      iss: issuer,
      sub: grant.sub,
      aud: clientId,
      exp: seconds() + 300,
      iat: seconds(),
      auth_time: seconds() - 10,
      sid: 'sid-1',
      ...(grant.nonce === undefined ? {} : { nonce: grant.nonce }),
      ...idToken,
    };
    const header = { alg: profile.idTokenAlgorithm, kid: key.kid, ...idTokenHeader };
    const jwt = await new SignJWT(JSON.parse(JSON.stringify(claims)))
      .setProtectedHeader({ alg: profile.idTokenAlgorithm, kid: key.kid })
      .sign(key.privateKey);
    const [, payload, signature = ''] = jwt.split('.');
    const encoded = Buffer.from(JSON.stringify(header)).toString('base64url');
    // A changed header would break the signature; so it is only changed where that is the point.
    const head = Object.keys(idTokenHeader).length > 0 ? encoded : jwt.split('.')[0];
    const end = {
      right: signature,
      wrong: `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
      none: '',
    }[idTokenSignature];
    return `${head}.${payload}.${end}`;
  }

  async function userTokens(grant: Grant, jkt: string, claims: Record<string, unknown>) {
    const refreshToken = canary('refreshToken');
    refreshes.set(refreshToken, { ...grant, jkt });
    return {
      ...(await issueTokens(grant, jkt, claims)),
      refresh_token: refreshToken,
      rt_expires_in: 3600,
      id_token: await signIdToken(grant),
      ...fake.behaviour.response,
    };
  }

  async function redeem(form: Record<string, string>, jkt: string, claims: Record<string, unknown>) {
    const grant = codes.get(form['code'] ?? '');
    codes.delete(form['code'] ?? '');
    if (!grant || grant.redirectUri !== form['redirect_uri'])
      throw new OAuthError('invalid_grant', 'unknown code');
    const challenge = createHash('sha256')
      .update(form['code_verifier'] ?? '')
      .digest('base64url');
    if (challenge !== grant.challenge) throw new OAuthError('invalid_grant', 'PKCE');
    if (grant.jkt !== jkt) throw new OAuthError('invalid_grant', 'the code is bound to another key');
    return userTokens(grant, jkt, claims);
  }

  async function token(request: Request, form: Record<string, string>): Promise<unknown> {
    const { assertion_details: details } = await verifyAssertion(form);
    const jkt = await requireProof(request, '/token');
    const audience = form['resource'] ?? form['audience'];
    const claims = {
      ...(details === undefined ? {} : { details }),
      ...(audience === undefined ? {} : { aud: audience }),
    };
    switch (form['grant_type']) {
      case 'client_credentials':
        return issueTokens({ clientId, scope: form['scope'] ?? 'all', sub: clientId }, jkt, claims);
      case 'authorization_code':
        return redeem(form, jkt, claims);
      case 'refresh_token': {
        const grant = refreshes.get(form['refresh_token'] ?? '');
        refreshes.delete(form['refresh_token'] ?? '');
        const bound = !fake.behaviour.bindRefreshTokens || grant?.jkt === jkt;
        if (!grant || !bound) throw new OAuthError('invalid_grant', 'unknown refresh token');
        const { nonce: _, ...again } = grant;
        return userTokens({ ...again, scope: form['scope'] ?? grant.scope }, jkt, claims);
      }
      case 'urn:ietf:params:oauth:grant-type:token-exchange': {
        const subject = fake.tokens.get(form['subject_token'] ?? '');
        if (!subject) throw new OAuthError('invalid_request', 'unknown subject token');
        const grant = { clientId, scope: form['scope'] ?? '', sub: String(subject.claims['sub']) };
        return {
          ...(await issueTokens(grant, jkt, { ...claims, act: { sub: clientId } })),
          issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          ...fake.behaviour.response,
        };
      }
      default:
        throw new OAuthError('unsupported_grant_type', 'no such grant');
    }
  }

  async function par(request: Request, form: Record<string, string>): Promise<unknown> {
    await verifyAssertion(form);
    let parameters = form;
    if (form['request'] !== undefined) {
      const { payload } = await jwtVerify(
        form['request'],
        createLocalJWKSet({ keys: [...registered.values()] }),
        { typ: profile.requestObjectTyp, issuer: clientId, audience: issuer, currentDate: new Date(now()) },
      ).catch((cause: Error) => {
        throw new OAuthError('invalid_request_object', cause.message);
      });
      if (payload.sub !== undefined) throw new OAuthError('invalid_request_object', 'has a sub');
      parameters = payload as Record<string, string>;
    }
    if (profile.proofAtPar) {
      const jkt = await requireProof(request, '/par');
      if (jkt !== parameters['dpop_jkt']) throw new OAuthError('invalid_dpop_proof', 'dpop_jkt');
    } else if (request.headers.has('dpop')) throw new OAuthError('invalid_request', 'no proof wanted');
    const uri = `urn:ietf:params:oauth:request_uri:${randomUUID()}`;
    pushed.set(uri, parameters);
    return { request_uri: uri, expires_in: 60 };
  }

  async function post(request: Request, path: string, form: Record<string, string>): Promise<Response> {
    if (fake.behaviour.fail) return fake.behaviour.fail();
    const nonce = fake.behaviour.nonceOnSuccess ? giveNonce() : {};
    switch (path) {
      case '/token':
        return Response.json(await token(request, form), { headers: nonce });
      case '/par':
        return Response.json(await par(request, form), { status: 201, headers: nonce });
      case '/revocation':
        await verifyAssertion(form);
        fake.revoked.add(form['token'] ?? '');
        return new Response(null);
      default:
        return new Response(null, { status: 404 });
    }
  }

  const fake: FakeIssuer = {
    issuer,
    behaviour: {
      nonceAt: ['/token', '/par'],
      nonceOnSuccess: true,
      nonceLoop: false,
      nonceMissing: false,
      tokenType: 'DPoP',
      expiresIn: 600,
      opaqueTokens: false,
      response: {},
      metadata: {},
      idToken: {},
      idTokenHeader: {},
      idTokenSignature: 'right',
      bindRefreshTokens: false,
    },
    posts: [],
    revoked: new Set(),
    tokens: new Map(),
    otherKeys: [],
    keysRead: 0,
    async handle(request) {
      const path = request.url.startsWith(issuer) ? request.url.slice(issuer.length) : '';
      if (path === '/.well-known/openid-configuration') {
        return Response.json({
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          pushed_authorization_request_endpoint: `${issuer}/par`,
          revocation_endpoint: `${issuer}/revocation`,
          end_session_endpoint: `${issuer}/endsession`,
          jwks_uri: `${issuer}/jwks`,
          ...fake.behaviour.metadata,
        });
      }
      if (path === '/jwks') {
        fake.keysRead += 1;
        return Response.json({ keys: [key.jwk, ...fake.otherKeys] });
      }
      const form = Object.fromEntries(new URLSearchParams(await request.text()));
      fake.posts.push({ path, form, proof: request.headers.get('dpop') });
      try {
        return await post(request, path, form);
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error;
        const body = { error: error.error, error_description: error.message };
        return Response.json(body, { status: 400, headers: error.headers });
      }
    },
    register({ thumbprint, algorithm, jwk }) {
      registered.set(thumbprint, { ...jwk, kid: thumbprint, alg: algorithm, use: 'sig' });
    },
    unregister: (kid) => registered.delete(kid),
    authorize(authorizationUrl, change = {}) {
      const { searchParams } = new URL(authorizationUrl);
      const request = pushed.get(searchParams.get('request_uri') ?? '');
      if (!request) throw new Error('unknown request_uri');
      const code = canary('code');
      codes.set(code, {
        clientId,
        scope: request['scope'] ?? '',
        ...(request['dpop_jkt'] === undefined ? {} : { jkt: request['dpop_jkt'] }),
        redirectUri: request['redirect_uri'] ?? '',
        challenge: request['code_challenge'] ?? '',
        ...(request['nonce'] === undefined ? {} : { nonce: request['nonce'] }),
        sub: 'person-1',
      });
      const answer = { code, state: request['state'], iss: issuer, ...change };
      return new URLSearchParams(
        Object.entries(answer).filter((pair): pair is [string, string] => pair[1] !== undefined),
      );
    },
    async rotateKey() {
      rotations += 1;
      key = await keyNumber(rotations, profile.idTokenAlgorithm);
    },
    signLogoutToken(claims = {}, header = {}) {
      const all = {
        iss: issuer,
        aud: clientId,
        sub: 'person-1',
        sid: 'sid-1',
        jti: randomUUID(),
        iat: seconds(),
        exp: seconds() + 60,
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        ...claims,
      };
      return new SignJWT(JSON.parse(JSON.stringify(all)))
        .setProtectedHeader({ alg: profile.idTokenAlgorithm, kid: key.kid, typ: 'logout+jwt', ...header })
        .sign(key.privateKey);
    },
    expireNonces() {
      nonces = new Set();
    },
  };
  return fake;
}

type IssuerKey = Awaited<ReturnType<typeof makeKey>>;

/** Making RSA keys is slow: the issuers of one process have the same ones, one after the other. */
const made = new Map<string, Promise<IssuerKey>>();

function keyNumber(number: number, alg: string): Promise<IssuerKey> {
  const key = made.get(`${alg} ${number}`) ?? makeKey(alg);
  made.set(`${alg} ${number}`, key);
  return key;
}

async function makeKey(alg: string): Promise<{ kid: string; jwk: JWK; privateKey: CryptoKey }> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { modulusLength: 2048 });
  const kid = randomUUID();
  return { kid, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }, privateKey };
}
