import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findKeyMaterial } from '../../../../infra/proof/assembly/contents/find-key-material.ts';
import type { AssemblyStack } from '../../../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../../../infra/proof/assembly/resolve.ts';
import { readInput } from '../../../../infra/proof/read-input.ts';
import { full } from '../../../full.ts';
import system from '../../../one-client.zones.ts';
import { newFolder } from '../../../temporary.ts';
import { inputOf, ruleNamed, zoneNetwork } from '../small-system.ts';

const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBkTCCATegAwIBAgIUB/MUrmOMF2qHQq2uUkJNHDfAUnEwCgYIKoZIzj0EAwIw
HTEbMBkGA1UEAwwSam91cm5hbC5leGFtcGxlLm5vMCAXDTI2MTEyOTIxMzM1OFoY
DzIxMjYxMTA1MjEzMzU4WjAdMRswGQYDVQQDDBJqb3VybmFsLmV4YW1wbGUubm8w
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQHo9zAfOi4gUrb0qPO9l6iISrfbmNm
GYvanBaQsI/zOnwqn9mL7af+omESkrhY67oFJKSJUY+OEiv8To8NrXjpo1MwUTAd
BgNVHQ4EFgQUmGlkJT6JqX5wpD9wrkdOnsoYg7kwHwYDVR0jBBgwFoAUmGlkJT6J
qX5wpD9wrkdOnsoYg7kwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBF
AiBQwqcc6H1d7fy49CCU1A8JIFUpv4zvgUYwbAm6+Rvl1AIhAJNXrGCk7MLuKinZ
btjeRBa5T7TJcvGo3yBcT0Lff43F
-----END CERTIFICATE-----`;

const onlySignersCanSign = ruleNamed('only-signers-can-sign');
const noKeyMaterial = ruleNamed('no-key-material');

function asset(name: string, text: string): ReadonlyMap<string, string> {
  const folder = newFolder();
  writeFileSync(join(folder, name), text);
  return new Map([['code.zip', folder]]);
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const { d: scalar = '' } = privateKey.export({ format: 'jwk' });
const rsaPair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsa = rsaPair.privateKey;

describe('findKeyMaterial', () => {
  it.each([
    ['PEM', privateKey.export({ type: 'pkcs8', format: 'pem' })],
    ['private JWK', JSON.stringify(privateKey.export({ format: 'jwk' }))],
    ['private JWK', JSON.stringify(JSON.stringify(privateKey.export({ format: 'jwk' })))],
    ['private JWK', `{kty:"oct",k:"${'a1B2'.repeat(11)}"}`],
    [
      'private key in hex',
      `priv:${printed(Buffer.from(scalar, 'base64url').toString('hex').match(/../g) ?? [])}`,
    ],
    ['private key in DER', privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')],
    ['private key in DER', privateKey.export({ type: 'pkcs8', format: 'der' }).toString('hex')],
    ['private key in DER', privateKey.export({ type: 'sec1', format: 'der' }).toString('base64')],
    ['private key in DER', rsa.export({ type: 'pkcs1', format: 'der' }).toString('base64')],
    ['private key in DER', rsa.export({ type: 'pkcs8', format: 'der' }).toString('base64url')],
  ])('finds %s', (kind, text) => {
    expect(findKeyMaterial(`const x = '${text}';`).map((found) => found.kind)).toContain(kind);
  });

  it('takes nearly every random 256-bit value in a configuration for a key', () => {
    const values = fc.sample(
      fc.uint8Array({ minLength: 32, maxLength: 32, size: 'max' }).map((bytes) => Buffer.from(bytes)),
      { seed: 7, numRuns: 500 },
    );
    const random = values.filter((bytes) => new Set(bytes).size > 20);
    const found = random.filter(
      (bytes) => findKeyMaterial(bytes.toString('base64url'), { entropy: true }).length > 0,
    );
    expect(random.length).toBeGreaterThan(100);
    expect(found.length / random.length).toBeGreaterThan(0.95);
  });
});

/** Ways to write a key, and ways to write such a text again. */
const FORMS: Readonly<Record<string, (key: KeyObject) => string>> = {
  'PKCS#8 in PEM': (key) => key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  'PKCS#8 in base64': (key) => key.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
  'PKCS#8 in base64url': (key) => key.export({ type: 'pkcs8', format: 'der' }).toString('base64url'),
  'PKCS#8 in hex': (key) => key.export({ type: 'pkcs8', format: 'der' }).toString('hex'),
  'PKCS#8 in pairs of hex': (key) =>
    key
      .export({ type: 'pkcs8', format: 'der' })
      .toString('hex')
      .replace(/..(?!$)/g, '$&:')
      .toUpperCase(),
  'PKCS#8 as numbers': (key) => JSON.stringify(key.export({ type: 'pkcs8', format: 'der' })),
  'PKCS#8 in hex, with commas': (key) => pairs(key).join(', '),
  'PKCS#8 in hex, by hyphens': (key) => pairs(key).join('-'),
  'PKCS#8 in hex, by bars': (key) => pairs(key).join(' | '),
  'PKCS#8 as numbers by hyphens': (key) => derOf(key).join('-'),
  'PKCS#8 in hex, by hyphens and blanks': (key) => pairs(key).join(' - '),
  'PKCS#8 as numbers by hyphens and blanks': (key) => derOf(key).join(' - '),
  'PKCS#8 as signed numbers by hyphens': (key) => [...new Int8Array(derOf(key))].join('-'),
  'PKCS#8 as signed numbers by hyphens and blanks': (key) => [...new Int8Array(derOf(key))].join(' - '),
  'PKCS#8 as words by hyphens': (key) => wordsOf(key, (bytes, at) => bytes.readUInt32BE(at)).join('-'),
  'PKCS#8 as words by hyphens and blanks': (key) =>
    wordsOf(key, (bytes, at) => bytes.readUInt32LE(at)).join(' - '),
  'PKCS#8 as signed words by hyphens': (key) => wordsOf(key, (bytes, at) => bytes.readInt32LE(at)).join('-'),
  'PKCS#8 as words in hex by hyphens': (key) =>
    wordsOf(key, (bytes, at) => `0x${bytes.readUInt32LE(at).toString(16)}`).join('-'),
  'PKCS#8 as words in bare hex': (key) => wordsOf(key, (bytes, at) => swapped(bytes, at)).join(' '),
  'PKCS#8 as numbers by colons': (key) => derOf(key).join(':'),
  'PKCS#8 as numbers by semicolons and ends of lines': (key) => derOf(key).join(';\n'),
  'PKCS#8 in hex, in strings': (key) => JSON.stringify(pairs(key)),
  'PKCS#8 in hex, in short lines': (key) => hexOf(key).replace(/.{32}/g, '$&\n'),
  'PKCS#8 as OpenSSL prints bytes': (key) => printed(pairs(key)),
  'PKCS#8 as numbers in hex': (key) => `[${pairs(key).map((pair) => `0x${pair}`)}]`,
  'PKCS#8 as numbers by blanks': (key) => derOf(key).join(' '),
  'PKCS#8 as signed numbers': (key) => [...new Int8Array(derOf(key))].join(','),
  'PKCS#8 as JSON of bytes': (key) => JSON.stringify(new Uint8Array(derOf(key))),
  'PKCS#8 as words': (key) => wordsOf(key, (bytes, at) => bytes.readUInt32LE(at)).join(', '),
  'PKCS#8 as signed words': (key) => wordsOf(key, (bytes, at) => bytes.readInt32BE(at)).join(','),
  'PKCS#8 as words in hex': (key) =>
    wordsOf(key, (bytes, at) => `0x${bytes.readUInt32BE(at).toString(16)}`).join(', '),
  'PKCS#8 in base64, in short lines': (key) => derOf(key).toString('base64').replace(/.{32}/g, '$&\n'),
  'PKCS#8 in base64, in pieces': (key) => JSON.stringify(piecesOf(derOf(key).toString('base64'))),
  'PKCS#8 in base64, as a sum': (key) => `"${piecesOf(derOf(key).toString('base64url')).join('" +\n  "')}"`,
  'encrypted PKCS#8 in PEM': (key) =>
    key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }).toString(),
  'encrypted PKCS#8 in base64': (key) =>
    key.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: 'x' }).toString('base64'),
  'a form of its own in PEM': (key) => key.export({ ...ownForm(key), format: 'pem' }).toString(),
  'a form of its own in base64': (key) => key.export({ ...ownForm(key), format: 'der' }).toString('base64'),
  'a JWK': (key) => JSON.stringify(key.export({ format: 'jwk' })),
  'a JWK in lines': (key) => JSON.stringify(key.export({ format: 'jwk' }), undefined, 2),
  'a JWK in a JWKS': (key) => JSON.stringify({ keys: [{ kid: 'a', ...key.export({ format: 'jwk' }) }] }),
  'a JWK in YAML': (key) =>
    `keys:\n- ${Object.entries(key.export({ format: 'jwk' }))
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n  ')}\n`,
  'a member of a JWK in code': (key) => `key["d"] = "${key.export({ format: 'jwk' }).d}";`,
  'a property in code': (key) => `key.d='${key.export({ format: 'jwk' }).d}'`,
  'a JWK with an escaped name': (key) => `{"\\u0064":"${key.export({ format: 'jwk' }).d}"}`,
  'a JWK in code': (key) => `{kty:"x",d:"${key.export({ format: 'jwk' }).d}"}`,
  'PKCS#12': (key) => pkcs12(key).toString('base64'),
};

