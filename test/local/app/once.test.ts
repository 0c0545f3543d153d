import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { required } from '@helseid-zones/protocol/values';
import { afterEach, describe, expect, it } from 'vitest';
import type { LocalPorts } from '../../../local/app/declaration.ts';
import { STEPS } from '../../../local/app/steps/index.ts';
import { KEYS_FILE } from '../../../local/aws/state.ts';
import { FULL } from '../../full.ts';
import { freePorts } from '../../ports.ts';
import { newFolder } from '../../temporary.ts';

const directory = newFolder();

/** The steps about routes with `authorize: 'helseid'`, which the shipped declaration has not. */
const FOREIGN = [
  'foreign-client-to-route',
  'foreign-token-stolen',
  'foreign-call-replayed',
  'foreign-audience',
];

const ports: LocalPorts[] = [];
for (let number = 0; number < 5; number += 1) ports.push(await freePorts());

/** A folder and ports of its own: a test that fails leaves nothing in the way of the others. */
function place(number: number): string[] {
  const { gateway, standIn } = required(ports[number], 'A place');
  return ['--directory', folder(number), '--port', String(gateway), '--stand-in-port', String(standIn)];
}

const folder = (number: number) => join(directory, String(number));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function run(file: string, args: readonly string[], env = process.env): ChildProcess {
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

function start(number: number, ...args: string[]): ChildProcess {
  const declared = args.includes('--declaration') ? [] : ['--declaration', 'test/two-clients.zones.ts'];
  return run(process.execPath, ['local/app/main.ts', ...place(number), ...declared, ...args]);
}

async function ended(child: ChildProcess) {
  let [out, error] = ['', ''];
  child.stdout?.on('data', (chunk) => (out += chunk));
  child.stderr?.on('data', (chunk) => (error += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, error };
}

async function untilPrinted(child: ChildProcess, text: string, from = child.stdout): Promise<string> {
  let out = '';
  for await (const chunk of from?.iterator({ destroyOnReturn: false }) ?? []) {
    out += chunk;
    if (out.includes(text)) return out;
  }
  throw new Error(`ended before it printed ${text}: ${out}`);
}

/** The current key in the client's record, as the state has it. */
function currentKid(): string {
  const { secrets } = JSON.parse(readFileSync(join(folder(0), 'state', 'secrets.json'), 'utf8'));
  const [{ versions }] = secrets;
  const { text } = versions.find(({ stages }: { stages: string[] }) => stages.includes('AWSCURRENT'));
  return JSON.parse(text).keys.find(({ state }: { state: string }) => state === 'current').kid;
}

/** Processes of functions that are still there: they work in their asset's folder. */
function functionProcesses(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(directory);
    } catch {
      return false;
    }
  });
}

