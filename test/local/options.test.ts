import { describe, expect, it } from 'vitest';
import { readOptions } from '../../local/app/options.ts';

describe('the command line', () => {
  it('has defaults', () => {
    expect(readOptions([])).toEqual({
      declarationFile: 'zones.ts',
      directory: expect.stringMatching(/\.local$/),
      standIn: true,
      challengeKeepsAssertion: false,
      fresh: false,
      https: false,
      once: false,
      json: false,
      help: false,
      gatewayPort: 3000,
      standInPort: 3443,
      pagePort: 'next',
    });
  });

  it('takes what conformance testing needs', () => {
    const options = readOptions([
      '--declaration',
      'x.ts',
      '--no-stand-in',
      '--fresh',
      '--once',
      '--json',
      '--port',
      '4000',
      '--page-port',
      '4100',
    ]);
    expect(options).toMatchObject({
      declarationFile: 'x.ts',
      standIn: false,
      fresh: true,
      once: true,
      json: true,
      gatewayPort: 4000,
      pagePort: 4100,
    });
  });

  it.each([
    ['an unknown option', ['--nonsense'], 'nonsense'],
    ['a stray word', ['once'], 'once'],
    ['--json alone', ['--json'], '--once'],
    ['a port that is no number', ['--port', 'x'], '--port'],
    ['a port without room for the next ones', ['--stand-in-port', '65535'], '--stand-in-port'],
    ['port 0', ['--port', '0'], '--port'],
  ])('refuses %s', (_, args, text) => {
    expect(() => readOptions(args)).toThrow(
      expect.objectContaining({ code: 'local_failed', message: expect.stringContaining(text) }),
    );
  });
});