const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  'a string of JSON': JSON.stringify,
  'a string of JSON twice': (text) => JSON.stringify(JSON.stringify(text)),
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64 in base64': (text) => Buffer.from(Buffer.from(text).toString('base64')).toString('base64'),
  'base64 in lines': (text) => Buffer.from(text).toString('base64').replace(/.{76}/g, '$&\n'),
  'base64 of UTF-16': (text) => Buffer.from(text, 'utf16le').toString('base64'),
  'base64 of JSON': (text) => Buffer.from(JSON.stringify({ key: text })).toString('base64'),
  hex: (text) => Buffer.from(text).toString('hex'),
  'in a text': (text) => `key/${text}`,
};

const derOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'der' });
const hexOf = (key: KeyObject) => derOf(key).toString('hex');
const pairs = (key: KeyObject) => hexOf(key).match(/../g) ?? [];
const printed = (of: readonly string[]) =>
  of.map((pair, index) => `${index % 15 === 0 ? '\n    ' : ''}${pair}:`).join('');
const piecesOf = (text: string) => text.match(/.{1,24}/g) ?? [];

function wordsOf<Word>(key: KeyObject, read: (bytes: Buffer, at: number) => Word): Word[] {
  const bytes = Buffer.concat([derOf(key), Buffer.alloc(3)]);
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => read(bytes, 4 * index));
}

