import type { BrowserContext, Page } from 'playwright-core';
import type { Running } from './running.ts';

/** Somebody at the stand-in, by name. */
export type Person = 'Line Danser' | 'Kari Nordmann' | 'Ola Lavnivå';

/** Begins a login in a tab and stops where one picks who to be. */
export async function beginLogin(
  { gateway }: Running,
  context: BrowserContext,
  query = 'return=/session',
): Promise<Page> {
  const tab = await context.newPage();
  await tab.goto(`${gateway}/login?${query}`);
  return tab;
}

/** Picks a person and waits until the gateway has answered. */
export async function pick(tab: Page, person: Person): Promise<void> {
  await tab.getByRole('button', { name: person }).click();
  await tab.waitForURL((url) => url.port !== '' && url.pathname !== '/callback' && url.protocol === 'http:');
}

/** Logs a person in and gives the tab, where the session is shown as JSON. */
export async function logIn(
  running: Running,
  context: BrowserContext,
  person: Person = 'Line Danser',
): Promise<Page> {
  const tab = await beginLogin(running, context);
  await pick(tab, person);
  return tab;
}

/** What the gateway shows this browser of its session. */
export function readSession({ gateway }: Running, context: BrowserContext): Promise<Shown> {
  return visit(context, `${gateway}/session`);
}

/** What a tab of this browser is shown at an address: status, and the body where it is JSON. */
export async function visit(context: BrowserContext, url: string): Promise<Shown> {
  const tab = await context.newPage();
  try {
    const response = await tab.goto(url);
    const text = (await response?.text()) ?? '';
    return { status: response?.status() ?? 0, body: text.startsWith('{') ? JSON.parse(text) : {} };
  } finally {
    await tab.close();
  }
}

/** See {@link visit}. */
export interface Shown {
  status: number;
  body: Record<string, unknown>;
}
