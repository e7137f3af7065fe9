import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { requireTool, toolEnvironment } from '../../../scripts/servers/location.mjs';

/** It asks nobody but the page's own server. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Debian's Chromium, headless. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: requireTool('chromium'),
    headless: true,
    args: FLAGS,
    env: { ...process.env, ...toolEnvironment('chromium') },
    timeout: 120_000,
  });
}

/** What a page must never do: print an error, break its policy, ask another origin. Lines of what it did. */
export function watchMisdeeds(page: Page, origin: string): string[] {
  const misdeeds: string[] = [];
  page.on('console', (message) => {
    // That the sidecar is gone, or refuses a question, is told on the page; the browser says so besides.
    const isTold = /ERR_CONNECTION_REFUSED|status of 400/.test(message.text());
    if (message.type() === 'error' && !isTold) misdeeds.push(message.text());
  });
  page.on('pageerror', (error) => misdeeds.push(String(error)));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith('data:')) misdeeds.push(`asked ${url}`);
  });
  return misdeeds;
}

/** Whether pictures are wanted, by `HEADROUTE_SCREENSHOTS`. */
export const wantsPictures = (process.env.HEADROUTE_SCREENSHOTS ?? '') !== '';

/** Keeps a picture in docs/images/, light and dark, where pictures are wanted. @param afterMs so that the line of time has something to show */
export async function picture(page: Page, name: string, afterMs: number): Promise<void> {
  if (!wantsPictures) return;
  mkdirSync('docs/images', { recursive: true });
  await page.waitForTimeout(afterMs);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(1200);
    const path = join('docs/images', `page-${name}${colorScheme === 'dark' ? '-dark' : ''}.png`);
    await page.screenshot({ path });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}
