import type { TestUser } from './types.ts';

/** People of the stand-in. The national identity numbers are synthetic (month + 80). */
export const TEST_USERS: readonly TestUser[] = [
  {
    sub: 'GNdRfeXSm1vVh1dJ4E0jHMbMaN7nzTpC3bSy6k9sGvA=',
    pid: '13816234567',
    name: 'Line Danser',
    hprNumber: '565501872',
    securityLevel: '4',
    idp: 'bankid-oidc',
    organization: 'Eksempel legesenter',
  },
  {
    sub: 'w0r6cWZ1tK3sN8pQ2xY5uA9eBvD4fH7jLmO1iRgTkUE=',
    pid: '08897412345',
    name: 'Kari Nordmann',
    hprNumber: '431001110',
    securityLevel: '4',
    idp: 'buypass-oidc',
    organization: 'Eksempel sykehus',
  },
  {
    sub: 'Qm3Zt8vXc5Yb2Na7Lk9Pj4Hg6Fd1Ss0WoEiRuTyIpAk=',
    pid: '21858812344',
    name: 'Ola Lavnivå',
    securityLevel: '3',
    idp: 'idporten-oidc',
    organization: 'Eksempel legesenter',
  },
];

/** Which claims each scope brings (docs/decisions/stand-in.md). */
export const CLAIMS_BY_SCOPE: Readonly<Record<string, readonly string[]>> = {
  openid: ['sub', 'idp', 'client_amr', 'auth_time'],
  profile: ['name', 'given_name', 'family_name'],
  'helseid://scopes/identity/pid': ['helseid://claims/identity/pid'],
  'helseid://scopes/identity/pid_pseudonym': ['helseid://claims/identity/pid_pseudonym'],
  'helseid://scopes/identity/security_level': ['helseid://claims/identity/security_level'],
  'helseid://scopes/identity/assurance_level': ['helseid://claims/identity/assurance_level'],
  'helseid://scopes/identity/network': ['helseid://claims/identity/network'],
  'helseid://scopes/hpr/hpr_number': ['helseid://claims/hpr/hpr_number'],
  'helseid://scopes/identity/all': [
    'helseid://claims/identity/pid',
    'helseid://claims/identity/pid_pseudonym',
    'helseid://claims/identity/security_level',
    'helseid://claims/identity/assurance_level',
    'helseid://claims/identity/network',
    'name',
  ],
};

const LEVEL_NAMES = { 2: 'low', 3: 'substantial', 4: 'high' };

/** What HelseID tells of a person to whoever has these scopes. */
export function claimsOf(user: TestUser, scopes: readonly string[]): Record<string, unknown> {
  const shown = new Set(scopes.flatMap((scope) => CLAIMS_BY_SCOPE[scope] ?? []));
  return Object.fromEntries(Object.entries(userClaims(user)).filter(([name]) => shown.has(name)));
}

/** Everything HelseID knows of a person; scopes decide what is shown. */
export function userClaims(user: TestUser): Record<string, unknown> {
  const [family = '', ...given] = user.name.split(' ').reverse();
  return {
    sub: user.sub,
    name: user.name,
    given_name: given.reverse().join(' '),
    family_name: family,
    idp: user.idp,
    client_amr: 'private_key_jwt',
    'helseid://claims/identity/pid': user.pid,
    'helseid://claims/identity/pid_pseudonym': user.sub,
    'helseid://claims/identity/security_level': user.securityLevel,
    'helseid://claims/identity/assurance_level': LEVEL_NAMES[user.securityLevel],
    'helseid://claims/identity/network': 'internet',
    ...(user.hprNumber ? { 'helseid://claims/hpr/hpr_number': user.hprNumber } : {}),
  };
}