/** The word at a place, least byte first, in eight digits. */
const swapped = (bytes: Buffer, at: number) => bytes.readUInt32LE(at).toString(16).padStart(8, '0');

function ownForm(key: KeyObject): { type: 'pkcs1' | 'sec1' | 'pkcs8' } {
  return {
    type: key.asymmetricKeyType === 'rsa' ? 'pkcs1' : key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs8',
  };
}

/** PFX (RFC 7292) as far as its beginning tells it: version, ContentInfo with data. */
function pkcs12(key: KeyObject): Buffer {
  const element = (tag: number, content: Buffer) => {
    const length = Buffer.from([0x82, content.length >> 8, content.length & 255]);
    return Buffer.concat([Buffer.from([tag]), length, content]);
  };
  const data = Buffer.from('06092a864886f70d010701', 'hex');
  const bag = element(
    0xa0,
    element(4, key.export({ ...ownForm(key), format: 'der' }).map((byte) => byte ^ 0x5a) as Buffer),
  );
  const bags = element(0x30, Buffer.concat([data, bag]));
  return element(0x30, Buffer.concat([Buffer.from('020103', 'hex'), bags]));
}

const anyPair = fc.constantFrom(
  ...(['P-256', 'P-384', 'P-521'] as const).map(
    (namedCurve) => () => generateKeyPairSync('ec', { namedCurve }),
  ),
  () => generateKeyPairSync('ed25519'),
  () => rsaPair,
);

