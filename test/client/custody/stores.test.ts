import { createPublicKey } from 'node:crypto';
import { inspect } from 'node:util';
import { type MakeSigner, signerCases } from '@helseid-zones/client/conformance';
import { createSigner } from '@helseid-zones/client/create-signer';
import { addKey, type CustodyOptions, openCustody, switchKey } from '@helseid-zones/client/custody';
import { openKmsKeys } from '@helseid-zones/client/custody/awskms';
import { createPostgresStore } from '@helseid-zones/client/custody/postgres';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { beforeAll, describe, expect, test } from 'vitest';
import { CUSTODIES_UNDER_TEST, type CustodyUnderTest, openPglite } from '../../fakes/custodies.ts';
import { FULL } from '../../full.ts';
import { failure } from '../make-client.ts';

const SUBJECT = {
  clientId: 'c-1',
  issuer: 'https://sts.test',
  tenancy: 'single-tenant',
  profile: helseIdProfile,
} as const;
const BASE = { client: 'journal', zone: 'surgery', subject: SUBJECT, algorithm: 'ES256' } as const;
const ASSERTION = { kind: 'client_assertion', client: 'journal', issuer: SUBJECT.issuer } as const;
/** PostgreSQL in this process takes seconds to start: in full, and thus in .ci/run. */
const RINGS = ['file:', 'secretsmanager:', ...(FULL ? ['postgres:'] : [])];

const start = (scheme: string): Promise<CustodyUnderTest> =>
  Promise.resolve(
    CUSTODIES_UNDER_TEST[scheme]?.() ??
      (() => {
        throw new Error(scheme);
      })(),
  );

beforeAll(async () => {
  if (FULL) await openPglite();
}, 120_000);

/** With one key in it. */
async function startWithKey(scheme: string): Promise<CustodyOptions & { custody: CustodyUnderTest }> {
  const custody = await start(scheme);
  await custody.makeKey({ ...BASE, ...custody.place() });
  return { ...BASE, ...custody.place(), custody };
}

test('a change of a row holds its lock, and who only reads waits for none', async () => {
  const asked: string[] = [];
  const query = async (statement: string) => {
    asked.push((statement.match(/^[A-Z]+|FOR UPDATE$/g) ?? []).join(' '));
    return { rows: [{ keys: 'before' }] };
  };
  const store = createPostgresStore({ query, transaction: (run) => run({ query }) }, 'journal');
  await store.read();
  await store.change(() => 'after');
  expect(asked).toEqual(['SELECT', 'INSERT', 'SELECT FOR UPDATE', 'UPDATE']);
});

describe.each(RINGS)('%s', (scheme) => {
  test('two who rotate at once lose nothing, and readers sign on', async () => {
    const options = await startWithKey(scheme);
    const open = () => openCustody(options);
    const [one, two, reader] = [await open(), await open(), await open()];
    const both = (change: Parameters<typeof one.change>[0]) => [one.change(change), two.change(change)];
    const rings = await Promise.all(both((ring) => addKey(ring, 'ES256')));
    const [current = '', next = ''] = (await reader.publicKeys()).map(({ thumbprint }) => thumbprint);
    for (const { keys } of rings) expect(keys.map(({ kid }) => kid)).toEqual([current, next]);
    const [signatures] = await Promise.all([
      Promise.all(Array.from({ length: 20 }, () => reader.signer.sign([ASSERTION]))),
      ...both((ring) => switchKey(ring, next, 1_790_000_000, 9_790_000_000)),
    ]);
    for (const [signature] of signatures) expect([current, next]).toContain(signature?.kid);
    expect((await reader.publicKeys()).map(({ thumbprint }) => thumbprint)).toEqual([next, current]);
  });

  test('no other passphrase opens it, and none at all neither, where it is encrypted by us', async () => {
    const options = await startWithKey(scheme);
    if (options.passphrase === undefined) return;
    await failure(openCustody({ ...options, passphrase: undefined }), 'custody_refused');
    const wrong = await openCustody({ ...options, passphrase: () => 'another passphrase of 22' });
    await failure(wrong.signer.sign([ASSERTION]), 'custody_refused');
  });

  test('another zone, client or issuer is refused', async () => {
    const options = await startWithKey(scheme);
    for (const change of [
      { zone: 'hospital' },
      { subject: { ...SUBJECT, issuer: 'https://other.test' } },
      { subject: { ...SUBJECT, clientId: 'c-2' } },
    ]) {
      const other = await openCustody({ ...options, ...change });
      await failure(other.publicKeys(), 'custody_shared');
      await failure(
        other.change((ring) => addKey(ring, 'ES256')),
        'custody_shared',
      );
    }
  });
});

