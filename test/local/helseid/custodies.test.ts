import tls from 'node:tls';
import {
  createApiFetch,
  createTokenClient,
  createTransaction,
  exchangeToken,
  getAccessToken,
  helseIdProfile,
  machineTokens,
  pushAuthorizationRequest,
  redeemCode,
  refreshTokens,
  type Signer,
  type TokenClient,
} from '@helseid-zones/client';
import type { AwsCaller } from '@helseid-zones/client/aws';
import {
  addKey,
  CUSTODIES,
  type CustodyOptions,
  openClientKeys,
  openCustody,
  rotateKey,
} from '@helseid-zones/client/custody';
import { createLog } from '@helseid-zones/client/log';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { decodeJwt } from 'jose';
import { afterAll, describe, expect, test } from 'vitest';
import { TEST_USERS } from '../../../local/helseid/users.ts';
import { SCOPE, startPatternWorld } from '../../../local/patterns/stand-in.ts';
import { failure } from '../../client/make-client.ts';
import { CUSTODIES_UNDER_TEST, type CustodyUnderTest, registrable } from '../../fakes/custodies.ts';
import { FULL } from '../../full.ts';
import { newFolder } from '../../temporary.ts';
import { browse } from './wire.ts';

// Each custody with each flow against the stand-in: the code of the flows is one, and never asks where the key is.
const CALLBACK = 'http://localhost:3999/callback';
const CHILD = '974760673';
const CHILD_CLAIM = 'helseid://claims/client/claims/orgnr_child';
const details = [{ type: 'helseid_authorization' as const, child: CHILD }];
const user = TEST_USERS[0]?.sub ?? '';
const names = Object.keys(CUSTODIES_UNDER_TEST);
/** The registration of a client whose keys a function keeps. */
const KEPT = 'client-kept';
const clientIdOf = (scheme: string) => `client-${scheme.replace(':', '')}`;

const world = await startPatternWorld(newFolder(), [...names.map(clientIdOf), KEPT], CALLBACK);
tls.setDefaultCACertificates([...tls.getCACertificates('default'), world.certificate.cert]);

afterAll(() => world.close());

interface Cell {
  custody: CustodyUnderTest;
  /** As it is to be opened now. */
  options(): CustodyOptions;
  open(): Promise<TokenClient>;
}

async function startCell(scheme: string): Promise<Cell> {
  const custody = await (CUSTODIES_UNDER_TEST[scheme] ?? fail)();
  const clientId = clientIdOf(scheme);
  const { issuer } = world;
  const subject = { clientId, issuer, tenancy: 'single-tenant', profile: helseIdProfile } as const;
  const base = { client: 'journal', zone: 'surgery', subject, algorithm: 'ES256' } as const;
  const options = () => ({ ...base, ...custody.place() });
  await custody.makeKey({ ...base, ...custody.place() });
  for (const jwk of await registrable(options())) world.register(clientId, jwk);
  return {
    custody,
    options,
    async open() {
      return clientOf(options(), (await openCustody(options())).signer);
    },
  };
}

const fail = (): never => {
  throw new Error('no such custody');
};

const request = () => ({ scopes: world.scopes, details });

async function call(client: TokenClient, tokens = machineTokens(client, request())): Promise<unknown> {
  const response = await createApiFetch(client, tokens)(world.api);
  return { status: response.status, ...((await response.json()) as object) };
}

async function logIn(client: TokenClient) {
  const { nonce, state, codeVerifier, codeChallenge } = await createTransaction();
  const sent = { redirectUri: CALLBACK, state, nonce };
  const pushed = await pushAuthorizationRequest(client, { ...sent, scope: SCOPE, codeChallenge });
  const { searchParams: parameters } = await browse(pushed.authorizationUrl, user);
  return redeemCode(client, { ...sent, parameters, codeVerifier, binding: pushed.binding });
}

const rotation = () => ({ selfService: world.selfService, propagation: 0, wait: async () => {} });

