import { createHash, randomBytes } from 'node:crypto';
import { SESSION_COOKIE } from '../../../functions/login-common/cookies.ts';
import { type Step, stepFailed } from '../steps/step.ts';
import type { LocalSystem } from '../system.ts';

/** Session cookies that nobody was given open no session, nor does what a reader of the table would find in it. */
export const forgeSession: Step = {
  name: 'forged-session-refused',
  unfit: (system) => (loginZone(system) === undefined ? 'no zone has a login' : undefined),
  async run(system) {
    const url = `${system.gatewayUrl(loginZone(system) ?? '')}/session`;
    const id = randomBytes(32).toString('base64url');
    const stored = createHash('sha256').update(id).digest('base64url');
    const forged = [
      `${SESSION_COOKIE}=${id}`,
      `${SESSION_COOKIE}=${stored}`,
      `${SESSION_COOKIE}=`,
      `${SESSION_COOKIE}=${id}; ${SESSION_COOKIE}=${stored}`,
      `${SESSION_COOKIE}=../../${id.slice(6)}`,
    ];
    let refusal = '';
    for (const cookie of forged) {
      const answer = await fetch(url, { headers: { cookie, accept: 'application/json' } });
      const { code } = (await answer.json()) as { code?: string };
      if (answer.status !== 401 || code !== 'session_invalid')
        throw stepFailed(`a forged cookie was answered with ${answer.status} ${code ?? ''}`);
      if (answer.headers.has('set-cookie')) throw stepFailed('a forged cookie was answered with a cookie');
      refusal = `${answer.status} ${code}`;
    }
    return `${forged.length} forged cookies, each answered with ${refusal}, and no cookie set`;
  },
};

/** The zone that people log in to. */
export function loginZone({ declaration }: LocalSystem): string | undefined {
  return Object.entries(declaration.zones).find(([, { gateway }]) => gateway?.login !== undefined)?.[0];
}