describe.runIf(FULL)('a row of PostgreSQL', () => {
  test('never holds a key in the clear, nor does a change that fails leave anything', async () => {
    const database = await openPglite();
    const custody = await start('postgres:');
    await custody.makeKey({ ...BASE, ...custody.place() });
    const read = async () => (await database.query('SELECT keys FROM helseid_keys')).rows;
    const before = await read();
    expect(JSON.stringify(before)).toContain('BEGIN ENCRYPTED PRIVATE KEY');
    expect(JSON.stringify(before)).not.toMatch(/BEGIN (EC )?PRIVATE KEY/);
    const opened = await openCustody({ ...BASE, ...custody.place() });
    const thrown = new ZonesError('transition_refused', 'in between');
    await expect(
      opened.change(() => {
        throw thrown;
      }),
    ).rejects.toBe(thrown);
    expect(await read()).toEqual(before);
  });

  test('that the database refuses shows up in no error', async () => {
    const database = await openPglite();
    const custody = await start('postgres:');
    await custody.makeKey({ ...BASE, ...custody.place() });
    await database.query("ALTER TABLE helseid_keys ADD CHECK (keys = '') NOT VALID");
    const opened = await openCustody({ ...BASE, ...custody.place() });
    const error = await failure(
      opened.change((ring) => addKey(ring, 'ES256')),
      'custody_unavailable',
    );
    expect(error.cause).toMatchObject({
      code: '23514',
      message: expect.stringContaining('check constraint'),
    });
    expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/BEGIN|thumbprint|zone:/);
  });

  test('whose database does not answer is unavailable', async () => {
    const broken = {
      query: () => Promise.reject(new Error('connection refused')),
      transaction: () => Promise.reject(new Error('connection refused')),
    };
    const custody = await start('postgres:');
    const opened = await openCustody({ ...BASE, ...custody.place(), database: broken });
    await failure(opened.signer.sign([ASSERTION]), 'custody_unavailable');
    await failure(
      opened.change((ring) => addKey(ring, 'ES256')),
      'custody_unavailable',
    );
  });
});

describe('conformance of signers', () => {
  const kms = async (): Promise<MakeSigner> => {
    const custody = await start('awskms:');
    for (const _ of [1, 2]) await custody.makeKey({ ...BASE, ...custody.place() });
    const { aws, uri } = custody.place();
    if (!aws) throw new Error('no caller');
    const { keys, sign } = await openKmsKeys(aws, uri.replace('awskms:///', '').split(','), 'ES256');
    return (setup) => {
      const [first, ...others] = keys;
      if (!first) throw new Error('no key');
      return {
        keys,
        signer: createSigner({ ...setup.for, keys: [first, ...others], sign: setup.through(sign) }),
      };
    };
  };

  /** Its key is in memory, where nothing that holds it can fail. */
  const inMemory = /^(?!.*(?:holds the key|one encoding|five seconds))/;

  const ring = async (): Promise<MakeSigner> => {
    const custody = await start('file:');
    return async (setup) => {
      const { client, ...rest } = setup.for;
      const options = { ...BASE, client, ...rest, ...custody.place() };
      const opened = await openCustody(options);
      if ((await opened.publicKeys()).length === 0)
        for (const _ of [1, 2]) await opened.change((before) => addKey(before, 'ES256'));
      const keys = (await opened.publicKeys()).map(({ jwk, algorithm }) => ({
        publicKey: createPublicKey({ key: jwk, format: 'jwk' }),
        algorithm,
      }));
      return { keys, signer: opened.signer };
    };
  };

  test.each([
    ['awskms:', kms, /^/],
    ['file:', ring, inMemory],
  ] as const)('%s passes every case', async (_, make, which) => {
    const cases = signerCases(await make()).filter(({ name }) => which.test(name));
    expect(cases.length).toBeGreaterThanOrEqual(35);
    for (const { run } of cases) await run();
  });
});
