import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { FULL } from '../full.ts';
import { freePorts } from '../ports.ts';
import { newFolder } from '../temporary.ts';
import { FOLLOWED, readSteps, type Step, writeStep } from './tutorial.ts';

const root = resolve(import.meta.dirname, '../..');

describe.each(FOLLOWED)('%s', (page) => {
  // It starts the whole system, twice.
  it.runIf(FULL)('does what it says, step by step', { timeout: 600_000 }, () =>
    follow(makeClone(), readSteps(page)),
  );
});

/** A clone that shares nothing with this one but what `npm ci` has brought. */
function makeClone(): string {
  const folder = newFolder();
  for (const name of ['client', 'protocol', 'infra', 'local', 'functions', 'examples'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json', 'cdk.json', 'zones.ts'])
    cpSync(join(root, name), join(folder, name));
  const packages = join(folder, 'node_modules');
  mkdirSync(join(packages, '@helseid-zones'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== '@helseid-zones') symlinkSync(join(root, 'node_modules', name), join(packages, name));
  for (const name of ['client', 'protocol', 'infra'])
    symlinkSync(join(folder, name), join(packages, '@helseid-zones', name));
  return folder;
}

const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
});

/** Ctrl-C. */
async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child) return;
  const closed = new Promise((told) => child.once('close', told));
  child.kill('SIGINT');
  await closed;
}

/** Does the page's steps in a clone, and compares what they print. */
async function follow(clone: string, steps: readonly Step[]): Promise<void> {
  const ports = await freePorts();
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  let watched: { child: ChildProcess; out: string } | undefined;
  let ready = 0;
  for (const step of steps) {
    if ('file' in step) {
      writeStep(clone, step);
      // What was edited in the declaration is live when it is ready once more.
      if (watched && step.file === 'zones.ts') ready += 1;
      continue;
    }
    const [, script = '', rest = ''] = /^npm (?:run )?(\S+)(?: -- (.*))?$/.exec(step.command) ?? [];
    if (script === 'ci') continue;
    while (watched && (watched.out.match(/ runs \(ready/g) ?? []).length < ready) {
      if (watched.child.exitCode !== null) throw new Error(watched.out);
      await new Promise((told) => watched?.child.stdout?.once('data', told));
    }
    const [, ...args] = `${scripts[script]} ${rest}`.trim().split(' ');
    if (script === 'start') {
      await end(watched?.child);
      args.push('--port', String(ports.gateway), '--stand-in-port', String(ports.standIn));
    }
    const child = spawn(process.execPath, args, { cwd: clone, env: process.env });
    started.push(child);
    const run = { child, out: '' };
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        run.out += stripVTControlCharacters(String(chunk));
      });
    if (rest === '--watch') {
      watched = run;
      ready = 1;
    } else {
      await new Promise((ended) => child.once('close', ended));
      for (const line of step.prints) expect(run.out, step.command).toContain(line);
    }
  }
}
