import { describe, expect, it } from 'vitest';
import { createClosers, startOrClose } from '../../local/aws/closers.ts';

describe('what was started', () => {
  it('is ended last first, each once', async () => {
    const ended: number[] = [];
    const closers = createClosers();
    closers.add(() => void ended.push(1));
    closers.add(async () => void ended.push(2));
    await closers.close();
    await closers.close();
    expect(ended).toEqual([2, 1]);
  });

  it('is all ended, though one does not want to', async () => {
    const ended: number[] = [];
    const closers = createClosers();
    closers.add(() => void ended.push(1));
    closers.add(() => Promise.reject(new Error('stuck')));
    await expect(closers.close()).rejects.toThrow('stuck');
    expect(ended).toEqual([1]);
  });

  it('is ended when a later start fails, and kept when all succeed', async () => {
    const ended: string[] = [];
    const start = (fail: boolean) =>
      startOrClose(async (closers) => {
        closers.add(() => void ended.push(fail ? 'failed' : 'fine'));
        if (fail) throw new Error('port taken');
        return 'running';
      });
    await expect(start(true)).rejects.toThrow('port taken');
    await expect(start(false)).resolves.toBe('running');
    expect(ended).toEqual(['failed']);
  });
});
