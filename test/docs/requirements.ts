/** A requirement, how the system meets it, and the tests that show it: test file to titles as they stand there. */
export interface Requirement {
  id: string;
  demands: string;
  met: string;
  /** Empty only where `open` says what is left to whoever deploys. */
  shown: Readonly<Record<string, readonly string[]>>;
  open?: string;
}

/** How the patterns within one network meet a requirement, where the row of its number tells of the deployed system. */
export interface PatternRow {
  ids: string;
  richClient: string;
  sharedBackend: string;
  distributed: string;
}

const SAME = { richClient: 'as above: `client/`', sharedBackend: 'the same', distributed: 'the same' };
const NO_LOGIN = 'no login: machine tokens; a login as in rich-client, or by `functions/`';

/** The rows of docs/patterns.md's three patterns; cross-zone is every row before. */
export const PATTERN_ROWS: readonly PatternRow[] = [
  {
    ids: 'SK1',
    richClient:
      'outgoing https only, in metadata too; the redirect to this machine is plain http on the loopback interface (RFC 8252 8.3)',
    sharedBackend:
      'outgoing the same; TLS to the database by its URI; TLS to workstations is the enterprise’s',
    distributed: 'outgoing the same; incoming TLS ends at the ingress',
  },
  { ids: 'SK2, SK6', ...SAME },
  {
    ids: 'SK3',
    richClient: 'each machine is a client of its own, with its own key',
    sharedBackend: 'the backend is the client',
    distributed: 'the service is the client',
  },
  {
    ids: 'SK4, SK5',
    richClient: 'encrypted file, this user’s alone; refused to another zone, client or issuer',
    sharedBackend: 'encrypted row; the envelope key is the backend’s alone; refused the same',
    distributed:
      'encrypted secret that pods mount by their group, or on AWS one of Secrets Manager that IAM gives one function; refused the same',
  },
  {
    ids: 'SK7, SK8',
    richClient:
      'tokens are in the local database of the machine, a file of this user; the program uses them, the person sees none',
    sharedBackend: 'tokens stay in the backend’s memory',
    distributed: 'tokens stay in the pod’s memory',
  },
  {
    ids: 'SK10',
    richClient: 'yours, beside what `client/` does: the example is small on purpose',
    sharedBackend: 'the same; who may ask the backend is yours to decide',
    distributed: 'the same; the manifests run without privileges, behind a network policy',
  },
  {
    ids: 'SB1 to SB4, SB6',
    richClient: 'as above, with the system’s browser and a loopback redirect (RFC 8252)',
    sharedBackend: NO_LOGIN,
    distributed: NO_LOGIN,
  },
  {
    ids: 'SB5',
    richClient: 'a refresh must be of the same person; a system with users of its own puts in its own rule',
    sharedBackend: NO_LOGIN,
    distributed: NO_LOGIN,
  },
  { ids: 'FK1, FK2, FK3, FK5', ...SAME },
  {
    ids: 'FK4',
    richClient: 'the machine’s clock: keep it synchronised',
    sharedBackend: 'the backend’s',
    distributed: 'the nodes’',
  },
  {
    ids: 'FK6, Conformance testing',
    richClient: '*Open:* yours to do; the issuer is an environment variable',
    sharedBackend: 'the same',
    distributed: 'the same',
  },
  { ids: 'Cryptography, DPoP proofs', ...SAME },
  {
    ids: 'Secrets',
    richClient:
      'the boundary is the machine and its database; a replaced key signs until its tokens are over',
    sharedBackend: 'the boundary is the workstations, the backend and its database; the same',
    distributed: 'the boundary is the closed network; the same',
  },
  {
    ids: 'Keys',
    richClient: '`rotate`, by a schedule of yours',
    sharedBackend: '`rotate` on any backend, under the row’s lock',
    distributed:
      'an administrator rotates, and applies the secret twice; on AWS the function, by its schedule',
  },
  {
    ids: 'Access tokens at an API of your own',
    richClient: 'has no API',
    sharedBackend: '`verifyAccess` of `client/`, where workstations bring HelseID’s tokens',
    distributed: 'the same, where callers do',
  },
];

/** Requirements of one source, in its order. */
export interface Chapter {
  title: string;
  requirements: readonly Requirement[];
}

const SIGN_REQUEST = 'test/functions/signer/sign-request.test.ts';
const COMPOSE = 'test/protocol/compose.test.ts';
const LOGIN = 'test/client/login.test.ts';
const MACHINE = 'test/client/machine-token.test.ts';
const METADATA = 'test/client/metadata.test.ts';
const CALLBACK = 'test/functions/login/callback.test.ts';
const API_FETCH = 'test/client/api-fetch.test.ts';

