import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { addKey, type Custody, openCustody, switchKey } from '@helseid-zones/client/custody';
import { createFileStore } from '@helseid-zones/client/custody/file';
import type { Intent } from '@helseid-zones/protocol/intents';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { calculateJwkThumbprint, compactVerify, exportJWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { CANARIES } from '../../canaries.ts';
import { FULL } from '../../full.ts';
import { newFolder } from '../../temporary.ts';
import { failure } from '../make-client.ts';

const PASSPHRASE = CANARIES.passphrase;
const SUBJECT = {
  clientId: 'c-1',
  issuer: 'https://sts.test',
  tenancy: 'single-tenant',
  profile: helseIdProfile,
} as const;
const ASSERTION = { kind: 'client_assertion', client: 'journal', issuer: SUBJECT.issuer } as const;

const newFile = () => join(newFolder(), 'key.pem');

function open(path: string, change: Partial<Parameters<typeof openCustody>[0]> = {}): Promise<Custody> {
  return openCustody({
    uri: pathToFileURL(path).href,
    zone: 'surgery',
    client: 'journal',
    subject: SUBJECT,
    algorithm: 'ES256',
    passphrase: () => PASSPHRASE,
    ...change,
  });
}

async function openNew(path = newFile()) {
  const custody = await open(path);
  await custody.change((ring) => addKey(ring, 'ES256'));
  return { path, custody };
}

const signedBy = async (custody: Custody) => (await custody.signer.sign([ASSERTION]))[0]?.kid;

describe('keys in a file', () => {
  test('are encrypted, for this user alone, and OpenSSL opens them', async () => {
    const { path, custody } = await openNew();
    const text = readFileSync(path, 'utf8');
    expect(text).toContain('BEGIN ENCRYPTED PRIVATE KEY');
    expect(text).not.toMatch(/BEGIN (EC )?PRIVATE KEY/);
    expect(execFileSync('stat', ['-c', '%a', path], { encoding: 'utf8' })).toBe('600\n');
    const openssl = ['pkey', '-in', path, '-passin', `pass:${PASSPHRASE}`, '-pubout'];
    const key = createPublicKey(execFileSync('openssl', openssl, { encoding: 'utf8' }));
    const [signature] = await custody.signer.sign([ASSERTION]);
    await compactVerify(signature?.jws ?? '', key, { algorithms: ['ES256'] });
    expect(signature?.kid).toBe(await calculateJwkThumbprint(await exportJWK(key)));
  });

  /** Keys that OpenSSL made, by kind: each file may hold the same one. */
  const made = new Map<string, Buffer>();
  /** A key file as OpenSSL makes it. */
  function makeByOpenssl(kind: string[], encryption: string[]): string {
    const path = newFile();
    const make = () =>
      execFileSync('openssl', ['genpkey', '-algorithm', ...kind], { stdio: ['pipe', 'pipe', 'ignore'] });
    const key = made.get(`${kind}`) ?? make();
    made.set(`${kind}`, key);
    const wrap = ['pkcs8', '-topk8', ...encryption, '-passout', `pass:${PASSPHRASE}`, '-out', path];
    execFileSync('openssl', wrap, { input: key, stdio: ['pipe', 'ignore', 'ignore'] });
    chmodSync(path, 0o600);
    return path;
  }
  /** Has a key file say that it took more work than it did, which OpenSSL would need a second for; hex. */
  function claim(path: string, done: string, claimed: string): void {
    const pem = readFileSync(path, 'utf8');
    const bytes = Buffer.from(pem.replaceAll(/-----.*|\s/g, ''), 'base64').toString('hex');
    const said = Buffer.from(bytes.replace(done, claimed), 'hex').toString('base64');
    writeFileSync(path, pem.replace(/\n[^-]+/, `\n${said}\n`));
  }
  const EC = (curve: string) => ['EC', '-pkeyopt', `ec_paramgen_curve:${curve}`];
  const RSA = ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];

  test.each([
    ['ES384', EC('P-384')],
    ['PS512', RSA],
  ] as const)('that OpenSSL made are taken as they are, for %s', async (algorithm, kind) => {
    const [key] = await (await open(makeByOpenssl([...kind], []), { algorithm })).publicKeys();
    expect(key).toMatchObject({ algorithm });
  });

  test.each([
    ['ES256', EC('P-384')],
    ['ES256', RSA],
    ['PS256', EC('P-256')],
  ] as const)('of another kind than %s, which say none, are refused', async (algorithm, kind) => {
    const custody = await open(makeByOpenssl([...kind], []), { algorithm });
    const { message } = await failure(custody.publicKeys(), 'custody_refused');
    expect(message).toContain(algorithm);
  });

  const WEAK = /2048 to 2000000 rounds.*openssl pkcs8/;

  test.each([
    ['by AES with 2,048 rounds', ['-v2', 'aes-128-cbc'], undefined],
    ['by AES with more', ['-v2', 'aes-256-cbc', '-iter', '600000'], undefined],
    ['by AES, stretched by scrypt', ['-scrypt'], undefined],
    ['by SHA-512', ['-v2', 'aes-192-cbc', '-v2prf', 'hmacWithSHA512'], undefined],
    ['by scrypt that takes less', ['-scrypt', '-scrypt_N', '8192'], WEAK],
    ['by scrypt with small blocks', ['-scrypt', '-scrypt_r', '1'], WEAK],
    ['by scrypt that takes long', ['-scrypt'], WEAK, '020108020101', '020108020110'],
    ['by AES with one round', ['-v2', 'aes-256-cbc', '-iter', '1'], WEAK],
    ['by AES with 2,047', ['-v2', 'aes-256-cbc', '-iter', '2047'], WEAK],
    ['by AES with 2,000,001', ['-v2', 'aes-256-cbc', '-iter', '65537'], WEAK, '010001', '1e8481'],
    ['by AES without chaining', ['-v2', 'aes-256-ecb'], WEAK],
    ['by AES in another mode', ['-v2', 'aes-128-cfb8'], WEAK],
    ['by MD5', ['-v2', 'aes-256-cbc', '-v2prf', 'hmacWithMD5'], WEAK],
    ['by SHA-1', ['-v2', 'aes-256-cbc', '-v2prf', 'hmacWithSHA1'], WEAK],
    ['by triple DES', ['-v2', 'des3'], WEAK],
    ['by triple DES of PKCS#12', ['-v1', 'PBE-SHA1-3DES'], WEAK],
  ])('encrypted %s', async (_, encryption, why, done = '', claimed = '') => {
    const path = makeByOpenssl(EC('P-256'), encryption);
    claim(path, done, claimed);
    const custody = await open(path);
    if (why === undefined) expect(await signedBy(custody)).toBeDefined();
    else expect((await failure(custody.publicKeys(), 'custody_refused')).message).toMatch(why);
  });

  test.each([
    [0o777, false],
    [0o1777, true],
    [0o770, true],
  ])('in a folder of mode %o are used: %s', async (mode, used) => {
    const { path, custody } = await openNew();
    chmodSync(dirname(path), mode);
    if (used) expect(await signedBy(custody)).toBeDefined();
    else expect((await failure(custody.publicKeys(), 'custody_refused')).message).toContain('chmod o-w');
  });

  test.each([0o777, 0o2777])(
    'are used in a folder of their own within one of mode %o, and not made beside it',
    async (mode) => {
      const volume = newFolder();
      chmodSync(volume, mode);
      mkdirSync(join(volume, 'own'), { mode: 0o700 });
      const { custody } = await openNew(join(volume, 'own', 'key.pem'));
      expect(await signedBy(custody)).toBeDefined();
      const beside = await open(join(volume, 'key.pem'));
      const make = beside.change((ring) => addKey(ring, 'ES256'));
      await failure(make, 'custody_refused');
      expect(readdirSync(volume)).toEqual(['own']);
    },
  );

  const NAMES = /^client: journal\nclientId: c-1\nissuer: https:\/\/sts\.test\nzone: surgery$/m;

  test.each([
    ['all names', /^(client|clientId|issuer|zone): .*\n/gm],
    ['its zone', /^zone: .*\n/m],
    ['its issuer', /^issuer: .*\n/m],
  ])('without %s get them from who opens them first, and are refused to the next zone', async (_, names) => {
    const { path, custody } = await openNew();
    const kid = await signedBy(custody);
    writeFileSync(path, readFileSync(path, 'utf8').replace(names, ''));
    const first = await open(path);
    expect(await Promise.all([signedBy(first), signedBy(first), signedBy(custody)])).toEqual([kid, kid, kid]);
    expect(readFileSync(path, 'utf8')).toMatch(NAMES);
    await failure((await open(path, { zone: 'hospital' })).signer.sign([ASSERTION]), 'custody_shared');
  });

  test('without names where they can not be given are refused, with the lines that give them', async () => {
    const { path } = await openNew();
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(NAMES, ''));
    symlinkSync('key.pem', join(path, '../mounted.pem'));
    const custody = await open(join(path, '../mounted.pem'));
    const error = await failure(custody.signer.sign([ASSERTION]), 'custody_refused');
    const lines = /"(client: .*)"/.exec(error.message)?.[1]?.split('", "').join('\n') ?? '';
    expect(lines).toMatch(NAMES);
    writeFileSync(path, `${lines}\n${readFileSync(path, 'utf8')}`);
    expect(await signedBy(custody)).toBeDefined();
  });

  test.each([
    ['zone', { zone: '' }],
    ['zone', { zone: ' surgery' }],
    ['zone', { zone: 'surgery\nzone: hospital' }],
    ['client', { client: '' }],
    ['issuer', { subject: { ...SUBJECT, issuer: '' } }],
  ])('for a %s that is no name are refused: %j', async (name, change) => {
    const path = newFile();
    const error = await failure(
      open(path, change).then((custody) => custody.change((ring) => addKey(ring, 'ES256'))),
      'custody_refused',
    );
    expect(error.message).toContain(name);
    expect(existsSync(path)).toBe(false);
  });

  test('that are a folder, or a pipe that nobody writes to, are refused', async () => {
    await failure((await open(newFolder())).publicKeys(), 'custody_refused');
    const pipe = newFile();
    execFileSync('mkfifo', ['-m', '600', pipe]);
    await failure((await open(pipe)).publicKeys(), 'custody_refused');
  });

  test('that are empty are refused, and get no first key', async () => {
    const { path } = await openNew();
    writeFileSync(path, '\n');
    await failure((await open(path)).publicKeys(), 'custody_refused');
    await failure(
      (await open(path)).change((ring) => ring),
      'custody_refused',
    );
    expect(readFileSync(path, 'utf8')).toBe('\n');
  });

  test.each([
    [0o640, '', false],
    [0o604, '', false],
    [0o620, '', false],
    [0o600, '', true],
    [0o400, '', true],
    [0o440, '?mode=440', true],
    [0o444, '?mode=440', false],
  ])('with mode %o and %s are used: %s', async (mode, query, used) => {
    const { path } = await openNew();
    chmodSync(path, mode);
    const custody = await open(path, { uri: pathToFileURL(path).href + query });
    if (used) expect(await signedBy(custody)).toBeDefined();
    else await failure(custody.signer.sign([ASSERTION]), 'custody_refused');
  });

  /** Only root can give files away. */
  const asRoot = describe.runIf(process.getuid?.() === 0);

  asRoot('of others', () => {
    test('in a folder of another user, or behind a link there, are refused', async () => {
      for (const linked of [false, true]) {
        const { path } = await openNew();
        const other = join(newFolder(), 'key.pem');
        if (linked) symlinkSync(path, other);
        else writeFileSync(other, readFileSync(path), { mode: 0o600 });
        expect(await signedBy(await open(other))).toBeDefined();
        chownSync(dirname(other), 4242, 4242);
        await failure(signedBy(await open(other)), 'custody_refused');
      }
    });

    test('keep their mode and group when they are changed', async () => {
      const { path } = await openNew();
      chownSync(path, 0, 4242);
      chmodSync(path, 0o640);
      const custody = await open(path, { uri: `${pathToFileURL(path).href}?mode=640` });
      await custody.change((ring) => addKey(ring, 'ES256'));
      const { mode, gid } = statSync(path);
      expect([mode & 0o777, gid]).toEqual([0o640, 4242]);
    });

    test('are not changed while another user has their lock, which the error says', async () => {
      const { path, custody } = await openNew();
      chmodSync(dirname(path), 0o1777);
      mkdirSync(`${path}.lock`);
      writeFileSync(`${path}.lock/key.pem.lock.0123456789abcdef`, '');
      chownSync(`${path}.lock`, 4242, 4242);
      const change = custody.change((ring) => addKey(ring, 'ES256'));
      expect((await failure(change, 'custody_refused')).message).toMatch(/lock.*belongs to another user/);
    });
  });

  test.each(['link', 'folder'])(
    'remove nothing of others through a lock that is a %s of theirs',
    async (kind) => {
      const { path, custody } = await openNew();
      const precious = kind === 'link' ? newFolder() : `${path}.lock`;
      mkdirSync(precious, { recursive: true });
      for (const name of ['thesis.txt', 'key.pem.lock.thesis']) {
        writeFileSync(join(precious, name), 'x');
        utimesSync(join(precious, name), 0, 0);
      }
      if (kind === 'link') symlinkSync(precious, `${path}.lock`);
      const change = custody.change((ring) => addKey(ring, 'ES256'));
      expect((await failure(change, 'custody_refused')).message).toContain('take it away');
      expect(readdirSync(precious)).toHaveLength(2);
    },
  );

  test('behind a link are refused where others may write to the folder of any link on the way', async () => {
    const { path } = await openNew();
    const [first, middle] = [newFile(), newFile()];
    symlinkSync(path, middle);
    symlinkSync(middle, first);
    expect(await signedBy(await open(first))).toBeDefined();
    for (const each of [path, middle, first]) {
      chmodSync(dirname(each), 0o777);
      await failure(signedBy(await open(first)), 'custody_refused');
      chmodSync(dirname(each), 0o755);
    }
    expect(await signedBy(await open(first))).toBeDefined();
  });

  test.each([
    ['400', 0o400],
    ['440', 0o400],
    ['640', 0o600],
  ])('with ?mode=%s are used on once this program has changed them', async (mode, left) => {
    const path = newFile();
    const custody = await open(path, { uri: `${pathToFileURL(path).href}?mode=${mode}` });
    for (const _ of [1, 2]) await custody.change((ring) => addKey(ring, 'ES256'));
    expect(statSync(path).mode & 0o777).toBe(left);
    expect(await signedBy(custody)).toBeDefined();
  });

  test('are read again when another file takes their place', async () => {
    const { path, custody } = await openNew();
    const before = await signedBy(custody);
    const other = await openNew(`${path}.other`);
    const after = await signedBy(other.custody);
    renameSync(other.path, path);
    expect([before, await signedBy(custody)]).toEqual([expect.not.stringMatching(after ?? ''), after]);
  });

  test('are read again, and their mode is looked at, where the clock was set back', async () => {
    const { path } = await openNew();
    let now = Date.now();
    const custody = await open(path, { now: () => now });
    const before = await signedBy(custody);
    now -= 3_600_000;
    const other = await openNew(`${path}.other`);
    renameSync(other.path, path);
    expect([await signedBy(custody), before]).toEqual([
      await signedBy(await open(path)),
      expect.not.stringMatching((await signedBy(custody)) ?? ''),
    ]);
    if (process.platform === 'win32') return;
    chmodSync(path, 0o644);
    await failure(custody.signer.sign([ASSERTION]), 'custody_refused');
  });

  test('mounted as a Kubernetes secret are seen when its link is swapped, and are not written', async () => {
    const folder = newFolder();
    const keys = ['v1', 'v2'].map((version) => {
      mkdirSync(join(folder, `..${version}`));
      return join(folder, `..${version}`, 'key.pem');
    });
    for (const key of keys) await openNew(key);
    symlinkSync('..v1', join(folder, '..data'));
    symlinkSync('..data/key.pem', join(folder, 'key.pem'));
    const custody = await open(join(folder, 'key.pem'));
    const before = await signedBy(custody);
    symlinkSync('..v2', join(folder, '..tmp'));
    renameSync(join(folder, '..tmp'), join(folder, '..data'));
    expect(await signedBy(custody)).not.toBe(before);
    await failure(
      custody.change((ring) => addKey(ring, 'ES256')),
      'custody_refused',
    );
  });

  test('are changed whole or not at all, and nothing is left beside them', async () => {
    const { path, custody } = await openNew();
    const before = readFileSync(path, 'utf8');
    await expect(
      custody.change(() => {
        throw new Error('in between');
      }),
    ).rejects.toThrow();
    expect(readFileSync(path, 'utf8')).toBe(before);
    await custody.change((ring) => ring);
    expect(readFileSync(path, 'utf8')).toBe(before);
    await custody.change((ring) => addKey(ring, 'ES256'));
    expect(readdirSync(join(path, '..'))).toEqual(['key.pem']);
  });

  /** A lock as a process has left it that was killed `seconds` ago: with its name in it, empty, or as it was once written. */
  function leaveLock(path: string, name: string, seconds: number): string {
    const lock = `${path}.lock`;
    if (name.startsWith('/')) mkdirSync(lock, { mode: 0o700 });
    writeFileSync(lock + name, name === '' ? String(process.pid) : '', { mode: 0o600 });
    const then = Date.now() / 1000 - seconds;
    utimesSync(lock + name, then, then);
    return lock + name;
  }

  const LOCKS = [
    ['of this kind', '/key.pem.lock.0123456789abcdef'],
    ['that is a file', ''],
  ] as const;

  test('that another process changes are not changed, and are read', async () => {
    const { path, custody } = await openNew();
    leaveLock(path, '/key.pem.lock.0123456789abcdef', 1);
    await failure(
      custody.change((ring) => addKey(ring, 'ES256')),
      'custody_unavailable',
    );
    expect(await signedBy(custody)).toBeDefined();
    expect(readdirSync(join(path, '..')).sort()).toEqual(['key.pem', 'key.pem.lock']);
  });

  test.each(LOCKS)(
    'are changed after a crash: a lock %s, of long ago or of a wrong clock',
    async (_, name) => {
      const { path, custody } = await openNew();
      for (const seconds of [60, -60]) {
        leaveLock(path, name, seconds);
        await custody.change((ring) => addKey(ring, 'ES256'));
        expect(readdirSync(join(path, '..'))).toEqual(['key.pem']);
      }
      expect(await custody.publicKeys()).toHaveLength(2);
    },
  );

  test.each(LOCKS)('lose no change when many come at once after a crash: a lock %s', async (_, name) => {
    for (let round = 0; round < (FULL ? 40 : 2); round += 1) {
      const path = newFile();
      leaveLock(path, name, 60);
      const changes = Array.from({ length: 8 }, (_, index) =>
        createFileStore(path, 0o600)
          .change((before = '') => `${before}${index}\n`)
          .then(
            () => `${index}`,
            () => undefined,
          ),
      );
      const done = (await Promise.all(changes)).filter((index) => index !== undefined);
      expect(done.length).toBeGreaterThan(0);
      expect(readFileSync(path, 'utf8').split('\n').slice(0, -1).sort()).toEqual(done);
      expect(readdirSync(join(path, '..'))).toEqual(['key.pem']);
    }
  });

  test('that can’t be read or written are told with the system’s own code, and left as they are', async () => {
    const [long, below] = [join(newFolder(), 'k'.repeat(252)), join(newFile(), 'key.pem')];
    writeFileSync(dirname(below), 'a file');
    for (const [path, code] of [
      [long, 'ENAMETOOLONG'],
      [below, 'ENOTDIR'],
    ] as const) {
      const { message } = await failure(
        createFileStore(path, 0o600).change(() => 'x'),
        'custody_unavailable',
      );
      expect(message).toMatch(`The key file can not be written (${code}); see who owns its folder`);
    }
    const { message } = await failure(
      createFileStore(below, 0o600, 'session file').read(),
      'custody_unavailable',
    );
    expect(message).toMatch('The session file can not be read (ENOTDIR); see who owns it');
    expect(readFileSync(dirname(below), 'utf8')).toBe('a file');
    expect(await createFileStore(long, 0o600).read()).toBeUndefined();
  });

  test('are not changed by who has slept so long that another has taken over', async () => {
    const path = newFile();
    writeFileSync(path, 'before', { mode: 0o600 });
    const change = createFileStore(path, 0o600).change((before) => {
      const lock = `${path}.lock`;
      const [name = ''] = readdirSync(lock);
      // As another does it that finds the lock old.
      unlinkSync(join(lock, name));
      writeFileSync(path, 'of another');
      return `${before} and mine`;
    });
    await failure(change, 'custody_unavailable');
    expect(readFileSync(path, 'utf8')).toBe('of another');
    expect(readdirSync(join(path, '..'))).toEqual(['key.pem']);
  });

  test.each([
    ['another passphrase', { passphrase: (): string => `${PASSPHRASE}x` }, 'custody_refused'],
    ['no passphrase', { passphrase: (): string => '' }, 'custody_refused'],
    ['another zone', { zone: 'hospital' }, 'custody_shared'],
    ['another client', { client: 'other' }, 'custody_shared'],
    ['another registration', { subject: { ...SUBJECT, clientId: 'c-2' } }, 'custody_shared'],
    ['another issuer', { subject: { ...SUBJECT, issuer: 'https://other.test' } }, 'custody_shared'],
  ] as const)('are refused to %s', async (_, change, code) => {
    const { path } = await openNew();
    const error = await failure(
      open(path, change).then((custody) => custody.publicKeys()),
      code,
    );
    expect(error.message).not.toContain(PASSPHRASE);
  });

  test.each([
    ['a name without a blank', (text: string) => text.replace('zone: ', 'zone:')],
    ['a name in capitals', (text: string) => text.replace('zone: ', 'Zone: ')],
    ['a name that is moved in', (text: string) => text.replace('zone: ', ' zone: ')],
    ['a name without a value', (text: string) => text.replace(/zone: .*/, 'zone:')],
    ['a name with another sign', (text: string) => text.replace('zone: ', 'zone = ')],
    ['a name with a sign that looks alike', (text: string) => text.replace('zone: ', 'zone\uff1a ')],
    ['a name that holds what nobody sees', (text: string) => text.replace('zone: ', 'zo\u200bne: ')],
    ['a name as JSON has it', (text: string) => text.replace(/zone: .*/, '"zone": "surgery",')],
    ['a name twice', (text: string) => text.replace('zone: ', 'zone: hospital\nzone: ')],
    ['a name behind the key', (text: string) => `${text.replace(/zone: .*\n/, '')}zone: surgery\n`],
    ['a client id with a blank', (text: string) => text.replace('clientId', 'client id')],
    ['a kid twice', (text: string) => text.replace(/^kid: .*$/m, '$&\n$&')],
    ['an algorithm behind the key', (text: string) => `${text}algorithm: ES256\n`],
  ])('with %s are refused, and not taken for nobody’s', async (_, change) => {
    const { path, custody } = await openNew();
    const text = change(readFileSync(path, 'utf8'));
    writeFileSync(path, text);
    expect((await failure(custody.publicKeys(), 'custody_refused')).message).toContain('write exactly');
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  test.each([
    ['a byte order mark', (text: string) => `\ufeff${text}`],
    ['blanks at the ends of lines', (text: string) => text.replaceAll('\n', ' \t\n')],
    ['line ends of Windows', (text: string) => text.replaceAll('\n', '\r\n')],
    ['what OpenSSL’s pkcs12 writes before', (text: string) => `Bag Attributes: <No Attributes>\n${text}`],
  ])('with %s are taken', async (_, change) => {
    const { path, custody } = await openNew();
    const kid = await signedBy(custody);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    expect(await signedBy(custody)).toBe(kid);
  });

  test('are never written so long that they could not be read again, and expired ones make room', async () => {
    let now = Date.now();
    const path = newFile();
    const custody = await open(path, { algorithm: 'PS256', now: () => now });
    await custody.change((ring) => addKey(ring, 'PS256'));
    const [first] = (await custody.change((ring) => ring)).keys;
    if (!first) throw new Error('no key');
    // As many replaced keys as there is room for, of one private key, since making one takes long.
    const until = Math.floor(now / 1000) + 3600;
    const retiring = { ...first, state: 'retiring', usableUntil: until } as const;
    const fill = custody.change((ring) => ({ ...ring, keys: [first, ...Array(40).fill(retiring)] }));
    const { message } = await failure(fill, 'custody_refused');
    expect(message).toContain(`until ${until}`);
    expect(await custody.publicKeys()).toHaveLength(1);
    now = until * 1000;
    await custody.change((ring) => ({ ...ring, keys: [first, ...Array(40).fill(retiring)] }));
    expect(await custody.publicKeys()).toHaveLength(1);
  });

  test('are not repeated where one stands in the place of a zone’s name', async () => {
    const { path, custody } = await openNew();
    const text = readFileSync(path, 'utf8');
    const secret = text.split('\n').find((line) => /^MI/.test(line)) ?? '';
    for (const part of [secret, secret.slice(0, 20), '0123456789abcdef']) {
      writeFileSync(path, text.replace('zone: surgery', `zone: ${part}`));
      const { message } = await failure(custody.publicKeys(), 'custody_shared');
      expect(message).not.toContain(part);
      expect(message).toContain('(another) and surgery');
    }
  });

  test('whose passphrase was read with its newline are refused, with a word on it', async () => {
    const { path } = await openNew();
    const custody = await open(path, { passphrase: () => `${PASSPHRASE}\n` });
    expect((await failure(custody.publicKeys(), 'custody_refused')).message).toContain('newline');
  });

  test('a second zone is told the rule and the remedy', async () => {
    const { path } = await openNew();
    const custody = await open(path, { zone: 'hospital' });
    await expect(custody.publicKeys()).rejects.toThrow(
      /surgery and hospital.*"Use of Client Secrets".*awskms:/,
    );
  });

  test.each([
    ['nothing of the kind', () => 'hello'],
    ['a key in the clear', (_: string) => generateKey()],
    ['a SEC1 key in the clear before the other', (text: string) => generateKey('sec1') + text],
    ['a SEC1 key in the clear behind it', (text: string) => `${text}\n  ${generateKey('sec1')}`],
    ['half a key in the clear beside it', (text: string) => text + generateKey().slice(0, 90)],
    ['a cut key', (text: string) => text.replace(/^(-----BEGIN.*\n.*\n).*\n/m, '$1')],
    ['two current keys', (text: string) => text + text.replace(/^client[\s\S]*?\n\n/, '')],
    ['another kid', (text: string) => text.replace(/^kid: .*$/m, `kid: ${'A'.repeat(43)}`)],
    ['an unknown state', (text: string) => text.replace('state: current', 'state: retired')],
    ['RS256', (text: string) => text.replace('algorithm: ES256', 'algorithm: RS256')],
    ['too long', (text: string) => text + '\n'.repeat(65_536)],
    ...['1e999', '-1', 'never', '9'.repeat(13)].map((until): [string, (text: string) => string] => [
      `usable until ${until}`,
      (text) => text.replace('state: current', `state: current\nusableUntil: ${until}`),
    ]),
  ])('that are %s are refused, and their text is not repeated', async (_, change) => {
    const { path, custody } = await openNew();
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    const error = await failure(custody.publicKeys(), 'custody_refused');
    expect(`${error.message}${error.cause}`).not.toMatch(/BEGIN|hello/);
    await failure(signedBy(custody), 'custody_refused');
  });

  test('may be followed by as many lines as there is room for', async () => {
    const { path, custody } = await openNew();
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text + '\n'.repeat(65_536 - text.length));
    expect(await custody.publicKeys()).toHaveLength(1);
  });

  test.each([null, undefined, 17, '', ' surgery'])('are opened in no zone called %j', async (zone) => {
    const { path } = await openNew();
    const opened = open(path, { zone: zone as string }).then((custody) => custody.publicKeys());
    await failure(opened, 'custody_refused');
  });

  test.each([
    'correct horse',
    ' '.repeat(30),
    `  1234${' '.repeat(30)}`,
    'a'.repeat(22),
    '\u200b'.repeat(22),
    `${'1234567'.repeat(4)}\u200b`,
    'abcdefghijklmnopqrstu',
  ])('a short passphrase encrypts nothing: %j', async (passphrase) => {
    const path = newFile();
    const custody = await open(path, { passphrase: () => passphrase });
    await failure(
      custody.change((ring) => addKey(ring, 'ES256')),
      'custody_refused',
    );
    expect(existsSync(path)).toBe(false);
  });

  test.each(['abcdefghijklmnopqrstuv', '12345678'.repeat(3)])(
    'a passphrase of 22 characters, 8 of them different, encrypts: %j',
    async (passphrase) => {
      const custody = await open(newFile(), { passphrase: () => passphrase });
      expect((await custody.change((ring) => addKey(ring, 'ES256'))).keys).toHaveLength(1);
    },
  );

  test('a short passphrase opens nothing either: the key may have been anywhere with it', async () => {
    const path = newFile();
    const make = ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-aes256'];
    execFileSync('openssl', [...make, '-pass', 'pass:1234', '-out', path], { stdio: 'ignore' });
    chmodSync(path, 0o600);
    const custody = await open(path, { passphrase: () => '1234' });
    await failure(custody.signer.sign([ASSERTION]), 'custody_refused');
  });
});

