import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AwsCaller } from '@helseid-zones/client/aws';
import {
  addKey,
  type CustodyOptions,
  type CustodyScheme,
  type Database,
  KEYS_TABLE,
  openCustody,
} from '@helseid-zones/client/custody';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { JWK } from 'jose';
import { CANARIES } from '../canaries.ts';
import { KINDS, makeToken } from '../hsm/token.ts';
import { newFolder } from '../temporary.ts';
import { createFakeKms } from './kms.ts';
import { createFakeSecrets, FAKE_SECRET_ARN } from './secrets.ts';

/** A custody under test, and what becomes of its keys. */
export interface CustodyUnderTest {
  scheme: CustodyScheme;
  /** Of the keys there are: another URI once KMS has one more. */
  place(): Pick<CustodyOptions, 'uri' | 'passphrase' | 'aws' | 'database'>;
  /** Makes a key as its administrator does; the newest. */
  makeKey(options: CustodyOptions): Promise<void>;
  /** Takes the keys away. */
  lose(): Promise<void>;
}

const PASSPHRASE = CANARIES.passphrase;
const passphrase = () => PASSPHRASE;

async function makeRingKey(options: CustodyOptions): Promise<void> {
  const custody = await openCustody(options);
  await custody.change((ring) => addKey(ring, options.algorithm));
}

function fileCustody(): CustodyUnderTest {
  const path = join(newFolder(), 'key.pem');
  return {
    scheme: 'file:',
    makeKey: makeRingKey,
    place: () => ({ uri: pathToFileURL(path).href, passphrase }),
    lose: async () => rmSync(path),
  };
}

type Pglite = Database & { exec(sql: string): Promise<unknown>; close(): Promise<void> };

let pglite: Promise<Pglite> | undefined;

/** PostgreSQL in this process, one for all tests of a process, since it takes seconds to start: its table is new. */
export async function openPglite(): Promise<Pglite> {
  // By a name that TypeScript does not follow: it is needed where this is run only.
  const name: string = '@electric-sql/pglite';
  pglite ??= import(name).then(({ PGlite }) => PGlite.create());
  const database = await pglite;
  await database.exec(`DROP TABLE IF EXISTS helseid_keys; ${KEYS_TABLE}`);
  return database;
}

async function postgresCustody(): Promise<CustodyUnderTest> {
  const database = await openPglite();
  return {
    scheme: 'postgres:',
    makeKey: makeRingKey,
    place: () => ({ uri: 'postgres://db/journal', passphrase, database }),
    lose: async () => void (await database.exec('DELETE FROM helseid_keys')),
  };
}

function secretCustody(): CustodyUnderTest {
  const secrets = createFakeSecrets('\n');
  let lost = false;
  const aws = callerOf('secretsmanager', async (operation, input) => {
    if (lost) throw Object.assign(new Error(operation), { name: 'ResourceNotFoundException' });
    const method = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}` as 'getSecretValue';
    return secrets[method](input as never);
  });
  return {
    scheme: 'secretsmanager:',
    makeKey: makeRingKey,
    place: () => ({ uri: `secretsmanager:///${FAKE_SECRET_ARN}`, aws }),
    async lose() {
      lost = true;
    },
  };
}

function kmsCustody(): CustodyUnderTest {
  const kms = createFakeKms();
  const arns: string[] = [];
  const aws = callerOf('kms', async (operation, input) => {
    const { GetPublicKeyCommand, SignCommand } = await import('@aws-sdk/client-kms');
    if (operation === 'GetPublicKey') return kms.send(new GetPublicKeyCommand(input as { KeyId: string }));
    const { Message, ...rest } = input as {
      Message: string;
      KeyId: string;
      SigningAlgorithm: 'ECDSA_SHA_256';
    };
    return kms.send(
      new SignCommand({ ...rest, MessageType: 'DIGEST', Message: Buffer.from(Message, 'base64') }),
    );
  });
  return {
    scheme: 'awskms:',
    place: () => ({ uri: `awskms:///${arns.join(',')}`, aws }),
    makeKey: async ({ algorithm }) => void arns.push(kms.addKey(algorithm).arn),
    lose: async () => {
      for (const arn of arns) kms.setState(arn, 'Disabled');
    },
  };
}

let token: ReturnType<typeof makeToken> | undefined;
let made = 0;

/** Keys in SoftHSM 2, all in one token, since its settings are the process's. */
function tokenCustody(): CustodyUnderTest {
  token ??= makeToken(newFolder());
  const { uri, makeKey, tool } = token;
  const ids: string[] = [];
  return {
    scheme: 'pkcs11:',
    place: () => ({ uri: ids.map((id) => uri(`id=%${id.slice(0, 2)}%${id.slice(2)}`)).join(' ') }),
    async makeKey({ algorithm }) {
      made += 1;
      const id = made.toString(16).padStart(4, '0');
      makeKey(KINDS[algorithm as keyof typeof KINDS], `key-${made}`, id);
      ids.push(id);
    },
    async lose() {
      for (const id of ids)
        for (const type of ['privkey', 'pubkey']) tool('--delete-object', '--type', type, '--id', id);
    },
  };
}

/** What AWS's emulator answers, as a caller of AWS gets it. */
function callerOf(service: string, ask: (operation: string, input: unknown) => Promise<object>): AwsCaller {
  return {
    call: () => Promise.reject(new Error('not called')),
    async json(request) {
      if (request.service !== service) throw new Error(`${request.service} is not ${service}`);
      try {
        const answer = await ask(request.target.split('.')[1] ?? '', request.input);
        const members = Object.entries(answer).map(([name, value]) => [
          name,
          value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
        ]);
        return Object.fromEntries(members);
      } catch (cause) {
        const error = Object(cause).name;
        throw new ZonesError('aws_refused', `${service} answered ${error}.`, { cause, facts: { error } });
      }
    },
  };
}

/** Every custody that signs here; keys in a token where `npm run test:hsm` has made ready for them. */
export const CUSTODIES_UNDER_TEST: Readonly<
  Record<string, () => CustodyUnderTest | Promise<CustodyUnderTest>>
> = {
  'awskms:': kmsCustody,
  'file:': fileCustody,
  'postgres:': postgresCustody,
  'secretsmanager:': secretCustody,
  ...(process.env['HSM'] === '1' ? { 'pkcs11:': tokenCustody } : {}),
};

/** The public keys as they are registered. */
export async function registrable(options: CustodyOptions): Promise<(JWK & { kid: string })[]> {
  const keys = await (await openCustody(options)).publicKeys();
  return keys.map(({ jwk, thumbprint: kid, algorithm: alg }) => ({ ...jwk, kid, alg, use: 'sig' }));
}