const FLOWS: Readonly<Record<string, (cell: Cell) => Promise<void>>> = {
  async 'client credentials'(cell) {
    const { accessToken, binding } = await getAccessToken(await cell.open(), request());
    expect(decodeJwt(accessToken)).toMatchObject({ cnf: { jkt: binding.jkt }, [CHILD_CLAIM]: CHILD });
    expect(binding.kid).toBe((await registrable(cell.options()))[0]?.kid);
  },
  async code(cell) {
    const tokens = await logIn(await cell.open());
    expect(tokens.idTokenClaims.sub).toBe(user);
    expect(decodeJwt(tokens.accessToken)).toMatchObject({ cnf: { jkt: tokens.binding.jkt } });
  },
  async refresh(cell) {
    const client = await cell.open();
    const { refreshToken = '', idTokenClaims } = await logIn(client);
    const tokens = await refreshTokens(client, { refreshToken, details, expected: idTokenClaims });
    expect(decodeJwt(tokens.accessToken)).toMatchObject({ sub: user, [CHILD_CLAIM]: CHILD });
  },
  async exchange(cell) {
    const client = await cell.open();
    const { accessToken } = await logIn(client);
    const exchanged = await exchangeToken(client, { subjectToken: accessToken, ...request() });
    expect(decodeJwt(exchanged.accessToken)).toMatchObject({ cnf: { jkt: exchanged.binding.jkt } });
    expect(await call(client, { get: async () => exchanged, renew: async () => undefined })).toMatchObject({
      status: 200,
    });
  },
  async 'API call'(cell) {
    expect(await call(await cell.open())).toMatchObject({ status: 200, caller: { child: CHILD } });
  },
  async rotation(cell) {
    const client = await cell.open();
    const before = await getAccessToken(client, request());
    if (CUSTODIES[cell.custody.scheme].rotate) {
      const kid = await rotateKey(cell.options(), client, rotation());
      expect(kid).not.toBe(before.binding.kid);
      expect((await getAccessToken(await cell.open(), request())).binding.kid).toBe(kid);
    } else {
      await failure(rotateKey(cell.options(), client, rotation()), 'custody_refused');
      await cell.custody.makeKey(cell.options());
      const [, next] = await registrable(cell.options());
      world.register(client.clientId, next ?? {});
      const { signer } = await openCustody(cell.options());
      const [signature] = await signer.sign([
        { kind: 'client_assertion', client: 'journal', issuer: world.issuer, key: 'newest' },
      ]);
      expect(signature?.kid).toBe(next?.kid);
    }
    // The token of the old key is used on, by a program that has just started as well.
    const started = await cell.open();
    expect(await call(started, { get: async () => before, renew: async () => undefined })).toMatchObject({
      status: 200,
    });
  },
  async 'wrong key'(cell) {
    const other = await CUSTODIES_UNDER_TEST[cell.custody.scheme]?.();
    await cell.custody.lose();
    await other?.makeKey({ ...cell.options(), ...other.place() });
    const { signer } = await openCustody({ ...cell.options(), ...other?.place() });
    const error = await failure(getAccessToken(clientOf(cell.options(), signer), request()), 'token_refused');
    expect(error.facts).toMatchObject({ error: 'invalid_client' });
  },
  async 'key gone'(cell) {
    const { signer } = await openCustody(cell.options());
    await cell.custody.lose();
    const gone = await openCustody(cell.options()).then(
      (custody) => custody.signer,
      () => signer,
    );
    const code = cell.custody.scheme === 'awskms:' ? 'key_not_usable' : 'custody_unavailable';
    await failure(getAccessToken(clientOf(cell.options(), gone), request()), code);
  },
};

function clientOf({ client, subject }: CustodyOptions, signer: Signer): TokenClient {
  const { clientId, issuer, profile } = subject;
  return createTokenClient({ client, clientId, issuer, profile, signer });
}

test('every custody that there is has its row, that of a PKCS#11 token in npm run test:hsm', () => {
  expect([...new Set([...names, 'pkcs11:'])].sort()).toEqual(Object.keys(CUSTODIES).sort());
});

/** The flows that ask more of a custody than a signature. */
const OF_THE_KEY = ['rotation', 'wrong key', 'key gone'];

// In full, and thus in .ci/run, each with each. PostgreSQL in this process takes seconds to start.
describe.each(names.filter((scheme) => FULL || scheme !== 'postgres:'))('%s', (scheme) => {
  const whole = FULL || scheme === 'file:';
  test.each(whole ? Object.keys(FLOWS) : OF_THE_KEY)('%s', async (flow) => {
    const cell = await startCell(scheme);
    await FLOWS[flow]?.(cell);
  });
});