const only = (Type: string, Properties: object, more: object = {}): Partial<AssemblyStack> => ({
  template: { Resources: { It: { Type: `AWS::${Type}`, Properties, ...more } } },
});
const withVariables = (Variables: object) => only('Lambda::Function', { Environment: { Variables } });
const piecesOf20 = (text: string) => text.match(/[\s\S]{1,20}/g) ?? [];
/** Where a text may stand in what is deployed: as the stack that has it there, or a file of an asset. */
const PLACES: Readonly<Record<string, (text: string) => Partial<AssemblyStack>>> = {
  'an environment': (text) => withVariables({ A: text }),
  'a secret': (text) => only('SecretsManager::Secret', { SecretString: text }),
  'a parameter': (text) => only('SSM::Parameter', { Value: text }),
  'a tag': (text) => only('SQS::Queue', { Tags: [{ Key: 'a', Value: text }] }),
  'metadata of a resource': (text) => only('SQS::Queue', {}, { Metadata: { a: { b: text } } }),
  'a branch that is not taken': (text) => ({
    template: {
      Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
      Resources: {
        It: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { 'Fn::If': ['Never', text, 'queue'] } } },
        Other: { Type: 'AWS::SQS::Queue', Condition: 'Never', Properties: { QueueName: text } },
      },
    },
  }),
  'parts of an output': (text) => ({
    template: { Outputs: { A: { Value: { 'Fn::Join': ['', piecesOf20(text)] } } } },
  }),
  ...Object.fromEntries(
    ['Description', 'Metadata', 'Mappings', 'Conditions', 'Rules', 'Outputs', 'Parameters', 'Hooks'].map(
      (section) => [
        section,
        (text: string) => ({
          template: { [section]: section === 'Description' ? text : { A: { B: { C: text } } } },
        }),
      ],
    ),
  ),
  'the variables of a function, one after the other': (text) =>
    withVariables(Object.fromEntries(piecesOf20(text).map((part, at) => [`V${at}`, part]))),
  'a list': (text) => ({ template: { Metadata: { a: piecesOf20(text) } } }),
  'a list of bytes': (text) => ({ template: { Metadata: { a: [...Buffer.from(text)] } } }),
  'a name': (text) => ({ template: { Metadata: { [text]: 1 } } }),
  'a tag of the stack': (text) => ({ deployment: { tags: { a: text } } }),
  'a parameter of the stack': (text) => ({ deployment: { parameters: { a: text } } }),
  code: (text) => withFile('index.mjs', `const key = ${JSON.stringify(text)};`),
  'a configuration': (text) => withFile('config.json', JSON.stringify({ a: text })),
  'a file': (text) => withFile('key', text),
  'a file of UTF-16': (text) => withFile('key', `\0${[...text].join('\0')}`),
};

function withFile(name: string, text: string): Partial<AssemblyStack> {
  return { ...only('Lambda::Function', { Code: { S3Key: 'code.zip' } }), assets: asset(name, text) };
}

function foundIn(stack: Partial<AssemblyStack>): string[] {
  const assembly = resolveAssembly({
    stacks: [
      {
        name: 'a',
        account: undefined,
        region: undefined,
        template: {},
        assets: new Map(),
        constructPaths: new Map(),
        ...stack,
      },
    ],
  });
  return noKeyMaterial.check(readInput(assembly, system)).map(({ message }) => message);
}

/** What is public, though it is random. */
const PUBLIC: Readonly<Record<string, (pair: { publicKey: KeyObject }) => string>> = {
  'a public JWK': ({ publicKey }) => JSON.stringify(publicKey.export({ format: 'jwk' })),
  'a JWKS': ({ publicKey }) =>
    JSON.stringify({
      keys: [{ kid: thumbprint(publicKey), use: 'sig', ...publicKey.export({ format: 'jwk' }) }],
    }),
  'a JWKS in a string': (pair) => JSON.stringify(PUBLIC['a JWKS']?.(pair)),
  'a public key in PEM': ({ publicKey }) => publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  'a public key in DER': ({ publicKey }) =>
    publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
  'a public key in hex': ({ publicKey }) => publicKey.export({ type: 'spki', format: 'der' }).toString('hex'),
  'a kid': ({ publicKey }) => JSON.stringify({ kid: thumbprint(publicKey) }),
  'an integrity hash': ({ publicKey }) => `sha512-${digest('sha512', publicKey, 'base64')}`,
  'a digest': ({ publicKey }) => digest('sha256', publicKey, 'hex'),
  'a UUID': () => randomUUID(),
  'a picture': ({ publicKey }) =>
    `data:image/png;base64,iVBORw0KGgo${Buffer.from(digest('sha512', publicKey, 'hex').repeat(5), 'hex').toString('base64')}`,
  'a certificate': () => CERTIFICATE,
  'an ARN': () => 'arn:aws:lambda:eu-north-1:000000000000:function:journal-signer-journal-public',
};

