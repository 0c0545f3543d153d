import { createHash } from 'node:crypto';
import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { pushAuthorizationRequest } from '@helseid-zones/client/authorization-request';
import { revokeToken, validateLogoutToken } from '@helseid-zones/client/logout';
import { getAccessToken } from '@helseid-zones/client/machine-token';
import { createSelfService } from '@helseid-zones/client/self-service';
import { createTokenClient } from '@helseid-zones/client/token-client';
import type { AccessToken, TokenSource } from '@helseid-zones/client/tokens';
import { exchangeToken, redeemCode, refreshTokens } from '@helseid-zones/client/user-tokens';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import fc from 'fast-check';
import { fetchSummary } from '../../functions/summary/fetch-summary.ts';
import { CANARIES, canary, plant } from '../canaries.ts';
import { API, CLIENT_ID, ISSUER, makeWorld, type World } from '../client/make-client.ts';
import { createDirectNetwork } from '../fakes/network.ts';
import { apply, broken, change, kind, nasty, nastyText, refuseLeak, seldom } from './hostile.ts';

/** What a hostile server makes of one of its good answers. */
type Twist = typeof TWIST extends fc.Arbitrary<infer T> ? T : never;

const HEADERS = [
  ['dpop-nonce', CANARIES.code],
  ['dpop-nonce', 'x'.repeat(5000)],
  ['www-authenticate', `DPoP error="use_dpop_nonce", error_description="${CANARIES.proof}"`],
  ['www-authenticate', 'DPoP error="invalid_token", Bearer realm=", x'],
  ['content-type', 'text/html'],
  ['content-type', `application/json; charset=${'x'.repeat(300)}`],
  ['location', 'https://evil.test/'],
  ['location', '//[::1'],
] as const;

const TWIST = fc.record({
  status: fc.constantFrom(
    ...Array.from<undefined>({ length: 12 }),
    200,
    200,
    201,
    302,
    400,
    400,
    401,
    403,
    404,
    429,
    500,
    503,
  ),
  headers: fc.array(fc.constantFrom(...HEADERS), { maxLength: 2 }),
  changes: fc.array(change, { maxLength: 3 }),
  /** In place of the body. */
  text: seldom(fc.oneof(nastyText, fc.constantFrom('{"error":', '['.repeat(50_000), '{"error":"x"}')), 8),
  /** Repeats what it was sent, or a secret of its own, in a member of an OAuth error or a problem. */
  echo: seldom(
    fc.record({
      what: fc.constantFrom('client_assertion', 'dpop', 'refresh_token', 'code', 'authorization', 'pid'),
      as: fc.constantFrom(undefined, 'hex', 'base64', 'base64url'),
      member: fc.constantFrom(
        'error',
        'error_description',
        'title',
        'type',
        'token_type',
        'scope',
        'access_token',
      ),
    }),
    5,
  ),
  endless: fc.nat(60).map((at) => at === 60),
});

const MEBIBYTE = 2 ** 20;

async function twisted(
  request: Request,
  form: URLSearchParams,
  good: Response,
  twist: Twist,
): Promise<Response> {
  const { status = good.status, headers = [], changes = [], text, echo, endless } = twist;
  const all = new Headers(good.headers);
  for (const [name, value] of headers) all.set(name, value);
  if (endless) {
    let sent = 0;
    const pull = (controller: ReadableStreamDefaultController) => {
      sent += 65_536;
      if (sent > 4 * MEBIBYTE) broken('more than 4 MiB of an answer are read');
      controller.enqueue(new Uint8Array(65_536).fill(32));
    };
    return new Response(new ReadableStream({ pull }), { status, headers: all });
  }
  let body = text ?? (await good.text());
  if (text === undefined && changes.length > 0 && body !== '')
    body = JSON.stringify(changes.reduce(apply, JSON.parse(body)));
  if (echo) {
    const said = form.get(echo.what) ?? request.headers.get(echo.what) ?? CANARIES.nationalIdentityNumber;
    const encoded = echo.as ? Buffer.from(said).toString(echo.as) : said;
    body = JSON.stringify({ error: 'x', [echo.member]: `invalid: ${encoded}` });
  }
  return new Response(body === '' ? null : body, { status, headers: all });
}