// Whole systems on a machine that may be busy: the limit is for one that hangs. `.ci/run` runs this file in full.
describe('npm start', { timeout: 300_000 }, () => {
  it.runIf(FULL)('does the whole job once, and what it leaves is a state to start from', async () => {
    const first = await ended(start(0, '--once', '--json'));
    expect(first.error).toBe('');
    const report = JSON.parse(first.out);
    const failed = report.steps.filter((step: { ok: boolean }) => !step.ok);
    expect(failed).toEqual([]);
    expect(first.code).toBe(0);
    expect(Object.keys(report)).toEqual(['ok', 'ready_ms', 'steps']);
    expect(Object.keys(report.steps[0])).toEqual(['name', 'ok', 'ms', 'detail']);
    const names: string[] = report.steps.map(({ name }: { name: string }) => name);
    expect(names).toEqual(STEPS.map(({ name }) => name).filter((name) => !FOREIGN.includes(name)));

    // What can't be read ends the start, whatever runs by then, and is left as it is.
    const current = join(folder(0), 'state', 'dynamodb', 'CURRENT');
    const before = readFileSync(current);
    writeFileSync(current, '');
    expect(await ended(start(0))).toMatchObject({
      code: 1,
      error: expect.stringMatching(/^local_failed: .*--fresh/m),
    });
    writeFileSync(current, before);

    const interrupted = start(0, '--once');
    await untilPrinted(interrupted, 'public-denied-kms-sign', interrupted.stderr);
    const end = ended(interrupted);
    interrupted.kill('SIGINT');
    expect(await end).toMatchObject({ code: 130, out: '' });

    const kid = currentKid();
    const running = start(0, '--https');
    expect(await untilPrinted(running, 'Ctrl-C ends everything')).toMatch(
      // The first start's last key: state survives.
      new RegExp(`[a-z]+ +current +${kid}`),
    );
    const closed = ended(running);
    running.kill('SIGINT');
    expect((await closed).code).toBe(0);
  });

  it.runIf(FULL)('runs everything, says where, takes an event, and ends with nothing left', async () => {
    const running = start(0, '--https');
    const welcome = await untilPrinted(running, 'Ctrl-C ends everything');
    expect(welcome).toMatch(new RegExp(`[a-z]+ +current +${currentKid()}`));
    expect(welcome).toContain(`npm run send -- --directory ${folder(0)} examples/`);
    const [, ca = ''] = /curl --cacert (\S+) --aws-sigv4 .* https:/.exec(welcome) ?? [];
    expect(readFileSync(ca, 'utf8')).toContain('BEGIN CERTIFICATE');
    const unknown = join(folder(0), 'unknown.json');
    const event = { source: 'journal.documents', 'detail-type': 'DocumentCreated', detail: {} };
    writeFileSync(unknown, JSON.stringify(event));
    const command =
      (name: string) =>
      (...args: string[]) =>
        ended(run(process.execPath, [`local/app/${name}.ts`, '--directory', folder(0), ...args]));
    const [send, call] = [command('send'), command('call')];
    const [sent, refused, route, api, outside] = await Promise.all([
      send('examples/document-created.json'),
      send(unknown),
      call('public', 'GET', '/summaries/17'),
      call('internal', 'post', 'documents/DocumentReference', '--organization', '999977774'),
      call('internal', 'POST', 'documents/Patient'),
    ]);
    // It waits for the function, says what that wrote, and what became of the event.
    expect(sent.out).toMatch(/is on journal-internal[\s\S]*document\.submitted[\s\S]*worker is done with it/);
    expect(sent.code).toBe(0);
    expect(route).toMatchObject({ code: 0, out: expect.stringMatching(/^200 [\s\S]*No findings/) });
    expect(api).toMatchObject({ code: 0, out: expect.stringContaining('"child":"999977774"') });
    expect(outside).toMatchObject({ code: 1, error: expect.stringContaining("add it to the zone's grant") });
    expect(refused).toMatchObject({
      code: 1,
      out: expect.stringMatching(/document\.failed, reason event_invalid, field detail\.organization/),
      error: expect.stringContaining(`worker failed at try 1: it names the message in`),
    });
    expect(refused.error).toContain(`npm run redrive -- internal --local=${folder(0)}`);
    // What can't be sent is told before anything is.
    const mixed = await send('examples/document-created.json', join(folder(0), 'nosuch.json'));
    expect(mixed).toMatchObject({ code: 1, out: '', error: expect.stringMatching(/^event_invalid: /) });
    // What functions write shows in the terminal, without anybody asking.
    expect(await untilPrinted(running, 'journal-internal-worker: ', running.stderr)).toMatch(
      /^ +\d\.\d s {2}starting the local system/,
    );
    const end = ended(running);
    running.kill('SIGINT');
    expect((await end).code).toBe(0);
    if (process.platform === 'linux') expect(functionProcesses()).toEqual([]);
  });

  it.runIf(FULL)(
    'has another vendor’s client call a route for HelseID’s tokens, and thieves try',
    async () => {
      const declaration = ['--declaration', 'examples/multi-tenant.zones.ts'];
      const { out, code } = await ended(start(1, '--once', '--json', ...declaration));
      const { steps } = JSON.parse(out);
      expect(steps).toMatchObject(steps.map(() => ({ ok: true })));
      expect(steps.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining(FOREIGN));
      expect(code).toBe(0);

      const running = start(1, ...declaration);
      await untilPrinted(running, 'Ctrl-C ends everything');
      const call = [
        'local/app/call.ts',
        '--directory',
        folder(1),
        'public',
        'GET',
        '/summaries/17?from=2026',
      ];
      expect(await ended(run(process.execPath, call))).toMatchObject({
        code: 0,
        out: expect.stringMatching(/^200 /),
      });
    },
  );

  // npm hands no signal on to what its shell runs, and a shell that it leaves behind waits for us.
  const SHELL = '"$@"; exit $?';
  const NPM = `require('node:child_process').spawn('sh', ['-c', ...process.argv.slice(1)], { stdio: 'inherit' })`;
  const PARENTS: [string, string[], NodeJS.Signals][] = [
    ['npm above its shell', [process.execPath, '-e', NPM, SHELL, 'sh'], 'SIGKILL'],
    ["npm's shell", ['sh', '-c', SHELL, 'sh'], 'SIGTERM'],
  ];
  it.runIf(FULL && process.platform !== 'win32').each(PARENTS)(
    'ends with %s, while it starts, at once',
    async (_, [file = '', ...before], signal) => {
      const env = { ...process.env, npm_lifecycle_event: 'start' };
      const parent = run(file, [...before, process.execPath, 'local/app/main.ts', ...place(2)], env);
      await untilPrinted(parent, 'starting the local system', parent.stderr);
      const end = ended(parent);
      parent.kill(signal);
      // The pipes close when the last process that has them is gone.
      const { code, out, error } = await end;
      expect([code, out]).toEqual([null, '']);
      expect(error).not.toContain('making or finding the client keys');
      if (process.platform === 'linux') expect(functionProcesses()).toEqual([]);
    },
  );

  it.runIf(FULL)('ends what it has started where a later part fails', async () => {
    const state = join(folder(4), 'state');
    mkdirSync(state, { recursive: true });
    writeFileSync(join(state, KEYS_FILE), '{');
    const { code, error } = await ended(start(4));
    expect(code).toBe(1);
    expect(error).toMatch(/^local_failed: .* is damaged/m);
    if (process.platform === 'linux') expect(functionProcesses()).toEqual([]);
    expect(readdirSync(folder(4))).not.toContain('running.json');
  });

  it('says what is wrong on standard error, and nothing else', async () => {
    // Refused before anything else is loaded.
    const { code, out, error } = await ended(start(3, '--page-port', 'none'));
    expect([code, out]).toEqual([1, '']);
    expect(error).toContain('--page-port takes a port number');
    const inspecting = await ended(start(3, '--inspect', 'nobody'));
    expect(inspecting).toMatchObject({
      code: 1,
      error: expect.stringContaining('There is no function nobody'),
    });
    // Before anything is begun there.
    expect(existsSync(folder(3))).toBe(false);
  });
});
