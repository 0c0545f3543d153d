import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findKeyMaterial } from '../../../../infra/proof/assembly/contents/find-key-material.ts';
import { newFolder } from '../../../temporary.ts';
import { inputOf, ruleNamed, zoneNetwork } from '../small-system.ts';

const onlySignersCanSign = ruleNamed('only-signers-can-sign');
const noKeyMaterial = ruleNamed('no-key-material');

function asset(name: string, text: string): ReadonlyMap<string, string> {
  const folder = newFolder();
  writeFileSync(join(folder, name), text);
  return new Map([['code.zip', folder]]);
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

describe('findKeyMaterial', () => {
  it.each([
    ['PEM', privateKey.export({ type: 'pkcs8', format: 'pem' })],
    ['private JWK', JSON.stringify(privateKey.export({ format: 'jwk' }))],
    ['private JWK', JSON.stringify(JSON.stringify(privateKey.export({ format: 'jwk' })))],
    ['private JWK', `{kty:"oct",k:"${'a1B2'.repeat(11)}"}`],
    ['PKCS#8', privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')],
    ['PKCS#8', privateKey.export({ type: 'pkcs8', format: 'der' }).toString('hex')],
    ['PKCS#8', privateKey.export({ type: 'sec1', format: 'der' }).toString('base64')],
    ['PKCS#8', rsa.export({ type: 'pkcs1', format: 'der' }).toString('base64')],
    ['PKCS#8', rsa.export({ type: 'pkcs8', format: 'der' }).toString('base64url')],
  ])('finds %s', (kind, text) => {
    expect(findKeyMaterial(`const x = '${text}';`).map((found) => found.kind)).toContain(kind);
  });

  it.each([
    ['a public JWK', JSON.stringify(rsa.export({ format: 'jwk' }), ['kty', 'n', 'e'])],
    ['a public key', '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE'],
    ['an ARN', 'arn:aws:lambda:eu-north-1:000000000000:function:journal-signer-journal-public'],
    ['a SHA-256 in hex', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ])('passes %s', (_name, text) => {
    expect(findKeyMaterial(text)).toEqual([]);
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

describe('rules about contents', () => {
  const network = zoneNetwork('10.10.0.0/20');
  const secretValue = 'qX2vPp0kJm4tYcWb7RzN9sLdEaUfHg3iKoVx1B5uTjA';

  it.each([
    [
      'an environment variable',
      {
        Function: {
          Type: 'AWS::Lambda::Function',
          Properties: { Environment: { Variables: { KEY: secretValue } } },
        },
      },
    ],
    [
      'a secret',
      {
        Secret: {
          Type: 'AWS::SecretsManager::Secret',
          Properties: { SecretString: JSON.stringify(privateKey.export({ format: 'jwk' })) },
        },
      },
    ],
    [
      'a parameter',
      {
        Parameter: {
          Type: 'AWS::SSM::Parameter',
          Properties: { Value: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
        },
      },
    ],
  ])('finds key material in %s', (_name, resources) => {
    expect(noKeyMaterial.check(inputOf({ 'journal-zone-public': { ...network, ...resources } }))).not.toEqual(
      [],
    );
    expect(
      noKeyMaterial.check(
        inputOf({ 'journal-zone-public': network }, asset('index.mjs', 'export const x = 1;')),
      ),
    ).toEqual([]);
  });

  it('finds key material in code and in the files beside it, and never repeats it', () => {
    const code = asset(
      'index.mjs',
      `const key = ${JSON.stringify(privateKey.export({ type: 'pkcs8', format: 'pem' }))};`,
    );
    const config = asset('config.json', JSON.stringify({ key: secretValue }));
    for (const assets of [code, config]) {
      const found = noKeyMaterial.check(inputOf({ 'journal-zone-public': network }, assets));
      expect(found).toHaveLength(1);
      expect(JSON.stringify(found)).not.toContain(secretValue);
    }
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
