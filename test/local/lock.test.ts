import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lockDirectory } from '../../local/app/lock.ts';
import { listen } from '../../local/aws/http.ts';
import { openDocument } from '../../local/aws/state.ts';
import { createTrail } from '../../local/aws/trail.ts';
import { newFolder } from '../temporary.ts';

describe('the place of the local system', () => {
  it('is claimed by one process, and given back', async () => {
    const directory = newFolder();
    const giveBack = await lockDirectory(directory, []);
    await expect(lockDirectory(directory, [])).rejects.toMatchObject({
      code: 'local_failed',
      message: expect.stringContaining(String(process.pid)),
    });
    giveBack();
    (await lockDirectory(directory, []))();
  });

  it('is free again when its holder was killed', async () => {
    const directory = newFolder();
    writeFileSync(join(directory, 'running.json'), '{"pid":2147483646}');
    await expect(lockDirectory(directory, [])).resolves.toBeTypeOf('function');
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
    await expect(lockDirectory(newFolder(), wanted)).rejects.toMatchObject({
      code: 'local_failed',
      message: expect.stringContaining('wanted twice, by --port and --stand-in-port'),
    });
  });
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
    expect(() => openDocument(path, {})).toThrow(expect.objectContaining({ code: 'local_failed' }));
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
