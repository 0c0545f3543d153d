import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { listenWith } from '../../local/http.ts';
import { createCa } from '../../local/stand-in/ca.ts';
import { makeTrust } from '../../local/trust.ts';
import { createTrustingFetch } from '../../local/trusting-fetch.ts';

const folder = mkdtempSync(join(tmpdir(), 'trust-'));
afterAll(() => rmSync(folder, { recursive: true }));
const ca = await createCa(join(folder, 'ca'));
const other = await createCa(join(folder, 'other'));

describe('what functions trust', () => {
  it('is the local CA alone, where nothing else is asked for', () => {
    expect(makeTrust(ca, folder, undefined)).toEqual({ file: ca.certificatePath, pem: ca.certificatePem });
    expect(makeTrust(ca, folder, '').file).toBe(ca.certificatePath);
  });

  it('is that and the CAs of a file, in one file', () => {
    const extra = join(folder, 'extra.pem');
    writeFileSync(extra, 'EXTRA');
    const { file, pem } = makeTrust(ca, folder, extra);
    expect(pem).toBe(`${ca.certificatePem.trimEnd()}\nEXTRA`);
    expect(readFileSync(file, 'utf8')).toBe(pem);
  });

  it('needs a file that can be read', () => {
    expect(() => makeTrust(ca, folder, join(folder, 'nothing'))).toThrow(
      expect.objectContaining({ code: 'local_failed' }),
    );
  });
});

describe('the fetch of the local system', () => {
  async function serve() {
    const server = createServer(ca.leaf, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        response.writeHead(request.url === '/empty' ? 204 : 201, {
          'x-method': request.method,
          'set-cookie': ['a=1', 'b=2'],
        });
        response.end(`${request.headers['content-type']} ${Buffer.concat(chunks)}`);
      });
    });
    const listening = await listenWith(server, 0, 'https');
    onTestFinished(listening.close);
    return `https://localhost:${listening.port}`;
  }

  it('trusts the local CA, and sends and receives as fetch does', async () => {
    const url = await serve();
    const send = createTrustingFetch(ca.certificatePem);
    const response = await send(`${url}/x`, { method: 'POST', body: new URLSearchParams({ a: 'b c' }) });
    expect([response.status, response.headers.get('x-method'), response.headers.getSetCookie()]).toEqual([
      201,
      'POST',
      ['a=1', 'b=2'],
    ]);
    expect(await response.text()).toBe('application/x-www-form-urlencoded a=b+c');
    expect((await send(`${url}/empty`)).status).toBe(204);
  });

  it('trusts the CA of another local system beside its own', async () => {
    const url = await serve();
    for (const pem of [other.certificatePem + ca.certificatePem, ca.certificatePem + other.certificatePem])
      expect((await createTrustingFetch(pem)(`${url}/empty`)).status).toBe(204);
  });

  it('trusts no other', async () => {
    const url = await serve();
    await expect(createTrustingFetch(other.certificatePem)(url)).rejects.toThrow();
    await expect(fetch(url)).rejects.toThrow();
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort();
    await expect(createTrustingFetch(ca.certificatePem)(await serve(), { signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
