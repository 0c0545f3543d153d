import { describe, expect, it } from 'vitest';
import { type Person, readPerson, samePerson } from '../../../functions/login-common/person.ts';

const kari: Person = { iss: 'https://sts.test', sub: 'a', pid: '05898597468' };
const withoutPid: Person = { iss: 'https://sts.test', sub: 'a' };

describe('the same person, by the default rule', () => {
  it.each<[string, Person, Person, boolean]>([
    ['all alike', kari, { ...kari }, true],
    ['another name', { ...kari, name: 'Kari' }, { ...kari, name: 'Kari N.' }, true],
    ['no pid on either side', withoutPid, { ...withoutPid }, true],
    ['no pid on this side', withoutPid, kari, false],
    ['no pid on that side', kari, withoutPid, false],
    ['another pid', kari, { ...kari, pid: '13116900216' }, false],
    ['another sub', kari, { ...kari, sub: 'b' }, false],
    ['another issuer', kari, { ...kari, iss: 'https://other.test' }, false],
    ['empty subs', { ...kari, sub: '' }, { ...kari, sub: '' }, false],
  ])('%s', (_, expected, actual, same) => {
    expect(samePerson(expected, actual)).toBe(same);
  });

  it('reads texts only', () => {
    const claims = { iss: 'i', sub: 's', aud: 'c', exp: 1, iat: 1 };
    const odd = {
      name: 7,
      'helseid://claims/identity/pid': '',
      'helseid://claims/hpr/hpr_number': ['565501872'],
    };
    expect(readPerson({ ...claims, ...odd })).toEqual({ iss: 'i', sub: 's' });
  });
});
