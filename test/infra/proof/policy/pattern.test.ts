import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unknownValue } from '../../../../infra/proof/assembly/unknown.ts';
import { covers, globsOverlap, matchGlob, parsePattern } from '../../../../infra/proof/policy/pattern.ts';

const glob = (text: string) => parsePattern(text, { wildcards: true, variables: false }) ?? '';

describe('globs', () => {
  it.each([
    ['*', '', true],
    ['a*c', 'abc', true],
    ['a*c', 'abcd', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['*a*b*', 'xaybz', true],
    ['*a*b*', 'xbyaz', false],
    ['a**', 'a', true],
    ['a.c', 'abc', false],
    ['', '', true],
    ['', 'a', false],
  ])('%s matches "%s": %s', (pattern, text, expected) => {
    expect(matchGlob(glob(pattern), text)).toBe(expected);
  });

  const small = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 5 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 6 });

  it('match as the equivalent regular expression does', () => {
    fc.assert(
      fc.property(small, text, (pattern, value) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
        expect(matchGlob(glob(pattern), value)).toBe(expression.test(value));
      }),
    );
  });

  it('that cover another match whatever it matches, and that do not overlap share no text', () => {
    const texts = [
      '',
      ...['a', 'b'].flatMap((x) => [
        x,
        ...['a', 'b'].flatMap((y) => [
          x + y,
          ...['a', 'b'].flatMap((z) => [x + y + z, `${x}${y}${z}a`, `${x}${y}${z}b`]),
        ]),
      ]),
    ];
    fc.assert(
      fc.property(small, small, (a, b) => {
        const both = texts.filter((value) => matchGlob(glob(a), value) && matchGlob(glob(b), value));
        if (!globsOverlap(glob(a), glob(b))) expect(both).toEqual([]);
        if (covers(glob(a), glob(b)))
          for (const value of texts)
            if (matchGlob(glob(b), value)) expect(matchGlob(glob(a), value)).toBe(true);
      }),
    );
  });

  it('overlap is exact for texts that are short enough to try', () => {
    expect(globsOverlap(glob('a*'), glob('*b'))).toBe(true);
    expect(globsOverlap(glob('a*'), glob('b*'))).toBe(false);
    expect(globsOverlap(glob('a?'), glob('*bb'))).toBe(false);
    expect(globsOverlap(glob('vpce-0a*'), glob('vpce-0?b'))).toBe(true);
  });

  it('leave open what only the deploy knows', () => {
    const name = unknownValue('P');
    expect(matchGlob(glob(`role/${name}`), `role/${name}`)).toBe(true);
    expect(matchGlob(glob(`role/${name}`), 'role/x')).toBeUndefined();
    expect(matchGlob(glob(`role/${name}`), 'user/x')).toBe(false);
    expect(matchGlob(glob('role/*'), `role/${name}`)).toBe(true);
    expect(matchGlob(glob('role/x'), `role/${name}`)).toBeUndefined();
  });
});

describe('policy variables', () => {
  const matches = (source: string, text: string, variables = true) => {
    const glob = parsePattern(source, { wildcards: true, variables });
    return glob === undefined ? undefined : matchGlob(glob, text);
  };

  it('are not followed', () => {
    expect(matches('x/${aws:username}/*', 'x/a/y')).toBeUndefined();
  });
  it('escape wildcards', () => {
    expect(matches('a${*}${?}${$}', 'a*?$')).toBe(true);
    expect(matches('a${*}', 'ab')).toBe(false);
  });
  it('are literal in older policies', () => {
    expect(matches('${aws:username}', '${aws:username}', false)).toBe(true);
  });
});
