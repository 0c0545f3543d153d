import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { startPage } from '../../local/app/page/start.ts';
import { type LocalSystem, startSystem } from '../../local/app/system.ts';
import { findChromium } from './find-chromium.ts';

/** Where screenshots go; not kept in the repository. */
const SCREENSHOTS = fileURLToPath(new URL('./screenshots/', import.meta.url));

/** Ports beside those of `npm start`, which may run. */
const PORTS = { gateway: 13_000, standIn: 13_443 };

/** The local system with its page, and a browser. */
export interface Running {
  system: LocalSystem;
  browser: Browser;
  /** URL of the page. */
  page: string;
  /** URL of the gateway that people log in to. */
  gateway: string;
  close(): Promise<void>;
}

/** Starts both, from nothing. Throws where there is no Chromium, before anything else is started. */
export async function startRunning(): Promise<Running> {
  const executablePath = findChromium();
  rmSync(SCREENSHOTS, { recursive: true, force: true });
  mkdirSync(SCREENSHOTS, { recursive: true });
  const directory = mkdtempSync(join(tmpdir(), 'zones-browser-'));
  const system = await startSystem({
    declarationFile: 'test/two-clients.zones.ts',
    standIn: true,
    ports: PORTS,
    directory,
    fresh: true,
    page: 'next',
  });
  const page = await startPage(system, system.pagePort ?? 0);
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-sync',
      '--disable-component-update',
    ],
  });
  return {
    system,
    browser,
    page: page.url,
    gateway: system.gatewayUrl('public'),
    async close() {
      await browser.close();
      await page.close();
      await system.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A browser profile of its own: nobody is logged in. What its pages complain about fails the test that looks. */
export async function openProfile(running: Running, options: BrowserContextOptions = {}): Promise<Profile> {
  // The stand-in's authority was made on this machine; the browser does not know it.
  const context = await running.browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB', ...options });
  const complaints: string[] = [];
  context.on('weberror', (error) => complaints.push(error.error().message));
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.location().url}: ${message.text()}`);
  });
  return { context, complaints };
}

/** See {@link openProfile}. */
export interface Profile {
  context: BrowserContext;
  complaints: readonly string[];
}

/** Takes a picture of the whole page, to be looked at. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}

/** What axe finds wrong with the page: WCAG 2.2 A and AA and axe's best practices; a line each. */
export async function findBarriers(page: Page): Promise<string[]> {
  // By the debugger, which no policy of the page binds: the pages allow no foreign script element.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => {
    const { axe: here } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } };
    return here.run();
  });
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target }) => `${id}: ${help} (${target.join(' ')})`),
  );
}

interface AxeResults {
  violations: { id: string; help: string; nodes: { target: string[] }[] }[];
}
