import { randomUUID } from 'node:crypto';
import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { getAccessToken } from '@helseid-zones/client/machine-token';
import { createSelfService } from '@helseid-zones/client/self-service';
import { createTokenClient } from '@helseid-zones/client/token-client';
import { type ErrorCode, isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { Grant } from '@helseid-zones/protocol/grant';
import type { Intent, Signer, SignResponse } from '@helseid-zones/protocol/intents';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import type { ClientRecord, KeyEntry } from '@helseid-zones/protocol/record';
import { createHelseId, type HelseId } from '../../functions/rotation/helse-id.ts';
import { createKeyReader } from '../../functions/signer/kms.ts';
import { createRecordReader, type ReadRecord } from '../../functions/signer/read-record.ts';
import { chooseKey, createSignRequest } from '../../functions/signer/sign-request.ts';
import type { FakeKms } from '../fakes/kms.ts';
import { FAKE_SECRET_ARN, type FakeSecrets } from '../fakes/secrets.ts';
import {
  FAKE_API,
  FAKE_CLIENT_ID,
  FAKE_ISSUER,
  FAKE_SELF_SERVICE,
  type FakeHelseId,
} from '../fakes/self-service.ts';

/** Who the record belongs to. */
export const OWNER = { client: 'journal', clientId: FAKE_CLIENT_ID, issuer: FAKE_ISSUER };

/** Stands around every call of a function to AWS or by HTTP. */
export type Guard = <T>(name: string, call: () => Promise<T>) => Promise<T>;

/** An access token and the key it is bound to. */
interface BoundToken {
  accessToken: string;
  kid: string;
}

/** What a zone's function does all day. */
interface Traffic {
  zone: string;
  /** A token that nobody has asked for yet. */
  getToken(): Promise<BoundToken>;
  callApi(token: BoundToken): Promise<void>;
}

/** How zones and the admin zone reach HelseID. */
export interface Stack {
  zones: Traffic[];
  helseId(guard: Guard): HelseId;
}

/** What a stack is built on. `now` is epoch seconds. */
export interface Ground {
  now: () => number;
  kms: FakeKms;
  secrets: FakeSecrets;
  helseId: FakeHelseId;
  selfRegistering: boolean;
  body: 'object' | 'string';
}

const ZONES = ['public', 'internal'];

function readRecords({ secrets, now }: Ground): ReadRecord {
  return createRecordReader(
    async () => (await secrets.getSecretValue({ SecretId: FAKE_SECRET_ARN })).SecretString,
    OWNER,
    () => now() * 1000,
  );
}

/** All of it real: token client, signing function, signatures. */
export function fullStack(ground: Ground): Stack {
  const { now, kms, helseId, selfRegistering, body } = ground;
  const milliseconds = () => now() * 1000;

  function createSigner(zone: string): Signer {
    const signRequest = createSignRequest({
      grant: grantOf(zone),
      kms,
      readKey: createKeyReader(kms),
      readRecord: readRecords(ground),
      now: milliseconds,
      randomId: () => randomUUID(),
      audit: () => ({ recordSigned: () => {}, recordRefused: () => {} }),
    });
    return { sign: async (intents) => unwrap(await signRequest({ intents }, 'request')) };
  }

  const admin = createSigner('admin');
  return {
    zones: ZONES.map((zone) => {
      const signer = createSigner(zone);
      const client = createTokenClient({
        ...OWNER,
        signer,
        profile: helseIdProfile,
        fetch: helseId.fetch,
        now: milliseconds,
      });
      return {
        zone,
        async getToken() {
          const { accessToken, binding } = await getAccessToken(client, { scopes: [randomUUID()] });
          return { accessToken, kid: binding.kid };
        },
        async callApi({ accessToken, kid }) {
          const token = { accessToken, binding: { kid, jkt: kid } };
          const source = { get: async () => token, renew: async () => undefined };
          const response = await createApiFetch(client, source)(`${FAKE_API}/documents`);
          if (!response.ok) throw new Error(`status ${response.status}`);
        },
      };
    }),
    helseId: (guard) =>
      createHelseId({
        client: OWNER.client,
        config: { ...OWNER, tenancy: 'single-tenant', profile: helseIdProfile },
        selfService: selfRegistering
          ? { baseUrl: FAKE_SELF_SERVICE, audience: 'a', scope: 's', body }
          : undefined,
        signer: { sign: (intents) => guard('lambda:Invoke', () => admin.sign(intents)) },
        audit: () => {},
        fetch: (input, init) => guard(`${init?.method ?? 'GET'} ${input}`, () => helseId.fetch(input, init)),
        now: milliseconds,
      }),
  };
}

/**
 * The same decisions without signatures and HTTP, for thousands of runs: the signing function's own choice of key from its
 * own cache of the record, and the token client's one question for the newest key. The crash test shows with the full stack
 * that these are the decisions that count.
 */
export function lightStack(ground: Ground): Stack {
  const { now, kms, helseId, body } = ground;

  function createChooser(): (intent: Intent) => Promise<KeyEntry> {
    const read = readRecords(ground);
    return async (intent) => {
      const fresh = intent.kind === 'client_assertion' && intent.key === 'newest';
      const { record, cached } = await read({ fresh });
      const key = await chooseOrReread(record, cached, intent, read);
      if (kms.keys.get(key.keyArn)?.status !== 'Enabled')
        throw new ZonesError('key_not_usable', 'KMS refuses.');
      return key;
    };
  }

  async function chooseOrReread(record: ClientRecord, cached: boolean, intent: Intent, read: ReadRecord) {
    try {
      return chooseKey(record, intent, now() * 1000);
    } catch (error) {
      if (!cached) throw error;
      return chooseKey((await read({ fresh: true })).record, intent, now() * 1000);
    }
  }

  /** A token by the current key, once more by the newest one, or by a pinned one only. */
  async function getToken(choose: (intent: Intent) => Promise<KeyEntry>, kid?: string): Promise<BoundToken> {
    const assertion = { kind: 'client_assertion', client: OWNER.client, issuer: FAKE_ISSUER } as const;
    const pin = kid === undefined ? {} : { kid };
    const proof = await choose({
      kind: 'dpop_proof',
      client: OWNER.client,
      method: 'POST',
      url: FAKE_ISSUER,
      ...pin,
    });
    const first = await choose({ ...assertion, ...pin });
    const accepted =
      helseId.accepts(first.kid) ||
      (kid === undefined && helseId.accepts((await choose({ ...assertion, key: 'newest' })).kid));
    if (!accepted)
      throw new ZonesError('token_refused', 'Refused.', { facts: { error: 'invalid_client', status: 401 } });
    return { accessToken: helseId.issue(proof.kid), kid: proof.kid };
  }

  const admin = createChooser();
  return {
    zones: ZONES.map((zone) => {
      const choose = createChooser();
      return {
        zone,
        getToken: () => getToken(choose),
        async callApi({ accessToken, kid }) {
          const ath = 'x';
          await choose({ kind: 'dpop_proof', client: OWNER.client, method: 'GET', url: FAKE_API, ath, kid });
          if (!helseId.isLive(accessToken)) throw new Error('not alive');
        },
      };
    }),
    helseId: (guard) => ({
      proveKey: (kid) => guard('token', async () => void (await getToken(admin, kid))),
      selfService: (kid) =>
        createSelfService({
          baseUrl: FAKE_SELF_SERVICE,
          body,
          audit: () => {},
          fetch: async (_, init = {}) => {
            await guard('token', () => getToken(admin, kid));
            return guard(`${init.method}`, () =>
              helseId.answerSelfService(init.method ?? 'GET', String(init.body)).catch((cause) => {
                if (isZonesError(cause)) throw cause;
                throw new ZonesError('api_unreachable', 'No answer.', { cause });
              }),
            );
          },
        }),
    }),
  };
}

function unwrap(response: SignResponse) {
  if ('signatures' in response) return response.signatures;
  const { code, message, facts = {} } = response.error;
  throw new ZonesError(code as ErrorCode, message, { facts });
}

function grantOf(zone: string): Grant {
  const target = (origin: string) => ({
    origin,
    methods: ['GET', 'POST'],
    paths: ['/*'],
    ath: origin !== FAKE_ISSUER,
  });
  return {
    version: 1,
    system: 'journal',
    zone,
    ...OWNER,
    tenancy: 'single-tenant',
    profile: helseIdProfile,
    assertions: { details: 'none' },
    proofs: [FAKE_ISSUER, FAKE_API, new URL(FAKE_SELF_SERVICE).origin].map(target),
    requestObjects: false,
  };
}
