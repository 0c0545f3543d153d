import type { LoginTokens } from '@helseid-zones/client/tokens';
import { type Dependencies, seconds } from '../login-common/dependencies.ts';
import { keepRefreshToken, keepToken } from '../login-common/kept-tokens.ts';
import {
  readPerson,
  readSecurityLevel,
  readSid,
  requireSamePerson,
  requireSecurityLevel,
} from '../login-common/person.ts';
import { revokeQuietly } from '../login-common/refresh.ts';
import { createSession, type OpenSession } from '../login-common/sessions.ts';
import type { Transaction } from '../login-common/transactions.ts';

/**
 * Checks who logged in and how, and puts a new session in the place of the one that the login was begun in, and of the `live`
 * one; gives its id. Tokens that no session keeps are revoked.
 *
 * Throws `security_level_too_low`, `person_mismatch`, `session_invalid` where the issuer ended the login meanwhile, and what the
 * store throws. Expects claims of a validated ID token.
 */
export async function acceptLogin(
  deps: Dependencies,
  transaction: Transaction,
  live: OpenSession | undefined,
  tokens: LoginTokens,
): Promise<string> {
  const { settings } = deps;
  const { begunAt, previous, organization } = transaction;
  const claims = tokens.idTokenClaims;
  const person = readPerson(claims);
  try {
    requireSecurityLevel(claims, settings.login.securityLevel);
    // Who was here when the login began, and who logged in meanwhile in another tab.
    for (const other of [previous?.person, live?.data.person])
      if (other) requireSamePerson(deps.samePerson, other, person);
    const now = seconds(deps);
    const sid = readSid(claims);
    const securityLevel = readSecurityLevel(claims);
    // The one whose cookie the browser has comes last.
    const replaced = live ? [{ pk: live.pk, links: live.data.links }] : [];
    if (previous && previous.pk !== live?.pk) replaced.unshift(previous);
    return await createSession(
      deps,
      { now, begunAt, idleSeconds: settings.idleSeconds },
      {
        person,
        loggedInAt: now,
        endsAt: now + settings.absoluteSeconds,
        idToken: tokens.idToken,
        tokens: settings.firstIsNarrow ? { [settings.first.name]: keepToken(tokens) } : {},
        ...(sid === undefined ? {} : { sid }),
        ...(securityLevel === undefined ? {} : { securityLevel }),
        ...keepRefreshToken(deps, tokens),
        ...(claims.nonce === undefined ? {} : { nonce: claims.nonce }),
        ...(organization ? { organization } : {}),
      },
      replaced,
    );
  } catch (error) {
    await revokeQuietly(deps, {
      refreshToken: tokens.refreshToken,
      tokens: { [settings.first.name]: tokens },
    });
    throw error;
  }
}
