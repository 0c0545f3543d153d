import { isOrganizationNumber } from '@helseid-zones/protocol/details';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { makeOrganizationNumber } from '../../local/app/events.ts';
import { beginLogin, logIn, pick, readSession, visit } from './login.ts';
import { findBarriers, openProfile, type Profile, picture, startRunning } from './running.ts';

const running = await startRunning();
const open: BrowserContext[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((context) => context.close()));
});
afterAll(() => running.close());

async function profile(options: Parameters<typeof openProfile>[1] = {}): Promise<Profile> {
  const made = await openProfile(running, options);
  open.push(made.context);
  return made;
}

async function localPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(running.page);
  await page.locator('#keys table').first().waitFor();
  return page;
}

function standIn() {
  const [helseId] = [...(running.system.standIns?.helseIds.values() ?? [])];
  if (helseId === undefined) throw new Error('no stand-in runs');
  return helseId;
}

/** The gateway's cookies. The stand-in has some for the same host: cookies know no ports. */
async function ownCookies(context: BrowserContext) {
  const cookies = await context.cookies(running.gateway);
  return cookies.filter(({ name }) => name.startsWith('__Host-'));
}

/** Details of what the stand-in has done from now on. */
function watchStandIn() {
  const seen: string[] = [];
  const stop = running.system.trail.subscribe(({ kind, fields }) => {
    if (kind === 'stand-in') seen.push(`${fields['event']} ${fields['detail']}`);
  });
  return { seen, stop };
}