let world: World;
let age = 0;
let token: AccessToken | undefined;
let told: unknown[] = [];
const heard = { twist: {} as Twist, path: '', seen: 0 };

/** A client in a world whose `path` answers as a twist says; made anew now and then, for what it remembers. */
async function clientWith(path: string, twist: Twist) {
  if (age % 200 === 0) {
    const network = createDirectNetwork();
    world = await makeWorld({ network });
    token = undefined;
    const listed = [{ kid: 'k-1', expiration: '2027-01-01T00:00:00Z' }];
    world.api.behaviour.answer = ({ url }) =>
      Response.json(url.endsWith('client-secret') ? listed : { id: 's1', title: 'A summary' });
    const { fetch } = network;
    network.fetch = async (input, init) => {
      const good = await fetch(input, init);
      if (heard.path !== new URL(input).pathname.split('/').at(-1)) return good;
      heard.seen += 1;
      if (heard.seen > 6) broken('a storm of requests');
      const form = new URLSearchParams(String(init?.body ?? ''));
      const assertion = form.get('client_assertion')?.split('.')[2];
      if (assertion) plant('assertion’s signature', assertion);
      const proof = new Headers(init?.headers).get('dpop')?.split('.')[2];
      if (proof) plant('proof’s signature', proof);
      return twisted(new Request(input, init), form, good, heard.twist);
    };
  }
  age += 1;
  const hostile = () => void Object.assign(heard, { path, twist, seen: 0 });
  Object.assign(heard, { path: '' });
  told = [];
  const { signer, network, clock } = world;
  const base = { client: 'journal', clientId: CLIENT_ID, issuer: ISSUER, profile: helseIdProfile };
  const client = createTokenClient({
    ...base,
    signer,
    now: () => clock.now,
    report: (...figures) => void told.push(figures),
    fetch: (...call) => network.fetch(...call),
  });
  return { client, hostile };
}

type Client = Awaited<ReturnType<typeof clientWith>>['client'];

/** One token for all calls of a world: making one takes longer than calling. */
async function tokenOf(client: Client): Promise<TokenSource> {
  token ??= await getAccessToken(client);
  const known = token;
  return { get: async () => known, renew: async () => undefined };
}

const [codeVerifier, redirectUri, state, nonce] = ['v'.repeat(43), 'https://a.test/callback', 's', 'n'];

/** Pushes an authorization request. */
function push(client: Client) {
  const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
  return pushAuthorizationRequest(client, { redirectUri, codeChallenge, scope: 'openid', state, nonce });
}

/** Begins a login and has the person come back; calls `between` meanwhile. */
async function logIn(client: Client, between = () => {}) {
  const pushed = await push(client);
  const parameters = world.issuer.authorize(pushed.authorizationUrl);
  between();
  return redeemCode(client, { redirectUri, codeVerifier, state, nonce, parameters, binding: pushed.binding });
}

/** What is asked of an issuer or an API, and the endpoint that answers it. */
const OPERATIONS: Readonly<
  Record<string, readonly [path: string, run: (client: Client, hostile: () => void) => Promise<unknown>]>
> = {
  token: ['token', (client) => getAccessToken(client, { scopes: ['a'] })],
  metadata: ['openid-configuration', (client) => getAccessToken(client, { scopes: ['a'] })],
  refresh: [
    'token',
    async (client, hostile) => {
      const { refreshToken = '' } = await logIn(client);
      hostile();
      return refreshTokens(client, { refreshToken });
    },
  ],
  exchange: [
    'token',
    async (client, hostile) => {
      const { accessToken: subjectToken } = await getAccessToken(client, { scopes: ['b'] });
      hostile();
      return exchangeToken(client, { subjectToken });
    },
  ],
  push: ['par', push],
  redeem: ['token', (client, hostile) => logIn(client, hostile)],
  revoke: ['revocation', (of) => revokeToken(of, { token: canary('refreshToken'), hint: 'refresh_token' })],
  keys: [
    'jwks',
    async (client) => validateLogoutToken(client, await world.issuer.signLogoutToken(), async () => true),
  ],
  api: [
    'x',
    async (client) => (await createApiFetch(client, await tokenOf(client))(`${API}/x`)).body?.cancel(),
  ],
  summary: [
    's1',
    async (client) => {
      const call = createApiFetch(client, await tokenOf(client));
      return fetchSummary((path, init) => call(`${API}${path}`, init), {
        pathParameters: { id: 's1' },
      } as never);
    },
  ],
  selfService: [
    'client-secret',
    async (client) => {
      const fetch = createApiFetch(client, await tokenOf(client));
      // A key is told by the kid that HelseID has for it, whatever that is: no other text of the answer is.
      const audit = (code: string, { kid: _, ...facts }: object & { kid?: unknown }) =>
        void told.push([code, facts]);
      return createSelfService({ baseUrl: API, body: 'object', fetch, audit }).listKeys();
    },
  ],
};

