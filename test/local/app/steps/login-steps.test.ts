import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Step } from '../../../../local/app/steps/facts.ts';
import {
  foreignCallbackRefused,
  loginToApi,
  logoutEndsSession,
  lowSecurityLevelRefused,
  refreshKeepsSession,
} from '../../../../local/app/steps/login-steps.ts';
import type { LocalSystem } from '../../../../local/app/system.ts';
import system from '../../../one-client.zones.ts';
import { type Fault, makeFakeLogin } from './fake-login.ts';

const STEPS = [
  loginToApi,
  lowSecurityLevelRefused,
  refreshKeepsSession,
  logoutEndsSession,
  foreignCallbackRefused,
];

const fake = makeFakeLogin();
beforeAll(() => void vi.stubGlobal('fetch', fake.fetch));
afterEach(() => fake.faults.clear());
afterAll(() => vi.unstubAllGlobals());

test.each(STEPS)('$name passes where everything is as it must be', async (step) => {
  expect(step.unfit(fake.local)).toBeUndefined();
  await expect(step.run(fake.local)).resolves.toMatch(/./);
  expect(fake.issuer.behaviour.accessTokenLifetime).toBe(60);
});

describe('a step fails where the system', () => {
  test.each<[Fault, Step, RegExp]>([
    ['lets nobody in', loginToApi, /the login ended at \/callback with 403/],
    ['answers without a session', loginToApi, /before login: 200/],
    ['shows a token', loginToApi, /a token was sent/],
    ['lets everybody in', lowSecurityLevelRefused, /the login at level 3: 200/],
    ['lets nobody in', lowSecurityLevelRefused, /the login ended at/],
    ['opens a session for whom it refuses', lowSecurityLevelRefused, /a session was opened/],
    ['refreshes for each request', refreshKeepsSession, /4 requests at once made 4 refreshes/],
    ['has no token after a refresh', refreshKeepsSession, /with a lapsed token: 401/],
    ['begins anew on a refresh', refreshKeepsSession, /another session/],
    ['refuses a switch', refreshKeepsSession, /the switch: 403/],
    ['forgets a switch', refreshKeepsSession, /does not show the organisation/],
    ['lets nobody in', logoutEndsSession, /the login ended at/],
    ['keeps the session after logout', logoutEndsSession, /still opens the session/],
    ['stays logged in at the issuer', logoutEndsSession, /still logged in there/],
    ["ignores the issuer's logout", logoutEndsSession, /after a logout at the issuer: 200/],
    ['lets nobody in', foreignCallbackRefused, /the allowed twin.*: 403/],
    ['takes a callback from anywhere', foreignCallbackRefused, /the callback in another browser: 200/],
    ['takes a callback twice', foreignCallbackRefused, /the callback once more: 200/],
    ['ends the session on a replay', foreignCallbackRefused, /after the replay: 401/],
    ['sets a cookie on a refusal', foreignCallbackRefused, /a cookie was set/],
  ])('%s: $1.name', async (fault, step, message) => {
    fake.faults.add(fault);
    await expect(step.run(fake.local)).rejects.toThrow(message);
    expect(fake.issuer.behaviour.accessTokenLifetime).toBe(60);
  });
});

describe('a step says what a declaration lacks', () => {
  const { public: open } = system.zones;
  const { login } = open.gateway;
  const withLogin = (change: object | undefined): LocalSystem => {
    const gateway = { ...open.gateway, login: change && { ...login, ...change } };
    const zones = { ...system.zones, public: { ...open, gateway } };
    return { ...fake.local, declaration: { ...system, zones } } as unknown as LocalSystem;
  };

  test.each<[string, object | undefined, RegExp]>([
    ['a login', undefined, /no zone has a login/],
    ['anything to read', { forward: [] }, /forwards nothing/],
  ])('%s', (_, change, message) => {
    for (const step of STEPS) expect(step.unfit(withLogin(change))).toMatch(message);
  });

  test('a security level, where that is the point', () => {
    const without = withLogin({ securityLevel: undefined });
    expect(lowSecurityLevelRefused.unfit(without)).toMatch(/demands no security level/);
    expect(loginToApi.unfit(without)).toBeUndefined();
  });

  test('a stand-in, whose people log in', () => {
    const alone = { ...fake.local, standIns: undefined };
    for (const step of STEPS) expect(step.unfit(alone)).toMatch(/stand-in/);
  });
});