describe('rotation of a key that a program makes itself', () => {
  const kidsOf = async (cell: Cell) => (await registrable(cell.options())).map(({ kid }) => kid);

  test('that two begin at once replaces the key once', async () => {
    const cell = await startCell('file:');
    const [old] = await kidsOf(cell);
    const client = await cell.open();
    const kids = await Promise.all([1, 2, 3].map(() => rotateKey(cell.options(), client, rotation())));
    expect(new Set(kids).size).toBe(1);
    expect(await kidsOf(cell)).toEqual([kids[0], old]);
  });

  test('goes on with the key that a killed run has left', async () => {
    const cell = await startCell('file:');
    const { change } = await openCustody(cell.options());
    const left = (await change((ring) => addKey(ring, 'ES256'))).keys.at(-1)?.kid;
    expect(await rotateKey(cell.options(), await cell.open(), rotation())).toBe(left);
  });

  test('waits until HelseID honours the new key, and signs with the old one meanwhile', async () => {
    const cell = await startCell('file:');
    const [old] = await kidsOf(cell);
    world.behaviour.propagation = 1;
    const during: (string | undefined)[] = [];
    const wait = async (seconds: number) => {
      during.push((await getAccessToken(await cell.open(), request())).binding.kid);
      if (seconds > 0) await new Promise((resolve) => setTimeout(resolve, 1100));
    };
    try {
      const kid = await rotateKey(cell.options(), await cell.open(), { ...rotation(), wait });
      expect((await getAccessToken(await cell.open(), request())).binding.kid).toBe(kid);
      expect(new Set(during)).toEqual(new Set([old]));
    } finally {
      world.behaviour.propagation = 0;
    }
  });

  test('that HelseID refuses leaves the old key current', async () => {
    const cell = await startCell('file:');
    const [old] = await kidsOf(cell);
    const selfService = { ...world.selfService, baseUrl: `${world.selfService.baseUrl}/elsewhere` };
    const rotated = rotateKey(cell.options(), await cell.open(), { ...rotation(), selfService });
    await failure(rotated, 'self_service_refused');
    expect((await kidsOf(cell))[0]).toBe(old);
    expect(await call(await cell.open())).toMatchObject({ status: 200 });
  });
});

describe('keys that a function keeps', () => {
  const waited: number[] = [];
  const times = { wait: async (seconds: number) => void waited.push(seconds) };

  async function startKept() {
    const custody = await (CUSTODIES_UNDER_TEST['secretsmanager:'] ?? fail)();
    const { uri, aws = fail() } = custody.place();
    const [waits, current]: [unknown[], unknown[]] = [[], []];
    let dies = false;
    const caller: AwsCaller = {
      ...aws,
      async json(request) {
        const answer = await aws.json(request);
        if (!(dies && request.target.endsWith('UpdateSecretVersionStage'))) return answer;
        dies = false;
        throw new ZonesError('aws_unavailable', 'once it was stored');
      },
    };
    const { issuer } = world;
    const subject = { clientId: KEPT, issuer, tenancy: 'single-tenant', profile: helseIdProfile } as const;
    const selfService = { ...world.selfService, audience: 'nhn:selvbetjening' };
    const open = (system = 'surgery') =>
      openClientKeys(
        {
          system,
          name: 'reports',
          aws: caller,
          variable: () => uri.replace('secretsmanager:///', ''),
          clientKeys: {
            reporting: { ...subject, algorithm: 'ES256', selfService, apis: {}, propagation: 17 },
          },
          log: createLog({
            service: 'surgery',
            env: {},
            write(line) {
              const { code, jwk, kid } = JSON.parse(line);
              if (code === 'KEY_CURRENT') current.push(kid);
              if (code === 'ROTATION_WAITS_FOR_REGISTRATION') waits.push(jwk.kid);
            },
          }),
        },
        'reporting',
      );
    const options = { uri, aws, client: 'reporting', zone: 'surgery/reports', subject } as const;
    return {
      open,
      waits,
      current,
      makeKey: () => custody.makeKey({ ...options, algorithm: 'ES256' }),
      die: () => {
        dies = true;
      },
    };
  }

  test('are told of until the first is registered, also when who made it has died; until then there is one', async () => {
    const { open, waits, current, die } = await startKept();
    die();
    await failure(open().rotate(times), 'custody_unavailable');
    const [first] = await open().publicKeys();
    expect([first?.kid, waits]).toEqual([expect.any(String), []]);
    for (const told of [[first?.kid], [first?.kid, first?.kid]]) {
      await failure(open().rotate(times), 'token_refused');
      expect(waits).toEqual(told);
      expect(await open().publicKeys()).toHaveLength(1);
    }
    world.register(KEPT, first ?? {});
    const kids = (await open().rotate(times)).map(({ kid }) => kid);
    expect([kids, waits.length]).toEqual([[expect.not.stringContaining(first?.kid ?? ''), first?.kid], 2]);
    expect(current).toEqual([kids[0]]);
    // As declared, between the two proofs of the new key.
    expect(waited.slice(-3)).toEqual([0, 17, 0]);
  });

  test('are told of where HelseID knows the current one no more, and there is a next', async () => {
    const { open, waits, makeKey } = await startKept();
    for (const _ of [1, 2]) await makeKey();
    const [current] = await open().publicKeys();
    await failure(open().rotate(times), 'token_refused');
    expect(waits).toEqual([current?.kid]);
  });

  test('are refused to a zone of the same name in another system', async () => {
    const { open } = await startKept();
    const [first] = await open().rotate(times);
    expect((await open().publicKeys()).map(({ kid }) => kid)).toEqual([first?.kid]);
    await failure(open('other').publicKeys(), 'custody_shared');
  });
});