function digest(hash: string, key: KeyObject, encoding: 'hex' | 'base64' | 'base64url'): string {
  return createHash(hash)
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest(encoding);
}

const thumbprint = (key: KeyObject) => digest('sha256', key, 'base64url');

describe('any private key', () => {
  const forms = fc.constantFrom(...Object.keys(FORMS));
  const encodings = fc.constantFrom(...Object.keys(ENCODINGS));
  const places = fc.constantFrom(...Object.keys(PLACES));

  it('in any form, encoding and place is found', () => {
    fc.assert(
      fc.property(anyPair, forms, encodings, places, (pair, form, encoding, place) => {
        const text = ENCODINGS[encoding]?.(FORMS[form]?.(pair().privateKey) ?? '') ?? '';
        expect(foundIn(PLACES[place]?.(text) ?? {})).not.toEqual([]);
      }),
      { numRuns: full(1000) },
    );
  });

  it.each(Object.keys(FORMS))('as %s, in each encoding', (form) => {
    const text = FORMS[form]?.(privateKey) ?? '';
    for (const [name, encode] of Object.entries(ENCODINGS))
      expect(findKeyMaterial(encode(text)), name).not.toEqual([]);
  });

  it.each(['PKCS#8 in PEM', 'PKCS#8 in base64', 'PKCS#8 in hex', 'a JWK'])(
    'as %s in a StringList',
    (form) => {
      const pieces = piecesOf20(FORMS[form]?.(privateKey) ?? '');
      for (const Value of [pieces.join(','), pieces.join(', ')])
        expect(foundIn(only('SSM::Parameter', { Type: 'StringList', Value }))).not.toEqual([]);
    },
  );

  it.each(Object.keys(PLACES))('in %s', (place) => {
    expect(foundIn(PLACES[place]?.(FORMS['PKCS#8 in PEM']?.(privateKey) ?? '') ?? {})).not.toEqual([]);
  });
});

describe('what is public', () => {
  it('is found nowhere', () => {
    const texts = fc.constantFrom(...Object.keys(PUBLIC));
    const places = fc.constantFrom(...Object.keys(PLACES));
    fc.assert(
      fc.property(anyPair, texts, places, (pair, name, place) => {
        expect(foundIn(PLACES[place]?.(PUBLIC[name]?.(pair()) ?? '') ?? {})).toEqual([]);
      }),
      { numRuns: full(1000) },
    );
  });

  it.each(['KID', 'signingKid', 'KEY_ID', 'PUBLIC_KEY_THUMBPRINT', 'Integrity'])(
    'is a digest in a variable %s',
    (name) => {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      expect(foundIn(withVariables({ [name]: thumbprint(publicKey) }))).toEqual([]);
    },
  );

  it('is code that reads keys', () => {
    const code = 'if(!pem.startsWith("-----BEGIN PRIVATE KEY-----"))throw new TypeError("not PKCS#8");';
    expect(findKeyMaterial(code)).toEqual([]);
  });
});

