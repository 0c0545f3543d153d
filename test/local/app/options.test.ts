import { describe, expect, it } from 'vitest';
import { readOptions } from '../../../local/app/options.ts';
import { coded } from '../../coded.ts';

describe('the command line', () => {
  it('has defaults', () => {
    expect(readOptions([])).toEqual({
      declarationFile: 'zones.ts',
      directory: expect.stringMatching(/\.local$/),
      examples: 'examples',
      standIn: true,
      challengeKeepsAssertion: false,
      fresh: false,
      watch: false,
      inspect: undefined,
      https: false,
      once: false,
      json: false,
      help: false,
      ports: { gateway: 3000, standIn: 3443 },
      page: 'next',
    });
  });

  it('takes what conformance testing needs', () => {
    const line =
      '--declaration x.ts --stage test --no-stand-in --fresh --once --json --port 4000 --examples docs';
    expect(readOptions(line.split(' '))).toMatchObject({
      examples: 'docs',
      declarationFile: 'x.ts',
      stage: 'test',
      standIn: false,
      fresh: true,
      once: true,
      json: true,
      ports: { gateway: 4000 },
    });
    expect(readOptions(['--page-port', '4100'])).toMatchObject({ page: 4100 });
  });

  it.each([
    ['an unknown option', ['--nonsense'], 'nonsense'],
    ['a stray word', ['once'], 'once'],
    ['--json alone', ['--json'], '--once'],
    ['a port that is no number', ['--port', 'x'], '--port'],
    ['a port without room for the next ones', ['--stand-in-port', '65535'], '--stand-in-port'],
    ['examples that are not there', ['--examples', 'exmples'], '--examples names no folder: exmples'],
    ['port 0', ['--port', '0'], '--port'],
  ])('refuses %s', (_, args, text) => {
    expect(() => readOptions(args)).toThrow(coded('local_failed', text));
  });
});
