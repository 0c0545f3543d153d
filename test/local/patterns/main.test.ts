import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openJournal } from '../../../examples/patterns/journal.ts';
import { openSessions } from '../../../examples/patterns/rich-client/session.ts';
import { runCrossZone, runPattern } from '../../../local/patterns/main.ts';
import { startPatternWorld } from '../../../local/patterns/stand-in.ts';
import { API, CLIENT_ID, ISSUER, makeWorld } from '../../client/make-client.ts';
import { coded } from '../../coded.ts';
import { FULL } from '../../full.ts';
import { newFolder } from '../../temporary.ts';
import system from '../../two-clients.zones.ts';

const root = resolve(import.meta.dirname, '../../..');
const folder = join(root, 'examples/patterns');
const page = readFileSync(join(root, 'docs/patterns.md'), 'utf8');

describe('a pattern of the guideline', () => {
  test('cross-zone: a key that can be read out is refused where the system is declared', async () => {
    const lines: string[] = [];
    expect(
      await runCrossZone(
        system,
        (line) => lines.push(line),
        () => 0,
      ),
      lines.join('\n'),
    ).toBe(true);
    for (const scheme of ['file:', 'postgres:', 'secretsmanager:'])
      expect(lines).toContainEqual(
        expect.stringMatching(
          `'${scheme}' in zones.ts: refused, declaration_invalid: [^]*"Use of Client Secrets"`,
        ),
      );
    expect(lines).toContainEqual(expect.stringMatching(/custody: 'awskms:'.*: taken/));
    expect(
      await runCrossZone(
        system,
        () => {},
        () => 1,
      ),
    ).toBe(false);
  });

  // PostgreSQL in this process takes many seconds to start: .ci/run has it.
  test.each(['distributed', ...(FULL ? ['rich-client', 'shared-backend'] : [])])(
    '%s works, and what breaks its rule is refused',
    { timeout: 120_000 },
    async (name) => {
      const lines: string[] = [];
      const right = await runPattern(name, (line) => lines.push(line));
      expect(right, lines.join('\n')).toBe(true);
      for (const what of ['boundary ', 'holds the key ', 'may use it ', 'breaks the rule '])
        expect(lines.filter((line) => line.trimStart().startsWith(what))).toHaveLength(1);
      expect(lines.filter((line) => line.includes(': refused, custody_')).length).toBeGreaterThanOrEqual(2);
      expect(lines.join('\n')).not.toMatch(/PRIVATE KEY|eyJ/);
    },
  );

  test.each(['nosuch', '__proto__', 'toString'])('%s is no pattern', async (name) => {
    await expect(runPattern(name, () => {})).rejects.toThrow(
      coded('config_invalid', `There is no pattern "${name}"`),
    );
  });

  test.runIf(FULL)(
    'a program registers its key at the stand-in as docs/patterns.md says',
    { timeout: 120_000 },
    async () => {
      const [, commands = ''] = /^```sh\n(export .*?)^```/ms.exec(page) ?? [];
      const [, clientId = ''] = /portal\/([\w-]+)/.exec(commands) ?? [];
      const state = newFolder();
      const world = await startPatternWorld(state, [clientId], 'http://localhost:3999/callback');
      onTestFinished(world.close);
      const { port } = new URL(world.api);
      const places = {
        '3443': new URL(world.issuer).port,
        '3444': new URL(world.selfService.baseUrl).port,
        '3446': port,
      };
      const script = Object.entries(places)
        .reduce((text, [there, here]) => text.replaceAll(`localhost:${there}`, `localhost:${here}`), commands)
        .replaceAll('$PWD/.local', state)
        .replaceAll('.local', state);
      const { stdout } = await promisify(execFile)('bash', ['-emc', script], { cwd: root });
      expect(stdout).toMatch(/"expiration":null.*"caller"/s);
    },
  );

  test.each(['rich-client', 'shared-backend', 'distributed'])('%s is read in ten minutes', (name) => {
    const files = readdirSync(join(folder, name)).filter((file) => file.endsWith('.ts'));
    const code = files.flatMap((file) =>
      readFileSync(join(folder, name, file), 'utf8')
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .split('\n')
        .filter((line) => line.trim() && !line.trim().startsWith('//')),
    );
    expect(code.length).toBeLessThan(name === 'rich-client' ? 200 : 100);
    expect(page).toMatch(/below 100 lines of code each and rich-client,[^;]* below 200/);
    expect(files).toContain('key.ts');
  });

  test.each([
    ['rich-client', 'shared-backend'],
    ['rich-client', 'distributed'],
  ])('from %s to %s is the change that docs/patterns.md shows', (from, to) => {
    const [before, after] = [from, to].map((name) =>
      readFileSync(join(folder, name, 'key.ts'), 'utf8').split('\n'),
    );
    const changed = (before ?? []).flatMap((line, index) =>
      line === after?.[index] ? [] : [`-${line}`, `+${after?.[index]}`],
    );
    expect(after).toHaveLength(before?.length ?? 0);
    expect(changed).toHaveLength(4);
    expect(page).toContain(`\`\`\`diff\n${changed.join('\n')}\n\`\`\``);
  });

  test('docs/patterns.md shows the lines of the examples that differ across zones', () => {
    const diff =
      /```diff\n(-export const openService[\s\S]*?)```/.exec(page)?.[1]?.trimEnd().split('\n') ?? [];
    const lines = (file: string) => readFileSync(join(root, file), 'utf8').split('\n');
    const [before, after] = [
      lines('examples/patterns/distributed/main.ts'),
      lines('functions/summary/handler.ts'),
    ];
    expect(diff).toHaveLength(3);
    for (const line of diff) expect(line[0] === '-' ? before : after).toContain(line.slice(1));
  });

  test.runIf(FULL)('another name is told the names there are', () => {
    const run = () =>
      execFileSync(process.execPath, [join(root, 'local/patterns/main.ts'), 'hsm'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    expect(run).toThrow();
    expect(
      execFileSync(process.execPath, [join(root, 'local/patterns/main.ts'), '--help'], { encoding: 'utf8' }),
    ).toContain('rich-client|shared-backend|distributed|cross-zone');
  });
});

test.each(['toString', 'constructor', 'nosuch', ''])('a backend has no command "%s"', async (name) => {
  const args = [join(folder, 'shared-backend/main.ts'), name];
  await expect(promisify(execFile)(process.execPath, args)).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^node examples\/patterns\/shared-backend/),
  });
});