describe('logging in', () => {
  test('ends at the session, and leaves nothing that a script could read', async () => {
    const { context } = await profile();
    const tab = await logIn(running, context);
    expect(tab.url()).toBe(`${running.gateway}/session`);
    expect(JSON.parse((await tab.textContent('body')) ?? '')).toMatchObject({
      name: 'Line Danser',
      security_level: '4',
    });
    const readable = await tab.evaluate('[document.cookie, { ...localStorage }, { ...sessionStorage }]');
    expect(readable).toEqual(['', {}, {}]);
    const cookies = await ownCookies(context);
    expect(cookies.map(({ name }) => name)).toEqual(['__Host-session']);
    expect(cookies[0]).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Strict', path: '/' });
    expect(cookies[0]?.value).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test('is refused at too low a level, on a page that a person understands', async () => {
    const { context } = await profile({ locale: 'nb-NO' });
    const tab = await beginLogin(running, context);
    await tab.getByRole('button', { name: 'Ola Lavnivå' }).click();
    await tab.getByRole('heading', { name: 'Innloggingen er ikke sikker nok' }).waitFor();
    await picture(tab, 'level-too-low-nb');
    expect(await findBarriers(tab)).toEqual([]);
    expect((await ownCookies(context)).map(({ name }) => name)).not.toContain('__Host-session');
    // The issuer still knows the person; another login has to be asked for.
    const again = await beginLogin(running, context, 'return=/session&prompt=login');
    await pick(again, 'Line Danser');
    expect((await readSession(running, context)).body).toMatchObject({ security_level: '4' });
  });

  test('is refused at too low a level from a live session too, which the issuer then ends', async () => {
    const { context } = await profile();
    await logIn(running, context);
    const tab = await beginLogin(running, context, 'return=/session&prompt=login');
    await tab.getByRole('button', { name: 'Ola Lavnivå' }).click();
    await tab.getByRole('heading', { name: 'This login is not secure enough' }).waitFor();
    // Nobody is let in: not the one below the level, and not the one whom the issuer has logged out for the other.
    expect((await readSession(running, context)).status).toBe(401);
  });

  test('is the same person’s: another one must log out first', async () => {
    const { context } = await profile();
    await logIn(running, context);
    const tab = await beginLogin(running, context, 'return=/session&prompt=login');
    await tab.getByRole('button', { name: 'Kari Nordmann' }).click();
    await tab.getByRole('heading', { name: 'Another person is logged in' }).waitFor();
    expect(await findBarriers(tab)).toEqual([]);
    expect((await readSession(running, context)).body).not.toMatchObject({ name: 'Kari Nordmann' });
  });

  test('can be cancelled', async () => {
    const { context } = await profile();
    const tab = await beginLogin(running, context);
    await tab.getByRole('button', { name: 'Cancel' }).click();
    await tab.getByRole('heading', { name: 'You were not logged in' }).waitFor();
    expect(await findBarriers(tab)).toEqual([]);
    expect((await readSession(running, context)).status).toBe(401);
    // What leads on from there leads to where the login was to end.
    await tab.getByRole('link', { name: 'Log in' }).click();
    await pick(tab, 'Line Danser');
    expect(tab.url()).toBe(`${running.gateway}/session`);
  });

  test('asks the person anew for max_age=0, and takes who comes back', async () => {
    const { context } = await profile();
    await logIn(running, context);
    const tab = await beginLogin(running, context, 'return=/session&max_age=0');
    await pick(tab, 'Line Danser');
    expect(tab.url()).toBe(`${running.gateway}/session`);
  });

  test('is begun by a whole window only: as an image it costs nothing', async () => {
    const { context } = await profile();
    const tab = await context.newPage();
    await tab.goto(`${running.gateway}/`);
    const { seen, stop } = watchStandIn();
    await tab.evaluate(`new Promise((resolve) => {
      const image = document.body.appendChild(document.createElement('img'));
      image.onerror = () => resolve();
      image.src = '${running.gateway}/login';
    })`);
    stop();
    expect(seen).toEqual([]);
    expect(await ownCookies(context)).toEqual([]);
  });

  test('works in two tabs at once', async () => {
    const { context } = await profile();
    const first = await beginLogin(running, context);
    const second = await beginLogin(running, context, 'return=/session?second');
    await pick(first, 'Line Danser');
    expect(JSON.parse((await first.textContent('body')) ?? '')).toMatchObject({ name: 'Line Danser' });
    await pick(second, 'Line Danser');
    expect(second.url()).toBe(`${running.gateway}/session?second`);
    expect(JSON.parse((await second.textContent('body')) ?? '')).toMatchObject({ name: 'Line Danser' });
    expect((await readSession(running, context)).status).toBe(200);
  });

  test('survives the back button', async () => {
    const { context } = await profile();
    const tab = await logIn(running, context);
    const seen: string[] = [];
    while ((await tab.goBack({ waitUntil: 'load' }).catch(() => null)) !== null && seen.length < 6) {
      if (tab.url() === 'about:blank') break;
      await tab.locator('h1, pre').first().waitFor();
      await picture(tab, `back-${seen.length + 1}`);
      seen.push(`${new URL(tab.url()).pathname} ${await tab.locator('h1, pre').first().textContent()}`);
    }
    // The picker of a login that is done says so; nothing is broken and nothing has been undone.
    expect(seen.join('\n')).toContain('The login has expired');
    expect(seen.join('\n')).not.toContain('Something went wrong');
    expect((await readSession(running, context)).body).toMatchObject({ name: 'Line Danser' });
  });

  test('does not outlive its transaction, and says so', async () => {
    const { context } = await profile();
    const tab = await beginLogin(running, context);
    const [transaction] = await ownCookies(context);
    expect(transaction?.name).toMatch(/^__Host-login-/);
    // The cookie lives as long as the transaction; the browser drops it then.
    await context.clearCookies({ name: transaction?.name ?? '' });
    await tab.getByRole('button', { name: 'Line Danser' }).click();
    await tab.getByRole('heading', { name: 'This login is no longer valid' }).waitFor();
    await picture(tab, 'login-expired');
    expect(await findBarriers(tab)).toEqual([]);
    expect((await readSession(running, context)).status).toBe(401);
  });

  test('can’t be replayed: the callback’s address opens nothing a second time, here or elsewhere', async () => {
    const { context } = await profile();
    const tab = await beginLogin(running, context);
    let callback = '';
    tab.on('request', (request) => {
      if (request.url().startsWith(`${running.gateway}/callback`)) callback ||= request.url();
    });
    await pick(tab, 'Line Danser');
    const { context: other } = await profile();
    for (const where of [context, other]) {
      const again = await where.newPage();
      await again.goto(callback);
      await again.getByRole('heading', { name: 'This login is no longer valid' }).waitFor();
    }
    expect((await readSession(running, other)).status).toBe(401);
    expect((await readSession(running, context)).status).toBe(200);
  });
});

describe('a session', () => {
  test('calls the API', async () => {
    const { context } = await profile();
    await logIn(running, context);
    const { status, body } = await visit(context, `${running.gateway}/api/summaries/17`);
    expect([status, body]).toMatchObject([200, { summary: 'No findings.' }]);
  });

  test('goes on when its access token has expired', async () => {
    const { behaviour } = standIn();
    const lifetime = behaviour.accessTokenLifetime;
    // Shorter than the leeway with which a token counts as expired: it is so from the start.
    behaviour.accessTokenLifetime = 3;
    const { context } = await profile();
    try {
      await logIn(running, context);
      const { seen, stop } = watchStandIn();
      const answers = [];
      for (const path of ['/api/summaries/17', '/api/summaries/18', '/session'])
        answers.push((await visit(context, running.gateway + path)).status);
      stop();
      expect(answers).toEqual([200, 200, 200]);
      expect(seen.filter((line) => line === 'token refresh_token').length).toBeGreaterThanOrEqual(2);
    } finally {
      behaviour.accessTokenLifetime = lifetime;
    }
  });

  test('ends at the issuer, which ends it here (back-channel logout)', async () => {
    const { context } = await profile();
    await logIn(running, context);
    const metadata = await fetch(`${standIn().issuer}/.well-known/openid-configuration`).then(
      (response) => response.json() as Promise<{ end_session_endpoint: string }>,
    );
    const tab = await context.newPage();
    await tab.goto(metadata.end_session_endpoint);
    await picture(tab, 'issuer-logout');
    expect(await findBarriers(tab)).toEqual([]);
    const told = running.system.trail;
    const ended = new Promise<void>((resolve) => {
      const stop = told.subscribe(({ fields }) => {
        if (fields['code'] !== 'session.ended_by_issuer') return;
        stop();
        resolve();
      });
    });
    await tab.getByRole('button', { name: 'Log out' }).click();
    await ended;
    expect((await readSession(running, context)).status).toBe(401);
  });

  test('ends by a form on a page that tells nobody its address', async () => {
    const { context } = await profile();
    await logIn(running, context);
    const tab = await context.newPage();
    // An address without a route is a page, and it sends no referrer: so the form's `Origin` is `null`.
    await tab.goto(`${running.gateway}/`);
    await tab.getByRole('heading', { name: 'Her er det ingenting' }).waitFor();
    await picture(tab, 'nothing-nb');
    expect(await findBarriers(tab)).toEqual([]);
    const sent = tab.waitForRequest((request) => request.url() === `${running.gateway}/logout`);
    await tab.evaluate(
      `Object.assign(document.body.appendChild(document.createElement('form')), { method: 'post', action: '/logout' }).submit()`,
    );
    expect(await (await sent).allHeaders()).toMatchObject({
      origin: 'null',
      'sec-fetch-site': 'same-origin',
    });
    await tab.waitForURL((url) => url.pathname !== '/logout' && url.pathname !== '/');
    expect((await readSession(running, context)).status).toBe(401);
  });

  test('is refused to pages of another site, and to forged requests', async () => {
    const { context } = await profile();
    await logIn(running, context);
    const tab = await context.newPage();
    await tab.goto(running.page);
    const status = await tab.evaluate(
      (url) =>
        fetch(url, { credentials: 'include', mode: 'no-cors' }).then(
          ({ type }) => type,
          () => 'blocked',
        ),
      `${running.gateway}/session`,
    );
    expect(status).toBe('blocked');
  });
});

describe('the page', () => {
  test('sends the sample event, shows it on the trail, and complains of nothing', async () => {
    const { context, complaints } = await profile();
    const page = await localPage(context);
    const button = page.getByRole('button', { name: 'Send the sample event' });
    await button.click();
    // What happens is in sight together with the button, though the map is not.
    await page.locator('#live span', { hasText: 'submitted' }).first().waitFor();
    for (const seen of [button, page.locator('#live')]) {
      const box = await seen.boundingBox();
      expect(box?.y).toBeGreaterThanOrEqual(0);
      expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(page.viewportSize()?.height ?? 0);
    }
    await page.locator('#send-result.good').waitFor();
    expect(await page.textContent('#send-result')).toMatch(/journal-internal-worker is done with it/);
    await page.locator('#trail li.done', { hasText: 'signed, kind client_assertion' }).first().waitFor();
    expect(complaints).toEqual([]);
  });

  test('runs every attack, each stopped, and says by what and which invariant that was', async () => {
    const { context, complaints } = await profile();
    const page = await localPage(context);
    await page.getByRole('button', { name: 'Run all' }).click();
    const attacks = page.locator('.attacks > li');
    const count = await attacks.count();
    expect(count).toBeGreaterThanOrEqual(7);
    for (let index = 0; index < count; index += 1) {
      const card = attacks.nth(index);
      await card.locator('.result .verdict').waitFor();
      expect(await card.locator('.result .verdict').textContent()).toMatch(/^Stopped(?: \(I\d.*\))?$/);
      expect(await card.locator('.answer').textContent()).not.toBe('');
      expect(await card.locator('.explanation').isVisible()).toBe(true);
    }
    await picture(page, 'page-after-attacks');
    expect(complaints).toEqual([]);
  });

  test('shows keys and their states, and the trail by zone, paused and not', async () => {
    const { context } = await profile();
    const page = await localPage(context);
    expect(await page.textContent('#keys .state')).toBe('current');
    await page.getByRole('button', { name: 'Send the sample event' }).click();
    await page.locator('#send-result.good').waitFor();
    const proofs = page.locator('#figures td[data-label="Proofs"]');
    await expect
      .poll(async () => Math.max(...(await proofs.allTextContents()).map(Number)))
      .toBeGreaterThan(0);
    await page.getByRole('radio', { name: 'signing' }).check();
    const zones = await page.locator('#trail li:visible .zone').allTextContents();
    expect(new Set(zones)).toEqual(new Set(['signing']));
    await page.getByRole('radio', { name: 'all' }).check();
    const pause = page.getByRole('button', { name: 'Pause' });
    await pause.click();
    expect(await pause.getAttribute('aria-pressed')).toBe('true');
    const before = await page.locator('#trail li').count();
    await page.getByRole('button', { name: 'Send the sample event' }).click();
    await page.locator('#send-result.good').waitFor();
    expect(await page.locator('#trail li').count()).toBe(before);
    await pause.click();
    await expect.poll(() => page.locator('#trail li').count()).toBeGreaterThan(before);
  });

  test('logs in, calls the API, switches organisation and logs out', async () => {
    const { context } = await profile();
    const page = await localPage(context);
    const [tab] = await Promise.all([
      context.waitForEvent('page'),
      page.getByRole('link', { name: 'Log in' }).click(),
    ]);
    await pick(tab, 'Kari Nordmann');
    await tab.close();
    await page.bringToFront();
    await page.evaluate("window.dispatchEvent(new Event('focus'))");
    await page.getByText('Kari Nordmann is logged in at security level 4').waitFor();
    await page.getByRole('button', { name: 'Call the API' }).click();
    await page.getByText('The API answered 200').waitFor();
    const child = makeOrganizationNumber();
    expect(isOrganizationNumber(child)).toBe(true);
    await page.getByLabel('Work for organisation').fill(child);
    await page.getByRole('button', { name: 'Switch' }).click();
    await page.getByText(`for organisation ${child} until`).waitFor();
    await picture(page, 'page-logged-in');
    await page.getByLabel('Work for organisation').fill('123456780');
    await page.getByRole('button', { name: 'Switch' }).click();
    await page.locator('#session-result.bad').waitFor();
    await page.getByText(`for organisation ${child} until`).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('Logged out here').waitFor();
    await page.locator('#session', { hasText: 'Nobody is logged in.' }).waitFor();
    const [out] = await Promise.all([
      context.waitForEvent('page'),
      page.getByRole('link', { name: 'Log out at the issuer too' }).click(),
    ]);
    await out.getByRole('heading', { name: 'You are logged out' }).waitFor();
    await picture(out, 'logged-out');
    expect(await findBarriers(out)).toEqual([]);
    expect((await readSession(running, context)).status).toBe(401);
  });

  test('is worked with the keyboard alone', async () => {
    const { context } = await profile();
    const page = await localPage(context);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.id')).toBe('send');
    await page.keyboard.press('Enter');
    await page.locator('#send-result.good').waitFor();
    // The focus stays where it was, so that the result is heard and the way goes on from there.
    expect(await page.evaluate('document.activeElement.id')).toBe('send');
    await page.locator('[data-attack="outside-grant"]').focus();
    await page.keyboard.press('Space');
    await page.locator('#attack-outside-grant .verdict.good').waitFor();
  });

  test('asks nothing of other sites', async () => {
    const { context } = await profile();
    const asked: string[] = [];
    context.on('request', (request) => asked.push(new URL(request.url()).origin));
    const page = await localPage(context);
    await page.getByRole('button', { name: 'Send the sample event' }).click();
    await page.locator('#send-result.good').waitFor();
    expect(new Set(asked)).toEqual(new Set([running.page]));
  });
});

describe('the map', () => {
  test('lights up where an event leads: its function, the zone’s tokens, the signer, the calls between them and the key', async () => {
    const { context } = await profile();
    const page = await localPage(context);
    const lit = (element: string) =>
      page.locator(`.zone-map ${element}:is(.lit, .lit-refused)`).first().waitFor();
    const lights = [
      lit('[data-node="internal/function/worker"]'),
      lit('[data-node="signing/signer/signer-submission-internal"]'),
      lit('[data-from="internal/function/worker"][data-to="internal/function/tokens"]'),
      lit('[data-node="internal/function/tokens"]'),
      lit('[data-from="internal/function/tokens"][data-to="signing/signer/signer-submission-internal"]'),
      lit('[data-node="signing/key/client%20key/of%20client%20submission"]'),
    ];
    await page.getByRole('button', { name: 'Send the sample event' }).click();
    await Promise.all(lights);
  });

  test.each([320, 390, 768, 1440])('as a page fits %i pixels without scrolling sideways', async (width) => {
    const { context } = await profile({ viewport: { width, height: 900 } });
    const page = await context.newPage();
    await page.goto(running.page);
    const cut = await page.evaluate(
      `[...document.querySelectorAll('.zone-map *')]
        .filter(({ scrollWidth, clientWidth }) => clientWidth > 0 && scrollWidth > clientWidth)
        .map(({ className }) => String(className))`,
    );
    expect(cut).toEqual([]);
  });

  test('as a file is as high as what is in it', async () => {
    const { context } = await profile({ viewport: { width: 1240, height: 900 } });
    const page = await context.newPage();
    await page.goto(new URL('../../docs/zone-map.svg', import.meta.url).href);
    const content = await page.evaluate<number>("document.querySelector('main').scrollHeight");
    const height = await page.evaluate<number>("document.querySelector('svg').viewBox.baseVal.height");
    expect(content).toBeGreaterThan(1000);
    expect(content).toBeLessThanOrEqual(height);
    expect(content).toBeGreaterThan(height * 0.8);
  });
});

describe('no barriers, by axe, and pictures to look at', () => {
  test.each([
    ['light', { colorScheme: 'light', viewport: { width: 1280, height: 900 } }],
    ['dark', { colorScheme: 'dark', viewport: { width: 1280, height: 900 } }],
    ['phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
    ['phone-dark', { colorScheme: 'dark', viewport: { width: 390, height: 844 } }],
  ] as const)('the page, %s', async (name, options) => {
    const { context } = await profile(options);
    const page = await localPage(context);
    await page.getByRole('button', { name: 'Send the sample event' }).click();
    await page.locator('#send-result.good').waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await picture(page, `page-${name}`);
    const overflow = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow).toBe(0);
  });

  test.each(['light', 'dark'] as const)('the picker and an error page, %s', async (colorScheme) => {
    const { context } = await profile({ colorScheme });
    const tab = await beginLogin(running, context);
    await picture(tab, `picker-${colorScheme}`);
    expect(await findBarriers(tab)).toEqual([]);
    const error = await context.newPage();
    await error.goto(`${running.gateway}/login?return=https://attacker.example`);
    await error.getByRole('heading', { name: 'We did not understand the request' }).waitFor();
    await picture(error, `error-${colorScheme}`);
    expect(await findBarriers(error)).toEqual([]);
  });
});
