import people from './people.json' with { type: 'json' };

/**
 * A person who can log in: `sub` is equal to `helseid://claims/identity/pid_pseudonym`, `idp` is the identity provider that the person
 * used, `organization` is where the person works, which the page alone shows.
 */
export type TestUser = (typeof people.users)[number];

/** People of the stand-in. The national identity numbers are synthetic (month + 80). */
export const TEST_USERS: readonly TestUser[] = people.users;

/** Which claims each scope brings (docs/decisions/stand-in.md). */
export const CLAIMS_BY_SCOPE: Readonly<Record<string, readonly string[]>> = people.claimsByScope;

const LEVEL_NAMES: Readonly<Record<string, string>> = { 2: 'low', 3: 'substantial', 4: 'high' };

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
    idp: user.idp,
    client_amr: 'private_key_jwt',
    given_name: given.reverse().join(' '),
    family_name: family,
    'helseid://claims/identity/pid': user.pid,
    'helseid://claims/identity/pid_pseudonym': user.sub,
    'helseid://claims/identity/security_level': user.securityLevel,
    'helseid://claims/identity/assurance_level': LEVEL_NAMES[user.securityLevel],
    'helseid://claims/identity/network': 'internet',
    ...(user.hprNumber ? { 'helseid://claims/hpr/hpr_number': user.hprNumber } : {}),
  };
}
