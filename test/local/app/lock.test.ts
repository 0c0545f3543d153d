import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lockDirectory } from '../../../local/app/lock.ts';
import { listen } from '../../../local/aws/http.ts';
import { openDocument } from '../../../local/aws/state.ts';
import { createTrail } from '../../../local/aws/trail.ts';
import { coded } from '../../coded.ts';
import { newFolder } from '../../temporary.ts';

describe('the place of the local system', () => {
  it('is claimed by one process, and given back', async () => {
    const directory = newFolder();
    const giveBack = await lockDirectory(directory, []);
    await expect(lockDirectory(directory, [])).rejects.toThrow(coded('local_failed', String(process.pid)));
    giveBack();
    (await lockDirectory(directory, []))();
  });

  it('is claimed by one of several that start at once, and the others say who has it', async () => {
    const directory = newFolder();
    const module = new URL('../../../local/app/lock.ts', import.meta.url).href;
    const program = `const { lockDirectory } = await import('${module}');
      console.log('ready');
      process.stdin.once('data', () => lockDirectory('${directory}', []).then(() => console.log('claimed'), console.error));
      process.stdin.once('end', () => process.exit());`;
    const starts = Array.from({ length: 4 }, () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
      const said = { text: '' };
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said.text += chunk));
      return { child, said };
    });
    const untilEach = (what: RegExp) =>
      expect
        .poll(() => starts.filter(({ said }) => what.test(said.text)).length, { timeout: 50_000 })
        .toBe(4);
    await untilEach(/ready/);
    for (const { child } of starts) child.stdin.write('go');
    await untilEach(/claimed|is running \(process \d+\)/);
    expect(starts.filter(({ said }) => said.text.includes('claimed'))).toHaveLength(1);
    for (const { child } of starts) child.stdin.end();
  });

  it.each([
    ['nobody', { pid: 2_147_483_646, began: '1' }],
    ['another process', { pid: 1, began: '1' }],
    ['this process', { pid: process.pid, began: '1' }],
    ['every process', { pid: -1, began: '1' }],
    ['its group', { pid: 0, began: '1' }],
  ])('is free again when its holder was killed, whose number %s has now', async (_, holder) => {
    const directory = newFolder();
    writeFileSync(join(directory, 'running.json'), JSON.stringify(holder));
    await expect(lockDirectory(directory, [])).resolves.toBeTypeOf('function');
  });

  it.runIf(process.platform === 'linux')('needs room, and says so before anything is begun', async () => {
    const directory = newFolder();
    symlinkSync('/dev/full', join(directory, `room-${process.pid}`));
    await expect(lockDirectory(directory, [])).rejects.toThrow(
      coded('local_failed', /can't be written \(ENOSPC\): nothing was started\. Make room/),
    );
    expect(existsSync(join(directory, 'running.json'))).toBe(false);
    await expect(lockDirectory(directory, [])).resolves.toBeTypeOf('function');
  });

  it.runIf(process.platform === 'linux')('is refused where no folder can be made', async () => {
    await expect(lockDirectory('/proc/helseid-zones/state', [])).rejects.toThrow(
      coded('local_failed', /state can't be written \(ENOENT\): nothing was started/),
    );
  });

  it('is made with the folders above it, for its owner alone', async () => {
    const directory = join(newFolder(), 'a', 'b');
    (await lockDirectory(directory, []))();
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  it('takes no port that browsers refuse', async () => {
    const directory = newFolder();
    await expect(lockDirectory(directory, [{ port: 6000, option: '--port' }])).rejects.toThrow(
      coded('local_failed', /call nothing on port 6000: choose another with --port/),
    );
    expect(existsSync(join(directory, 'running.json'))).toBe(false);
  });

  it('needs its ports', async () => {
    const taken = await listen(() => {});
    onTestFinished(taken.close);
    const wanted = { port: taken.port, option: '--stand-in-port' } as const;
    await expect(lockDirectory(newFolder(), [wanted])).rejects.toMatchObject({
      code: 'local_failed',
      facts: { port: taken.port },
      message: expect.stringMatching(`Port ${taken.port} is taken.* with --stand-in-port`),
    });
  });

  it('needs a port only once: two options that meet are named', async () => {
    const wanted = [
      { port: 20_000, option: '--port' },
      { port: 20_000, option: '--stand-in-port' },
    ] as const;
    await expect(lockDirectory(newFolder(), wanted)).rejects.toThrow(
      coded('local_failed', 'wanted twice, by --port and --stand-in-port'),
    );
  });
});

it.each([
  ['SIGTERM', 'SIGINT'],
  ['SIGINT', 'SIGINT'],
] as const)('a start that %s asked to end is ended at once by %s', async (first, second) => {
  const script = `import { waitForEnd } from './local/app/wait-for-end.ts';
    setInterval(() => {}, 1000);
    const ended = waitForEnd(() => true);
    console.log('waits');
    console.log(await ended);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  const signals = [first, second];
  for await (const _ of child.stdout) child.kill(signals.shift());
  expect(await exit).toEqual([130, null]);
});

describe('a document of the state', () => {
  it('survives, and is refused when it is damaged', () => {
    const path = join(newFolder(), 'deep', 'state.json');
    const document = openDocument(path, { list: [] as number[] });
    document.value.list.push(1);
    expect(openDocument(path, { list: [] as number[] }).value).toEqual({ list: [] });
    document.save();
    expect(openDocument(path, { list: [] as number[] }).value).toEqual({ list: [1] });
    writeFileSync(path, '{');
    expect(() => openDocument(path, {})).toThrow(coded('local_failed'));
  });
});

describe('the trail', () => {
  it('keeps the last lines and tells those who listen', () => {
    const trail = createTrail(() => 7, 2);
    const seen: unknown[] = [];
    const stop = trail.subscribe((line) => seen.push(line.fields['n']));
    for (const n of [1, 2, 3]) trail.add({ kind: 'platform', fields: { n } });
    stop();
    trail.add({ kind: 'platform', fields: { n: 4 } });
    expect(seen).toEqual([1, 2, 3]);
    expect(trail.lines()).toEqual([3, 4].map((n) => ({ at: 7, kind: 'platform', fields: { n } })));
  });
});
