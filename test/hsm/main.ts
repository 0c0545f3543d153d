import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  createApiFetch,
  createSigner,
  createTokenClient,
  helseIdProfile,
  machineTokens,
} from '@helseid-zones/client';
import { signerCases } from '@helseid-zones/client/conformance';
import { openCustody } from '@helseid-zones/client/custody';
import { openPkcs11Keys } from '@helseid-zones/client/custody/pkcs11';
import { loadModule } from '@helseid-zones/client/custody/pkcs11-token';
import { parsePkcs11Uri } from '@helseid-zones/client/custody/pkcs11-uri';
import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { isZonesError } from '@helseid-zones/protocol/errors';
import { compactVerify, importJWK } from 'jose';
import { trustHere } from '../../local/helseid/certificate.ts';
import { startPatternWorld } from '../../local/patterns/stand-in.ts';
import { reportMissing } from '../missing.ts';
import './pkcs11js.ts';
import { KINDS, makeToken, missing, PIN, run, SPY, spyOn } from './token.ts';

/**
 * Keys in a PKCS#11 token, SoftHSM 2: made by OpenSC's pkcs11-tool, counted by its pkcs11-spy, verified by `jose`. With an argument,
 * a URI, it is one of several processes that sign at once.
 */
const ISSUER = 'https://helseid-sts.test.nhn.no';
const subject = { clientId: 'c', issuer: ISSUER, tenancy: 'single-tenant', profile: helseIdProfile } as const;
const assertion = { kind: 'client_assertion', client: 'journal', issuer: ISSUER } as const;
const EACH = 50;

const open = (uri: string, algorithm: Algorithm = 'ES256') =>
  openCustody({ uri, zone: 'signer', client: 'journal', subject, algorithm });

type Opened = Awaited<ReturnType<typeof open>>;

async function sign({ signer, publicKeys }: Opened): Promise<void> {
  const [signature] = await signer.sign([assertion]);
  const key = (await publicKeys()).find(({ thumbprint }) => thumbprint === signature?.kid);
  assert.ok(key && signature);
  await compactVerify(signature.jws, await importJWK({ ...key.jwk }, key.algorithm));
}

async function fails(code: string, says: RegExp, work: () => Promise<unknown>): Promise<void> {
  const error = await work().then(
    () => undefined,
    (cause) => cause,
  );
  assert.ok(isZonesError(error), String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, says);
  assert.ok(!`${error.message}${JSON.stringify(error.facts)}`.includes(PIN), 'a PIN in an error');
}

const [, , given] = process.argv;
if (given) await signMany(given);
else if (!(await main())) process.exitCode = 1;

async function signMany(uri: string): Promise<void> {
  // SoftHSM now and then shows no token to one of several that start at once; whoever tries again, as a program does, finds it.
  let tries = 1;
  const again = (cause: unknown): Promise<Opened> => {
    if (tries > 9 || !isZonesError(cause, 'custody_unavailable')) throw cause;
    tries += 1;
    return open(uri).catch(again);
  };
  const custody = await open(uri).catch(again);
  if (tries > 1) console.log(`tries ${tries}`);
  for (let count = 0; count < EACH; count += 1) await sign(custody);
}

