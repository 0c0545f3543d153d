import { parsePkcs11Uri } from '@helseid-zones/client/custody/pkcs11-uri';
import { parseCustodyUri } from '@helseid-zones/client/custody/uri';
import { CUSTODIES, requireOneZone } from '@helseid-zones/protocol/custody';
import { isZonesError } from '@helseid-zones/protocol/errors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const KEY = 'arn:aws:kms:eu-north-1:111122223333:key/1234-abcd';
const SECRET = 'arn:aws:secretsmanager:eu-north-1:111122223333:secret:journal/key-AbCdEf';

const codeOf = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    return isZonesError(error) ? error.code : String(error);
  }
};

describe('the URI of a custody', () => {
  test.each([
    ['file:///var/lib/journal/key.pem', '/var/lib/journal/key.pem', 0o600],
    ['file:///var/run/secrets/key%20one.pem?mode=440', '/var/run/secrets/key one.pem', 0o440],
    [`awskms:///${KEY},${KEY}`, `${KEY},${KEY}`, 0],
    [`secretsmanager:///${SECRET}`, SECRET, 0],
    ['postgres://journal@db/journal', 'postgres://journal@db/journal', 0],
    ...[
      'postgres://%2Fvar%2Frun%2Fpostgresql/journal?application_name=journal',
      'postgres://journal@db:5432/journal?sslmode=verify-full&sslrootcert=/etc/ca.pem',
    ].map((uri): [string, string, number] => [uri, uri, 0]),
    ['pkcs11:object=journal', 'pkcs11:object=journal', 0],
    ['postgresql://journal@db/journal', 'postgres://journal@db/journal', 0],
  ])('%s', (uri, place, mode) => {
    expect(parseCustodyUri(uri)).toEqual({
      scheme: uri.slice(0, uri.indexOf(':') + 1).replace('postgresql:', 'postgres:'),
      place,
      mode,
    });
  });

  test.each([
    ...`https://vault.example.no/key /var/lib/key.pem file://server/key.pem file:///key.pem?mode=644
    file:///key.pem?passphrase=abc file:///key.pem?mode=constructor file:///key.pem?mode=__proto__ file:///key.pem?mode=
    file:///key.pem?mode=600&mode=640 file:///key.pem#of-journal file:///key.pem# file:key.pem file:///a%2Fkey.pem
    file:///key.pem%00 awskms:///%zz awskms:///% awskms:///${SECRET} awskms:///${KEY}, secretsmanager://host/${SECRET} secretsmanager:///${SECRET},${SECRET}
    awskms:///alias/journal`.split(/\s+/),
    ...`//journal:hunter2@db/journal //db/journal?user=journal%3Ahunter2 //journal%3Ahunter2@db/journal
    journal:hunter2@db/journal /journal:hunter2@db/journal`
      .split(/\s+/)
      .map((rest) => `postgres:${rest}`),
    ...`?password=hunter2 ?passwor%64=hunter2 ?sslmode=no-verify ?sslmode=require ?sslmode=verify-full&sslmode=no-verify
    ?ssl=no-verify ?sslmode=verify-full&uselibpqcompat=true ?host=elsewhere ?options=-c%20x #password=hunter2
    ?application_name=%zz`
      .split(/\s+/)
      .map((rest) => `postgres://journal@db/journal${rest}`),
    'postgresql://journal:hunter2@db/journal',
    'postgres://jour nal@db/journal',
  ])('%s is refused', (uri) => {
    expect(codeOf(() => parseCustodyUri(uri))).toBe('custody_refused');
    expect(() => parseCustodyUri(uri)).not.toThrow(/hunter2|abc/);
  });
});

test('whatever comes after a scheme, it is read or refused', () => {
  const part = fc.oneof(
    fc.string(),
    fc.constantFrom('//', '///', '%', '%00', '?mode=', '#', '@', KEY, SECRET),
  );
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(CUSTODIES)), fc.array(part), (scheme, parts) => {
      const code = codeOf(() => parseCustodyUri(scheme + parts.join('')));
      expect([undefined, 'custody_refused']).toContain(code);
    }),
  );
});

describe('a PKCS#11 URI (RFC 7512)', () => {
  test('names token, key and module', () => {
    const uri =
      'pkcs11:token=HelseID%20test;object=journal;id=%01%ff;type=private?module-path=/usr/lib/m.so&pin-source=file:/run/pin';
    expect(parsePkcs11Uri(uri)).toEqual({
      path: { token: 'HelseID test', object: 'journal' },
      id: Buffer.from([1, 255]),
      query: { 'module-path': '/usr/lib/m.so', 'pin-source': 'file:/run/pin' },
    });
  });

  test.each([
    ['a PIN', 'pkcs11:object=a?pin-value=1234'],
    ['a PIN in its path', 'pkcs11:object=a;pin-value=1234'],
    ['no key', 'pkcs11:token=a'],
    ['a public key', 'pkcs11:object=a;type=public'],
    ['an attribute twice', 'pkcs11:object=a;object=b'],
    ['what is not known', 'pkcs11:object=a;x-label=b'],
    ['half an escape', 'pkcs11:object=a%4'],
    ['another scheme', 'pkcs12:object=a'],
    ['a fragment', 'pkcs11:object=a#b'],
  ])('with %s is refused', (_, uri) => {
    expect(codeOf(() => parsePkcs11Uri(uri))).toBe('custody_refused');
    expect(() => parsePkcs11Uri(uri)).not.toThrow(/1234/);
  });

  test('whatever bytes its id has, they are read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (id) => {
        const text = [...id].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
        expect([...(parsePkcs11Uri(`pkcs11:id=${text}`).id ?? [])]).toEqual([...id]);
      }),
    );
  });

  test('whatever it is, it is read or refused', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect([undefined, 'custody_refused']).toContain(codeOf(() => parsePkcs11Uri(`pkcs11:${text}`)));
      }),
    );
  });
});

describe('the rule of the guideline', () => {
  test.each(Object.entries(CUSTODIES))('%s in two zones', (scheme, { extractable }) => {
    const code = codeOf(() => requireOneZone(scheme as 'file:', ['public', 'internal']));
    expect(code).toBe(extractable ? 'custody_shared' : undefined);
    expect(codeOf(() => requireOneZone(scheme as 'file:', ['public']))).toBeUndefined();
  });
});