/** Those that begin with something that is answered well. */
const LATER = ['refresh', 'exchange', 'redeem'];

/** Claims that an issuer may write into a token that it signs, right somewhere or nowhere. */
const CLAIMS = fc.dictionary(
  fc.constantFrom(
    'iss',
    'sub',
    'aud',
    'azp',
    'exp',
    'iat',
    'nbf',
    'nonce',
    'sid',
    'jti',
    'auth_time',
    'events',
    'name',
    'helseid://claims/identity/pid',
    'helseid://claims/identity/security_level',
    '__proto__',
  ),
  fc.oneof(
    nasty,
    fc.constantFrom<unknown>(
      ISSUER,
      CLIENT_ID,
      [CLIENT_ID],
      [CLIENT_ID, 'x'],
      'n',
      1_790_000_100,
      1_700_000_000,
    ),
  ),
  { minKeys: 1, maxKeys: 2 },
);

/** What an ID token or a logout token must say to be taken, said anew. */
const DEMANDED: Readonly<Record<string, (value: unknown) => boolean>> = {
  iss: (value) => value === ISSUER,
  aud: (value) => [value].flat().includes(CLIENT_ID),
  exp: (value) => typeof value === 'number' && value > 1_789_999_900,
};

/** Tokens that the issuer signs over whatever it likes; `more` must hold as well of what is taken. */
const signed = (
  name: string,
  run: (client: Client, claims: Record<string, unknown>) => Promise<unknown>,
  more: typeof DEMANDED,
) =>
  kind({
    name: `answers-${name}`,
    share: 1,
    cases: CLAIMS,
    async run(claims) {
      const { client } = await clientWith('', {} as Twist);
      await run(client, claims).finally(() => Object.assign(world.issuer.behaviour, { idToken: {} }));
      for (const [claim, right] of Object.entries({ ...DEMANDED, ...more }))
        if (Object.hasOwn(claims, claim) && !right(claims[claim]))
          broken(`taken with the ${claim} ${JSON.stringify(claims[claim])?.slice(0, 100)}`);
      refuseLeak(told, 'a figure');
      return 'taken';
    },
    reached: ['taken'],
  });

/** What issuers sign. */
const SIGNED = [
  signed(
    'idToken',
    (client, claims) => {
      world.issuer.behaviour.idToken = claims;
      return logIn(client);
    },
    { nonce: (value) => value === nonce, sub: (value) => typeof value === 'string' },
  ),
  signed(
    'logoutToken',
    async (client, claims) => {
      // What no library signs is nobody's.
      const sign = async () => world.issuer.signLogoutToken(claims);
      const token = await sign().catch(() => 'not to be signed');
      return validateLogoutToken(client, token, async () => true);
    },
    { nonce: () => false, events: (value) => typeof value === 'object' },
  ),
];

/** What issuers and APIs answer. */
const ANSWERED = Object.entries(OPERATIONS).map(([name, [path, run]]) =>
  kind({
    name: `answers-${name}`,
    // Those with a login take long.
    share: ['redeem', 'refresh', 'exchange', 'push'].includes(name) ? 1 : 2,
    cases: TWIST,
    async run(twist) {
      const { client, hostile } = await clientWith(path, twist);
      if (!LATER.includes(name)) hostile();
      try {
        await run(client, hostile);
        return 'done';
      } finally {
        refuseLeak(told, 'the audit or a figure');
      }
    },
    reached: ['done'],
  }),
);

/** What comes from issuers and APIs. */
export const ANSWERS = [...ANSWERED, ...SIGNED];