async function main(): Promise<boolean> {
  const what = missing();
  if (what) {
    reportMissing('keys in a token', what);
    return true;
  }
  // Node's headers are those of this Node, where it has them.
  process.env['npm_config_nodedir'] ??= dirname(dirname(process.execPath));
  try {
    run('npm', 'rebuild', '--prefix', import.meta.dirname, 'pkcs11js');
    await import('pkcs11js' as string);
  } catch (error) {
    reportMissing('keys in a token', `a build of pkcs11js (a C++ compiler, make, Python); ${error}`);
    return true;
  }
  const folder = mkdtempSync(join(tmpdir(), 'hsm-'));
  let failed = 0;
  try {
    for (const [name, test] of Object.entries(makeTests(folder)))
      await test().then(
        (said) => console.log(`ok       ${name}${said ? `: ${said}` : ''}`),
        (error) => {
          failed += 1;
          console.log(`FAILED   ${name}: ${error.stack}`);
        },
      );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return failed === 0;
}

function makeTests(folder: string): Record<string, () => Promise<string | undefined>> {
  const token = makeToken(folder);
  const { uri } = token;
  const counted = spyOn(folder);
  Object.values(KINDS).forEach((kind, index) => {
    for (const each of [1, 2]) token.makeKey(kind, `key-${index}`, `0${index}0${each}`);
  });
  const pair = (index: number) => [1, 2].map((each) => uri(`id=%0${index}%0${each}`)).join(' ');

  return {
    // First of all: once anybody of this process has logged in, nobody has to.
    async 'a token that was not there when the program started, and a wrong PIN, tried once until the file has another'() {
      const at = uri('id=%00%01', { module: SPY });
      renameSync(token.tokens, `${token.tokens}.gone`);
      mkdirSync(token.tokens);
      await fails('custody_unavailable', /no slot/, () => open(at));
      rmSync(token.tokens, { recursive: true });
      renameSync(`${token.tokens}.gone`, token.tokens);
      writeFileSync(token.pinFile, 'wrong-one\n');
      const before = token.flags();
      await fails('custody_refused', /refused the PIN/, () => open(at));
      assert.match(token.flags(), /PIN count low/i);
      assert.doesNotMatch(before, /PIN count low/i);
      for (let count = 0; count < 5; count += 1)
        await fails('custody_refused', /before/, () =>
          open(count % 2 ? at : uri('id=%00%02', { module: SPY })),
        );
      assert.equal(counted('C_Login'), 1);
      writeFileSync(token.pinFile, 'wrong-two\n');
      await Promise.all([1, 2, 3].map(() => fails('custody_refused', /refused/, () => open(at))));
      assert.equal(counted('C_Login'), 2);
      writeFileSync(token.pinFile, `${PIN}\n`);
      await sign(await open(at));
      assert.equal(counted('C_Login'), 3);
      assert.doesNotMatch(token.flags(), /PIN count low/i);
      return 'C_Login counted by pkcs11-spy: 1, then 2, then 3 with the right one';
    },

    ...Object.fromEntries(
      (Object.keys(KINDS) as (keyof typeof KINDS)[]).map((algorithm, index) => [
        `${algorithm}: the cases of any signer`,
        async () => {
          const { keys, sign } = await openPkcs11Keys(pair(index), algorithm);
          const [current, newest] = keys;
          assert.ok(current && newest);
          const cases = signerCases((setup) => ({
            signer: createSigner({ ...setup.for, keys: [current, newest], sign: setup.through(sign) }),
            keys,
          }));
          for (const { name, run } of cases)
            await run().catch((cause) => {
              throw new Error(name, { cause });
            });
          return `${cases.length} cases`;
        },
      ]),
    ),

    async 'a key of another algorithm, none, two of a name, another token, URIs of two'() {
      await fails('custody_refused', /no key for ES384/, () => open(uri('id=%00%01'), 'ES384'));
      await fails('custody_refused', /no key for PS256/, () => open(uri('id=%00%01'), 'PS256'));
      await fails('custody_unavailable', /has no CKO_PRIVATE_KEY/, () => open(uri('object=none')));
      await fails('custody_refused', /more than one key/, () => open(uri('object=key-0')));
      await fails('custody_unavailable', /no slot/, () => open(uri('id=%00%01', { token: 'other' })));
      await fails('custody_refused', /differ/, () =>
        open(`${uri('id=%00%01')} ${uri('id=%00%02', { token: 'other' })}`),
      );
      await fails('custody_refused', /not known/, () => open('pkcs11:object=a?module-name=softhsm2'));
      await fails('custody_refused', /module-path/, () => open('pkcs11:object=a?module-path=m.so'));
      await fails('custody_unavailable', /pkcs11js/, () => open(uri('object=a', { module: '/none.so' })));
    },

    async 'a key that can be read out, or came from elsewhere, is refused'() {
      token.makeKey(KINDS.ES256, 'open', '0a', '--extractable');
      await fails('custody_refused', /EXTRACTABLE is not/, () => open(uri('object=open')));
      const pem = join(folder, 'imported.pem');
      run('openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', pem);
      run(
        'softhsm2-util',
        '--import',
        pem,
        '--token',
        'journal',
        '--label',
        'in',
        '--id',
        '0B',
        '--pin',
        PIN,
      );
      await fails('custody_refused', /CKA_(ALWAYS|NEVER)_\w+ is not true/, () => open(uri('object=in')));
    },

    async 'a PIN stands in a file that nobody else may read'() {
      const { pinFile } = token;
      chmodSync(pinFile, 0o644);
      await fails('custody_refused', /Others may read the file of pin-source/, () => open(uri('id=%00%01')));
      chmodSync(pinFile, 0o440);
      await fails('custody_refused', /Others may read/, () => open(uri('id=%00%01')));
      await sign(await open(uri('id=%00%01', { pin: `file://${pinFile}?mode=440` })));
      chmodSync(pinFile, 0o600);
      await fails('custody_unavailable', /no PIN/, () => open(uri('id=%00%01', { pin: `${pinFile}.none` })));
      for (const pin of ['%7Ccat%20pin', 'env:PIN', 'pin'])
        await fails('custody_refused', /URI/, () => open(uri('id=%00%01', { pin })));
      await fails('custody_refused', /holds a PIN/, () => open(`${uri('id=%00%01')}&pin-value=${PIN}`));
    },

    async 'a token that is gone and comes back is opened once more'() {
      const custody = await open(uri('id=%00%01', { module: SPY }));
      await sign(custody);
      // The module forgets sessions and login, as where its connection was lost.
      const { library } = await loadModule(parsePkcs11Uri(uri('id=%00%01', { module: SPY })));
      library.C_Finalize();
      const before = counted('C_Login');
      await Promise.all(Array.from({ length: 12 }, () => sign(custody)));
      assert.equal(counted('C_Login'), before + 1);
      library.C_Finalize();
      renameSync(token.tokens, `${token.tokens}.gone`);
      for (let count = 0; count < 2; count += 1) await fails('custody_unavailable', /./, () => sign(custody));
      assert.equal(counted('C_Login'), before + 1);
      renameSync(`${token.tokens}.gone`, token.tokens);
      await sign(custody);
      assert.equal(counted('C_Login'), before + 2);
      return 'one login each time, for 12 signatures at once';
    },

    async 'a key that is gone, or another in its place'() {
      token.makeKey(KINDS.ES256, 'short', '0c');
      const custody = await open(uri('object=short'));
      await sign(custody);
      const remove = () =>
        ['privkey', 'pubkey'].map((type) => token.tool('--delete-object', '--type', type, '--id', '0c'));
      remove();
      await fails('custody_unavailable', /CKO_PRIVATE_KEY/, () => sign(custody));
      token.makeKey(KINDS.ES256, 'short', '0c');
      await fails('custody_unavailable', /another key/, () => sign(custody));
      await sign(await open(uri('object=short')));
    },

    async 'a client whose key it is gets a token and calls an API'() {
      const world = await startPatternWorld(join(folder, 'world'), ['c'], 'http://localhost:3999/callback');
      try {
        trustHere(world.certificate);
        const registration = { clientId: 'c', issuer: world.issuer, profile: helseIdProfile };
        const { signer, publicKeys } = await openCustody({
          uri: pair(0),
          zone: 'signer',
          client: 'journal',
          algorithm: 'ES256',
          subject: { ...registration, tenancy: 'single-tenant' },
        });
        for (const { jwk, thumbprint: kid } of await publicKeys())
          world.register('c', { ...jwk, kid, alg: 'ES256', use: 'sig' });
        const client = createTokenClient({ ...registration, client: 'journal', signer });
        const api = createApiFetch(client, machineTokens(client, { scopes: world.scopes }));
        assert.equal((await api(world.api)).status, 200);
      } finally {
        await world.close();
      }
    },

    async 'every flow of a client, as with every other custody'() {
      const config = join(import.meta.dirname, 'vitest.config.ts');
      const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');
      const args = ['run', '--config', config, '--testNamePattern', 'pkcs11:'];
      const { stdout } = await promisify(execFile)(process.execPath, [vitest, ...args]).catch((error) => {
        throw new Error(error.stdout);
      });
      return stdout.trim().split('\n').at(-1);
    },

    async 'signatures a second, each verified; AWS KMS allows 1,000 an account and region'() {
      const said: string[] = [];
      for (const [index, algorithm] of (Object.keys(KINDS) as (keyof typeof KINDS)[]).entries()) {
        const { signer } = await open(uri(`id=%0${index}%01`), algorithm);
        const until = performance.now() + 1500;
        let signed = 0;
        const work = async () => {
          while (performance.now() < until) signed += (await signer.sign([assertion])).length;
        };
        await Promise.all(Array.from({ length: 8 }, work));
        said.push(`${algorithm} ${Math.round(signed / 1.5)}`);
      }
      return `${said.join(', ')} (${availableParallelism()} processors)`;
    },

    async 'several processes sign at once'() {
      const self = fileURLToPath(import.meta.url);
      const one = () => promisify(execFile)(process.execPath, [self, uri('id=%00%01')]);
      const tries = (await Promise.all([one(), one(), one()]))
        .map(({ stdout }) => stdout.trim())
        .filter(Boolean);
      return `3 processes, ${EACH} signatures each${tries.length > 0 ? `, ${tries.join(', ')} to open it` : ''}`;
    },
  };
}