/** HelseID's requirements as far as they were public when this was written. `docs/requirements.md` is this table. */
export const CHAPTERS: readonly Chapter[] = [
  {
    title: 'Security profile: every client (SK)',
    requirements: [
      {
        id: 'SK1',
        demands: 'TLS 1.2 or newer (1.3 recommended)',
        met: 'Outgoing: only `https` addresses are accepted, in the declaration, in metadata and by the signer; Node 24 offers TLS 1.2 and 1.3. Incoming: API Gateway takes TLS 1.2 or newer with forward secrecy only (`SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09`).',
        shown: {
          'test/infra/declaration/validate.test.ts': [
            'http://documents.example.no',
            'http://helseid-sts.test.nhn.no',
            'http://api.nhn.no',
          ],
          'test/client/metadata.test.ts': ['is http'],
          'test/protocol/url.test.ts': ['http://api.example.no/'],
          'test/infra/proof/mutations/entries.test.ts': ['public: an API without a policy for TLS'],
        },
        open: 'A custom domain name or a CDN before the API has a policy of its own: the proof reads those in the templates only.',
      },
      {
        id: 'SK2',
        demands: '`private_key_jwt` only; `exp` at most 10 s ahead',
        met: '`exp` lies 8 s after the moment of signing, and a signature that took longer than 5 s is not given out.',
        shown: {
          [COMPOSE]: ['an assertion, member by member'],
          [SIGN_REQUEST]: [
            'iat is the time just before signing, jti is new every time',
            'a signature that took %i ms: %s',
          ],
        },
      },
      {
        id: 'SK2',
        demands:
          '`typ` `client-authentication+jwt`; `aud` the issuer as a single string; `iss` = `sub` = client id; fresh `jti`; `nbf`',
        met: 'The signer composes all of it itself; nothing that a zone sends takes the place of one of these.',
        shown: {
          [COMPOSE]: ['an assertion, member by member'],
          'test/functions/signer/composed-only.test.ts': [
            'I3: whatever an intent holds, only what the signer composes is signed, and no kind passes for another',
          ],
          [SIGN_REQUEST]: ['iat is the time just before signing, jti is new every time'],
        },
      },
      {
        id: 'SK3',
        demands: 'Confidential client',
        met: 'Every client authenticates with a key in KMS; there is no other way to authenticate in the code.',
        shown: { [LOGIN]: ['a login: PAR, code, tokens'] },
      },
      {
        id: 'SK4, SK5',
        demands: 'The secret is protected, and used only towards HelseID and for DPoP',
        met: 'The key can’t leave KMS (I1, I5); a signer makes three kinds of token for granted targets and nothing else (I3). One client id has one issuer; a key that can be read out names its own.',
        shown: {
          'test/client/custody/file.test.ts': ['another issuer'],
          'test/functions/signer/composed-only.test.ts': [
            'I3: whatever an intent holds, only what the signer composes is signed, and no kind passes for another',
          ],
          'test/infra/key-policy.test.ts': [
            'lets the account administer: neither sign, nor grant, nor anything by a wildcard',
            'admits signers of this client only, through the signing VPC, for digests and one algorithm',
          ],
          'test/infra/proof/harmless.test.ts': [
            'finds that the shipped boundaries hold, without an exception',
          ],
        },
      },
      {
        id: 'SK6',
        demands: 'DPoP for access tokens to APIs',
        met: 'Every token request carries a proof; any other `token_type` is refused; every call carries a fresh proof with `ath`.',
        shown: {
          [MACHINE]: ['token_type %s is refused and not kept'],
          [LOGIN]: ['a bearer token', 'a token for another key'],
          [API_FETCH]: ['a call carries the token, a fresh proof and the caller’s own parts'],
        },
      },
      {
        id: 'SK7, SK8',
        demands: 'Access tokens in the `Authorization` header only, and never given to the end user',
        met: 'Tokens go out in that header; they stay on the server, sealed under an id that only the browser’s cookie holds (I8).',
        shown: {
          [API_FETCH]: ['a call carries the token, a fresh proof and the caller’s own parts'],
          'test/functions/login/flow.test.ts': ['keeps every token out of answers, logs and the table'],
        },
      },
      {
        id: 'SK10',
        demands: 'Protection against the OWASP Top 10',
        met: 'Access control: by IAM, proved. Cryptography: KMS, `jose`, AES-256-GCM. Injection: pages escape, paths and parameters are parsed. Misconfiguration: cdk-nag and the proof fail a synth. Authentication: cookies, CSRF, session fixation. Logging: I7. SSRF: declared origins only.',
        shown: {
          'test/functions/login-common/page.test.ts': ['escape what is not theirs'],
          'test/functions/login/flow.test.ts': [
            'gives every login a new session id and ends the one before',
            'sets cookies that no script and no other site can use',
          ],
          'test/protocol/check-grant.test.ts': [
            'only a URL of a granted origin, method and pattern ever passes',
          ],
          'test/infra/proof/harmless.test.ts': [
            'finds that the shipped boundaries hold, without an exception',
          ],
        },
        open: 'Dependencies: exact versions and a lockfile; watching for advisories is yours.',
      },
    ],
  },
  {
    title: 'Security profile: clients with user login (SB)',
    requirements: [
      {
        id: 'SB1, SB3',
        demands: '`response_type=code`; PAR',
        met: 'Everything is pushed; the browser carries `client_id` and `request_uri` only.',
        shown: {
          'test/functions/login/begin.test.ts': [
            'pushes everything and sends the browser with client_id and request_uri only',
          ],
        },
      },
      {
        id: 'SB2',
        demands: 'PKCE with S256, unique a request',
        met: 'A new verifier for each login, sealed until the callback.',
        shown: {
          'test/functions/login/begin.test.ts': [
            'pushes everything and sends the browser with client_id and request_uri only',
            'has a PKCE challenge, state and nonce of its own each time',
            'stores nothing that a reader of the table understands',
          ],
        },
      },
      {
        id: 'SB4',
        demands: 'The ID token is validated, its signature included',
        met: 'Signature by the issuer’s key with the profile’s one algorithm, `iss`, `aud`, `exp`, `nonce`, `auth_time` where asked for; security level where demanded.',
        shown: {
          [LOGIN]: ['an ID token with %s is refused'],
          [CALLBACK]: ['refuses an ID token whose signature is %s', 'refuses an ID token with the wrong %s'],
        },
      },
      {
        id: 'SB5',
        demands: 'The local user and HelseID’s user are the same person',
        met: 'A login in a session must bring back the same `iss`, `sub` and `pid`; a system with users of its own puts in its own rule.',
        shown: {
          [CALLBACK]: [
            'refuses a second login with %s, and keeps the first',
            'refuses another person who began before the first had finished, in another tab',
          ],
        },
      },
      {
        id: 'SB6',
        demands: '`iss` in the authorization response equals the issuer (RFC 9207)',
        met: 'Required always.',
        shown: { [LOGIN]: ['an authorization response with %s is refused and nothing is sent'] },
      },
    ],
  },
  {
    title: 'Functional requirements (FK)',
    requirements: [
      {
        id: 'FK1',
        demands: 'A certified OAuth or OpenID Connect library, where one exists for the language',
        met: '`oauth4webapi`, certified by the OpenID Foundation, builds token and authorization requests and reads the answers; client assertions and DPoP proofs are ours, since the key is remote, and `jose` verifies ID and logout tokens ([decision](decisions/library.md)).',
        shown: { [LOGIN]: ['a login: PAR, code, tokens'] },
        open: 'The OpenID Foundation’s list of certified relying parties is the reference for the version you deploy.',
      },
      {
        id: 'FK2',
        demands: 'Metadata is used, and cached for about 24 hours',
        met: 'Every endpoint comes from metadata.',
        shown: { [METADATA]: ['metadata is kept for 24 hours, and read once by many'] },
      },
      {
        id: 'FK3',
        demands: 'Tokens are cached until they expire',
        met: 'By everything that shapes a token; dropped 5 s before expiry.',
        shown: {
          [MACHINE]: [
            'a token is cached by everything that shapes it, whatever the order it was written in',
            'a cached token is used until five seconds before it expires',
          ],
        },
      },
      {
        id: 'FK4',
        demands: 'Synchronised clocks',
        met: 'AWS synchronises Lambda’s; `nbf` lies 5 s back and `exp` 8 s ahead, so that a second of difference breaks neither.',
        shown: { [COMPOSE]: ['an assertion, member by member'] },
      },
      {
        id: 'FK5',
        demands:
          'Fine-grained information for `/token` goes into `assertion_details` in the client assertion',
        met: 'Organisation, journal id and the trust framework’s parameters, as far as the grant allows them.',
        shown: {
          'test/protocol/details.test.ts': ['single-tenant: the child alone, as one object'],
          [COMPOSE]: ['details go by the name each token has for them'],
        },
      },
      {
        id: 'FK6',
        demands: 'Verified against HelseID’s test environment',
        met: '`npm start -- --declaration FILE --no-stand-in` runs the deployed bundles against a real issuer.',
        shown: {},
        open: '**Yours to do**: no call to HelseID was made while this was built.',
      },
    ],
  },
  {
    title: 'Appendices and technical reference',
    requirements: [
      {
        id: 'Cryptography',
        demands: 'PS256, PS384, PS512, ES256, ES384 or ES512; RSA keys of at least 2,048 bits',
        met: 'No other algorithm can be declared or composed for our signatures. HelseID’s own tokens are verified with the one algorithm that the profile names (RS256).',
        shown: {
          'test/protocol/jwk.test.ts': ['RSA below 2048 bits is refused'],
          'test/infra/declaration/validate.test.ts': ['RS256', 'RS512', 'none'],
        },
      },
      {
        id: 'DPoP proofs',
        demands:
          '`typ` `dpop+jwt`, the public key only, `jti`, `htm`, `htu` without query and fragment, `iat`; `nonce` and `ath` where due',
        met: 'Composed by the signer for each attempt.',
        shown: {
          [COMPOSE]: [
            'a proof, member by member: no query, no exp, the key’s public members only',
            'a proof carries nonce and ath where they are given',
          ],
        },
      },
      {
        id: 'Secrets',
        demands: 'The same key as long as the access token is valid',
        met: 'A token is kept with the key it is bound to, and its proofs name that key; a replaced key signs until the last of them has lapsed (I9).',
        shown: {
          [API_FETCH]: ['the proof is signed by the key the token is bound to, also after a rotation'],
          'test/functions/signer/choose-key.test.ts': [
            'I9: a retiring key makes proofs until the last token bound to it has expired, and no longer',
          ],
        },
      },
      {
        id: 'Secrets',
        demands: 'No secret is shared between components of different networks',
        met: 'Each zone has a signer of its own, and no zone has the key; a key that can be read out is refused in a second zone, in the declaration and where it is opened; one that a function keeps is read by that function’s role alone. Whether a KMS key behind several signers counts as shared is [a question for NHN](nhn.md).',
        shown: {
          'test/infra/zones.test.ts': [
            'the endpoint lets through the zone’s own roles, to its own signer, and nothing else',
          ],
          'test/infra/declaration/validate.test.ts': ['file:', 'postgres:', 'secretsmanager:'],
          'test/infra/client-keys.test.ts': [
            'are read and replaced by the function’s role, through the zone’s endpoint, and by nobody else',
            'the same client in a second zone',
          ],
          'test/client/custody/file.test.ts': [
            'a second zone is told the rule and the remedy',
            'another zone',
          ],
        },
      },
      {
        id: 'Keys',
        demands: 'Renewed before HelseID’s expiry date',
        met: 'Rotated on schedule by the self-service API, with the old key until the new one is honoured ([keys.md](keys.md)).',
        shown: {
          'test/rotation/rotation.test.ts': ['replaces the key with traffic running, and notes the expiry'],
          'test/rotation/watch.test.ts': [
            'well before the expiry that HelseID reports, which is read each day',
          ],
        },
        open: 'Without `selfService` in the declaration somebody registers each key by hand.',
      },
      {
        id: 'Access tokens at an API of your own',
        demands:
          'Signature, `typ`, `iss`, the only audience, `exp`, `nbf`, scope, security level, and the DPoP proof with replay check',
        met: "The authorizer that ships with `authorize: 'helseid'`.",
        shown: {
          'test/functions/authorizer/validate-access.test.ts': [
            'signed by another key',
            'an ID token',
            'another issuer',
            'another audience',
            'a second audience',
            'expired',
            'not valid yet',
            'an unbound token',
            'proof by another key',
            'another method',
            'the same request passes once',
          ],
          'test/functions/authorizer/compare-url.test.ts': ['the URL of another path does not'],
          'test/functions/authorizer/fuzz.test.ts': [
            'whatever is sent as token or proof is refused with a code and a challenge, and nothing is remembered',
          ],
        },
      },
      {
        id: 'Conformance testing',
        demands: 'An issuer with a path, as NHN’s test sessions have',
        met: 'Metadata and issuer comparison take one.',
        shown: {
          'test/client/metadata.test.ts': ['another path', 'its issuer with a slash more'],
          'test/infra/declaration/derive.test.ts': ['an issuer with a path is granted by its origin'],
        },
        open: 'The session with NHN is yours: [nhn.md](nhn.md).',
      },
    ],
  },
];
