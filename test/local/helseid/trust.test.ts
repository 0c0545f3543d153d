import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../../local/aws/http.ts';
import { localCertificate, makeTrust, trustHere } from '../../../local/helseid/certificate.ts';
import { coded } from '../../coded.ts';
import { newFolder } from '../../temporary.ts';

const folder = newFolder();
const own = await localCertificate(join(folder, 'own'));
const other = await localCertificate(join(folder, 'other'));

describe('what functions trust', () => {
  it('is the local certificate alone, where nothing else is asked for', () => {
    expect(makeTrust(own, folder, undefined)).toBe(own.path);
    expect(makeTrust(own, folder, '')).toBe(own.path);
  });

  it('is that and the CAs of a file, in one file', () => {
    const extra = join(folder, 'extra.pem');
    writeFileSync(extra, 'EXTRA');
    const file = makeTrust(own, folder, extra);
    expect(readFileSync(file, 'utf8')).toBe(`${own.cert.trimEnd()}\nEXTRA`);
  });

  it('needs a file that can be read', () => {
    expect(() => makeTrust(own, folder, join(folder, 'nothing'))).toThrow(coded('local_failed'));
  });
});

describe('what this process trusts', () => {
  const asked = async () => {
    const { port, close } = await listen((_, response) => response.end('hello'), 0, own);
    onTestFinished(close);
    return fetch(`https://localhost:${port}`);
  };

  it('is the local certificate beside what it trusted before', async () => {
    const before = tls.getCACertificates('default');
    onTestFinished(() => tls.setDefaultCACertificates(before));
    await expect(asked()).rejects.toMatchObject({ cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
    trustHere(own);
    expect(await (await asked()).text()).toBe('hello');
    trustHere(other);
    expect((await asked()).status).toBe(200);
    const prints = (pems: readonly string[]) => pems.map((pem) => new X509Certificate(pem).fingerprint256);
    const after = prints(tls.getCACertificates('default'));
    expect(after).toEqual(expect.arrayContaining(prints(before)));
  });
});