describe('a secret that a deploy would write', () => {
  const inEnvironment = (value: unknown): Partial<AssemblyStack> => ({
    template: { ...withVariables({ A: value }).template, Parameters: { Name: { Type: 'String' } } },
  });
  const begins = { 'Fn::If': ['C', '{{resolv', ''] };
  const REFERENCE = '{{resolve:secretsmanager:journal/other:SecretString:key}}';

  it.each<[string, Partial<AssemblyStack>]>([
    ['a secret in an environment', inEnvironment(REFERENCE)],
    ['a secure parameter in an environment', inEnvironment('{{resolve:ssm-secure:/key:1}}')],
    ['a secret in parts', inEnvironment({ 'Fn::Join': ['', ['{{resolve:secrets', 'manager:a}}']] })],
    [
      'a secret by a name that the deploy decides',
      inEnvironment({ 'Fn::Sub': '{{resolve:secretsmanager:${Name}}}' }),
    ],
    ['what the deploy decides', inEnvironment({ 'Fn::Sub': '{{resolve:${Name}:a}}' })],
    ...['Description', 'Outputs', 'Metadata', 'a tag', 'metadata of a resource', 'a tag of the stack'].map(
      (place): [string, Partial<AssemblyStack>] => [`a secret in ${place}`, PLACES[place]?.(REFERENCE) ?? {}],
    ),
    [
      'a secret whose beginning the deploy decides',
      inEnvironment({ 'Fn::Join': ['', [{ Ref: 'Name' }, 'resolve:secretsmanager:a}}']] }),
    ],
    ['where a condition begins it', inEnvironment({ 'Fn::Join': ['', [begins, 'e:secretsmanager:a}}']] })],
    ...['{', '{{', '{resolv', '{{resolve:secrets'].map((Default): [string, Partial<AssemblyStack>] => [
      `a parameter that begins one: ${Default}`,
      { template: { Parameters: { A: { Type: 'String', Default } } } },
    ]),
    ['a map that begins one', { template: { Mappings: { A: { a: { a: '{{' } } } } }],
    ['a secret by the parameter store', inEnvironment('{{resolve:ssm:/aws/reference/secretsmanager/a}}')],
    ['a parameter that is a secret', { template: { Parameters: { Key: { Type: 'String', NoEcho: true } } } }],
    ['the same in words', { template: { Parameters: { Key: { Type: 'String', NoEcho: 'true' } } } }],
  ])('%s', (_name, stack) => {
    expect(foundIn(stack)).toEqual([
      expect.stringMatching(/has a deploy write a secret|is a secret \(NoEcho\)/),
    ]);
  });

  it('but not a plain parameter, nor a word', () => {
    expect(foundIn(inEnvironment('{{resolve:ssm:/journal/level:1}}'))).toEqual([]);
    expect(foundIn(inEnvironment('route53resolver:x, resolve: x, {"a":{"b":1}} and {'))).toEqual([]);
  });
});

describe('rules about contents', () => {
  const network = zoneNetwork('10.10.0.0/20');
  const secretValue = 'qX2vPp0kJm4tYcWb7RzN9sLdEaUfHg3iKoVx1B5uTjA';

  it('finds random text of a key’s length in a variable', () => {
    expect(foundIn(withVariables({ KEY: secretValue }))).not.toEqual([]);
  });
  it('finds key material in code and in the files beside it, and never repeats it; other code is none', () => {
    const found = (name: string, text: string) =>
      noKeyMaterial.check(inputOf({ 'journal-zone-public': network }, asset(name, text)));
    const pem = JSON.stringify(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    expect(found('index.mjs', `const key = ${pem};`)).toHaveLength(1);
    const configured = found('config.json', JSON.stringify({ key: secretValue }));
    expect(configured).toHaveLength(1);
    expect(JSON.stringify(configured)).not.toContain(secretValue);
    expect(found('index.mjs', 'export const x = 1;')).toEqual([]);
  });

  it.each([
    'fetch(u,{headers:{"x-amz-target":"TrentService.Sign"}})',
    'new SignCommand({})',
    'op("TrentService","Sign")',
  ])('lets only signers carry %s', (code) => {
    const assets = asset('index.mjs', code);
    expect(onlySignersCanSign.check(inputOf({ 'journal-zone-public': network }, assets))).toHaveLength(1);
    expect(onlySignersCanSign.check(inputOf({ 'journal-signing': network }, assets))).toEqual([]);
  });

  it('lets the admin zone carry the other calls of KMS', () => {
    const assets = asset('index.mjs', 'op("TrentService","CreateKey");op("TrentService.GetPublicKey")');
    expect(onlySignersCanSign.check(inputOf({ 'journal-zone-admin': network }, assets))).toEqual([]);
  });
});
