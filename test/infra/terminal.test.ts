import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeControls, table } from '../../infra/terminal.ts';
import { character } from '../any-text.ts';

/** ESC, BEL, the C1 introducer, DEL, a change of direction, a line separator, a tag character and a new line. */
const HOSTILE = '\u001b]0;x\u0007\u009b2K\u007f\u202e\u2028\u{e0041}\r\nThe boundaries hold';
const ACTS = /[^\P{C}]|[\u2028\u2029]/u;

describe('what a terminal would act on', () => {
  it('is written as JSON writes it, and nothing else is changed', () => {
    expect(escapeControls('Blåbærsyltetøy → 7 %')).toBe('Blåbærsyltetøy → 7 %');
    expect(escapeControls(HOSTILE)).not.toMatch(ACTS);
    fc.assert(
      fc.property(fc.string({ unit: character }), (text) => {
        expect(JSON.parse(`"${escapeControls(text.replaceAll(/[\\"]/g, ''))}"`)).toBe(
          text.replaceAll(/[\\"]/g, ''),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('stays within the cell of a table', () => {
    const lines = table([['who'], [HOSTILE]], 200).split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).not.toMatch(ACTS);
  });

  it('leaves no way around: commands print by infra/terminal.ts', () => {
    const around = ['infra', 'local'].flatMap((room) =>
      readdirSync(room, { recursive: true })
        .map((file) => `${room}/${file}`)
        .filter((file) => file.endsWith('.ts') && file !== 'infra/terminal.ts')
        .filter((file) => /console\.|process\.std(out|err)\.write/.test(readFileSync(file, 'utf8'))),
    );
    expect(around).toEqual([]);
  });
});

it('who stops reading ends nothing', async () => {
  const text =
    "import { print } from './infra/terminal.ts'; process.stdin.resume().on('end', () => print('x'));";
  const child = spawn(process.execPath, ['--input-type=module', '-e', text]);
  let error = '';
  child.stderr.on('data', (chunk) => (error += chunk));
  child.stdout.destroy();
  child.stdin.end();
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
  expect(error).toBe('');
});

/** What npm, the CDK and the local system start. */
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const OWN = Object.entries(scripts).filter(([, script]) => / (?:infra|local)\/\S+\.ts/.test(script));
const PROGRAMS = new Set([
  ...OWN.map(([, script]) => /(?<= )(?:infra|local)\/\S+\.ts/.exec(script)?.[0] ?? ''),
  'infra/app.ts',
  'local/app/synth.ts',
]);

describe('what is wrong with what was asked', () => {
  it.each([...PROGRAMS])('is said without a stack: %s ends by infra/terminal.ts', (program) => {
    expect(readFileSync(program, 'utf8')).toMatch(/\brunCommand\(|\bprintError\(error\b/);
  });

  const run = (code: string) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  const failing = (what: string) =>
    `import { runCommand } from './infra/terminal.ts'; await runCommand(async () => { ${what} });`;

  it.each([
    [
      'a file that is not there',
      "const { readFileSync } = await import('node:fs'); readFileSync('body.json')",
      'body.json',
    ],
    [
      'an option that is none',
      "const { parseArgs } = await import('node:util'); parseArgs({ args: ['--x'] })",
      "'--x'",
    ],
    [
      'a function that does not compile',
      "const { compileHandlers } = await import('./infra/bundling.ts'); const { mkdirSync, writeFileSync } = await import('node:fs');" +
        "const { mkdtempSync } = await import('node:fs'); process.chdir(mkdtempSync('/tmp/none-')); mkdirSync('functions/x', { recursive: true });" +
        "writeFileSync('functions/x/handler.ts', 'export const handler = ('); compileHandlers(['x'])",
      'functions/x/handler.ts:1:',
    ],
  ])('%s', (_, what, named) => {
    const { stderr, status } = run(failing(what));
    expect(stderr).toContain(named);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(status).toBe(1);
  });

  it('has a code where it is ours or AWS’s, and AWS that is silent is told so', () => {
    const ours =
      "const { readArguments } = await import('./infra/declaration/options.ts'); readArguments({ args: ['--x'] })";
    expect(run(failing(ours)).stderr).toMatch(/^config_invalid: Unknown option '--x'.* See --help\.\n$/);
    const aws = (more: string) => `throw Object.assign(new Error('said'), { $metadata: {}, ${more} })`;
    expect(run(failing(aws("name: 'AccessDeniedException'"))).stderr).toBe('AccessDeniedException: said\n');
    expect(run(failing(aws("code: 'ECONNREFUSED'"))).stderr).toMatch(/^aws_unavailable: .*: ECONNREFUSED/);
    const own = "throw Object.assign(new Error('listen'), { code: 'EADDRINUSE', syscall: 'listen' })";
    expect(run(failing(own)).stderr).toBe('listen\n');
  });

  it.runIf(process.platform === 'linux')('is said where the output can’t be written', () => {
    const stdio = ['ignore', openSync('/dev/full', 'w'), 'pipe'] as const;
    const code = "import { print } from './infra/terminal.ts'; print('x');";
    const args = ['--input-type=module', '-e', code];
    const { stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: [...stdio] });
    expect(stderr).toMatch(/^local_failed: The output can't be written \(ENOSPC\).*\n$/);
    expect(status).toBe(1);
  });

  it('and what is wrong with us with one', () => {
    expect(run(failing('undefined.x')).stderr).toMatch(/^ +at /m);
  });
});

describe('a command that takes long', () => {
  it('is every one that npm runs of ours', () => {
    expect(OWN.map(([name]) => name)).toContain('start');
    for (const [name, script] of OWN) expect(script, name).toContain('--import ./infra/progress.ts ');
  });

  it('says that it is at work while it leaves its thread no time, and nothing once it waits for somebody', async () => {
    // It reads without an event loop, until the line is there; then it waits for what never comes.
    const text =
      "import { readSync } from 'node:fs'; import { endProgress } from './infra/terminal.ts';" +
      'readSync(0, Buffer.alloc(1)); endProgress(); process.stdin.resume();';
    const args = ['--import', './infra/progress.ts', '--input-type=module', '-e', text];
    const child = spawn(process.execPath, args);
    const [first] = await once(child.stderr, 'data');
    expect(String(first)).toBe('working, 1 s ...\n');
    child.stdin.end('x');
    expect(await once(child, 'close')).toEqual([0, null]);
  });
});
