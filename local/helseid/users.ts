import people from './people.json' with { type: 'json' };

/** A person who can log in. */
export interface TestUser {
  /** `sub`, equal to `helseid://claims/identity/pid_pseudonym`. */
  sub: string;
  pid: string;
  name: string;
  hprNumber?: string | undefined;
  securityLevel: '2' | '3' | '4';
  /** The identity provider that the person used, e.g. `idporten-oidc`. */
  idp: string;
  /** Where the person works; shown on the page only. */
  organization?: string | undefined;
}

/** People of the stand-in. The national identity numbers are synthetic (month + 80). */
export const TEST_USERS: readonly TestUser[] = people.users as TestUser[];

/** Which claims each scope brings (docs/decisions/stand-in.md). */
export const CLAIMS_BY_SCOPE: Readonly<Record<string, readonly string[]>> = people.claimsByScope;

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
    ...{ sub: user.sub, name: user.name, idp: user.idp, client_amr: 'private_key_jwt' },
    ...{ given_name: given.reverse().join(' '), family_name: family },
    'helseid://claims/identity/pid': user.pid,
    'helseid://claims/identity/pid_pseudonym': user.sub,
    'helseid://claims/identity/security_level': user.securityLevel,
    'helseid://claims/identity/assurance_level': LEVEL_NAMES[user.securityLevel],
    'helseid://claims/identity/network': 'internet',
    ...(user.hprNumber ? { 'helseid://claims/hpr/hpr_number': user.hprNumber } : {}),
  };
}