/** A machine with a registered key, and what its person does once the browser is open. */
async function makeMachine() {
  const { network, issuer, clock } = await makeWorld();
  const folder = newFolder();
  const { readKey } = await import('../../../examples/patterns/rich-client/key.ts');
  const key = readKey({ JOURNAL_KEY: pathToFileURL(join(folder, 'key.pem')).href });
  onTestFinished(() => void vi.unstubAllGlobals());
  // The program's; the fake network is reached by the real one.
  const real = fetch;
  vi.stubGlobal('fetch', (url: string, init?: RequestInit) =>
    url.startsWith('https://') ? network.fetch(url, init) : real(url, init),
  );
  clock.now = Date.now();
  const settings = {
    issuer: ISSUER,
    clientId: CLIENT_ID,
    api: `${API}/x`,
    scope: 'a',
    selfService: API,
    passphraseFile: join(folder, 'passphrase'),
  };
  const journal = await openJournal(key, settings);
  await journal.register();
  for (const one of await journal.custody.publicKeys()) issuer.register(one);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  const { run } = await import('../../../examples/patterns/rich-client/main.ts');
  const sessions = join(folder, 'sessions.db');
  const redirectUri = `http://127.0.0.1:${port}/callback`;
  const login = async (person: (back: string) => Promise<void>) => {
    let acted = Promise.resolve();
    const openUrl = (url: string) => {
      acted = person(`/callback?${issuer.authorize(url)}`);
    };
    const said = await run(['login'], settings, { key, sessions, redirectUri, openUrl });
    await acted;
    return said;
  };
  const ask = (target: string) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
    );
    return text(socket);
  };
  return { key, port, sessions, settings, login, ask };
}

test('a login is ended by nobody else: no target of a neighbour, no open connection, and no lock on other windows', async () => {
  const { port, sessions, login, ask } = await makeMachine();
  const said = await login(async (back) => {
    const neighbour = connect(port, '127.0.0.1', () => neighbour.write('GET /callback HTTP/1.1\r\n'));
    const closed = once(neighbour, 'close');
    for (const target of [
      '//',
      '//[',
      'http:///x',
      'http://elsewhere.test/',
      '*',
      back.replace('/callback', '//callback'),
    ])
      expect(await ask(target), target).toMatch(/^HTTP\/1.1 40/);
    const other = openSessions(sessions);
    await other.change(async () => undefined);
    other.close();
    expect(await ask(back)).toMatch('You may close this window.');
    await closed;
  });
  expect(said).toMatch('is logged in.');
});

test('a refresh token that is deleted is in the file no more, and the file is its user’s alone', async () => {
  const file = join(newFolder(), 'new', 'sessions.db');
  const sessions = openSessions(file);
  const refreshToken = 'refresh-token-of-kari';
  const session = { refreshToken, accessToken: 'a', binding: { kid: 'k', jkt: 'k' } };
  await sessions.change(async () => ({ ...session, person: { iss: 'i', sub: 's', name: 'n' } }));
  expect(readFileSync(file, 'latin1')).toContain(refreshToken);
  await sessions.change(async () => undefined);
  sessions.close();
  expect(readFileSync(file, 'latin1')).not.toContain(refreshToken);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a passphrase that others may read opens no key; one that a group may read does', async () => {
  const { key, settings } = await makeMachine();
  const open = async () => (await openJournal(key, settings)).custody.publicKeys();
  chmodSync(settings.passphraseFile, 0o440);
  expect(await open()).toHaveLength(1);
  chmodSync(settings.passphraseFile, 0o644);
  await expect(open()).rejects.toThrow('chmod 600');
});