describe('a key that was replaced', () => {
  test('signs proofs for its tokens until their time is over, and is then gone', async () => {
    let now = 1_790_000_000;
    const path = newFile();
    const custody = await open(path, { now: () => now * 1000 });
    await custody.change((ring) => addKey(ring, 'ES256'));
    const old = (await signedBy(custody)) ?? '';
    const ring = await custody.change((before) => addKey(before, 'ES256'));
    const next = ring.keys[1]?.kid ?? '';
    expect(await signedBy(custody)).toBe(old);
    expect((await custody.signer.sign([{ ...ASSERTION, key: 'newest' }]))[0]?.kid).toBe(next);
    await custody.change((before) => switchKey(before, next, now, now + 3600));
    expect(await signedBy(custody)).toBe(next);
    const proof: Intent = {
      kind: 'dpop_proof',
      client: 'journal',
      method: 'GET',
      url: 'https://api.test/',
      kid: old,
      ath: 'A'.repeat(43),
    };
    expect((await custody.signer.sign([proof]))[0]?.kid).toBe(old);
    now += 3600;
    await failure(custody.signer.sign([proof]), 'key_unknown');
    const third = (await custody.change((before) => addKey(before, 'ES256'))).keys.at(-1)?.kid ?? '';
    const after = await custody.change((before) => switchKey(before, third, now, now + 3600));
    expect(after.keys.map(({ kid }) => kid)).toEqual([third, next]);
  });
});

function generateKey(type: 'pkcs8' | 'sec1' = 'pkcs8'): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type, format: 'pem' }).toString();
}
