import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../local/aws/http.ts';
import { createCa } from '../../local/helseid/ca.ts';
import { makeTrust, trustHere } from '../../local/helseid/trust.ts';
import { newFolder } from '../temporary.ts';

const folder = newFolder();
const ca = await createCa(join(folder, 'ca'));
const other = await createCa(join(folder, 'other'));

describe('what functions trust', () => {
  it('is the local CA alone, where nothing else is asked for', () => {
    expect(makeTrust(ca, folder, undefined)).toBe(ca.certificatePath);
    expect(makeTrust(ca, folder, '')).toBe(ca.certificatePath);
  });

  it('is that and the CAs of a file, in one file', () => {
    const extra = join(folder, 'extra.pem');
    writeFileSync(extra, 'EXTRA');
    const file = makeTrust(ca, folder, extra);
    expect(readFileSync(file, 'utf8')).toBe(`${ca.certificatePem.trimEnd()}\nEXTRA`);
  });

  it('needs a file that can be read', () => {
    expect(() => makeTrust(ca, folder, join(folder, 'nothing'))).toThrow(
      expect.objectContaining({ code: 'local_failed' }),
    );
  });
});

describe('what this process trusts', () => {
  const asked = async () => {
    const { port, close } = await listen((_, response) => response.end('hello'), 0, ca.leaf);
    onTestFinished(close);
    return fetch(`https://localhost:${port}`);
  };

  it('is the local CA beside what it trusted before', async () => {
    const before = tls.getCACertificates('default');
    onTestFinished(() => tls.setDefaultCACertificates(before));
    await expect(asked()).rejects.toMatchObject({ cause: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' } });
    trustHere(ca);
    expect(await (await asked()).text()).toBe('hello');
    trustHere(other);
    expect((await asked()).status).toBe(200);
    const prints = (pems: readonly string[]) => pems.map((pem) => new X509Certificate(pem).fingerprint256);
    const after = prints(tls.getCACertificates('default'));
    expect(after).toEqual(expect.arrayContaining(prints(before)));
  });
});
