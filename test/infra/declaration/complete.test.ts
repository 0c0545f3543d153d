import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { loadSystem } from '../../../infra/declaration/load.ts';
import { FULL } from '../../full.ts';

/** What is written in zones.ts, unsaved, with a place where the cursor stands before the word that it is called by. */
const TEXT = `
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { defineSystem } from './infra/declaration/define.ts';
const client = { clientId: 'c', issuer: 'https://i', algorithm: 'ES256', tenancy: 'single-tenant', profile: helseIdProfile } as const;
const api = { baseUrl: 'https://a', audience: 'a', scopes: ['a'] } as const;
defineSystem({
  name: 'journal',
  clients: { portal: client, submission: client },
  apis: { documents: api, summaries: api },
  signing: { cidr: '10.0.0.0/16' },
  zones: {
    public: {
      cidr: '10.1.0.0/16',
      gateway: { routes: [{ method: 'GET', path: '/', authorize: 'iam', function: '/*route*/' }] },
      functions: { x: { tables: { t: { of: '/*table*/' } } }, /*functions*/ },
      grants: [{ client: '/*client*/', apis: [{ api: '/*api*/', methods: ['GET'], paths: ['/'] }] }],
    },
  },
});
`;

const COMPLETED = {
  route: ['summary', 'worker'],
  table: ['summary', 'worker'],
  functions: ['summary?', 'worker?'],
  client: ['portal', 'submission'],
  api: ['documents', 'summaries'],
};

test.runIf(FULL)('an editor completes the names of folders, clients and APIs', async () => {
  await loadSystem('test/two-clients.zones.ts', undefined);
  const { ask, tell } = startEditor();
  await ask('initialize', { processId: null, rootUri: pathToFileURL('.').href, capabilities: {} });
  tell('initialized', {});
  const uri = pathToFileURL(resolve('zones.ts')).href;
  tell('textDocument/didOpen', { textDocument: { uri, languageId: 'typescript', version: 1, text: TEXT } });
  for (const [place, names] of Object.entries(COMPLETED)) {
    const before = TEXT.slice(0, TEXT.indexOf(`/*${place}*/`)).split('\n');
    const position = { line: before.length - 1, character: before.at(-1)?.length };
    const answer = await ask('textDocument/completion', { textDocument: { uri }, position });
    const labels = (answer as { items: { label: string }[] }).items.map(({ label }) => label);
    expect(labels, place).toEqual(expect.arrayContaining(names));
    // And not everything that there is.
    expect(labels.length, place).toBeLessThan(50);
  }
});

test('the names of functions that there are, for editors, and none of what the system places itself', async () => {
  await loadSystem('test/two-clients.zones.ts', undefined);
  const text = readFileSync('.build/functions.d.ts', 'utf8');
  const names = [...text.matchAll(/^ {2}'(.+)': never;$/gm)].map(([, name = '']) => name);
  expect(names).toEqual(expect.arrayContaining(['summary', 'worker']));
  expect(names.filter((name) => !existsSync(`functions/${name}`))).toEqual([]);
  expect(names).not.toContain('signer');
  expect(names).not.toContain('common');
});

/** TypeScript's language server, as an editor runs it. */
function startEditor() {
  const folder = createRequire(import.meta.url).resolve('typescript/package.json');
  const server: ChildProcess = spawn(
    process.execPath,
    [resolve(folder, '../lib/tsc.js'), '--lsp', '--stdio'],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  );
  onTestFinished(() => void server.kill());
  const asked = new Map<number, (result: unknown) => void>();
  let text = Buffer.alloc(0);
  function send(message: object): void {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    server.stdin?.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }
  server.stdout?.on('data', (chunk: Buffer) => {
    text = Buffer.concat([text, chunk]);
    for (;;) {
      const head = text.indexOf('\r\n\r\n');
      const length = Number(
        /Content-Length: (\d+)/i.exec(text.subarray(0, Math.max(head, 0)).toString())?.[1],
      );
      if (head < 0 || text.length < head + 4 + length) return;
      const message = JSON.parse(text.subarray(head + 4, head + 4 + length).toString());
      text = text.subarray(head + 4 + length);
      // What it asks of the editor itself.
      if (message.method && message.id !== undefined) send({ id: message.id, result: null });
      else asked.get(message.id)?.(message.result);
    }
  });
  return {
    tell: (method: string, params: object) => send({ method, params }),
    ask: (method: string, params: object) =>
      new Promise<unknown>((resolve) => {
        const id = asked.size + 1;
        asked.set(id, resolve);
        send({ method, params, id });
      }),
  };
}
