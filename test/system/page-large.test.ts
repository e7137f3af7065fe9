/** The page beside 1,000 Pods: few bytes, few elements, and nobody waits for it to be drawn. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DebugServer, startDebugServer } from '../../src/admin/debug-server.ts';
import type { State } from '../../src/model/state.ts';
import { silentLogger } from '../../src/platform/logger.ts';
import { findProblems } from '../../src/state/problems.ts';
import { ago, backend, cause, pod, state } from '../helpers/state.ts';
import { launchBrowser } from './support/browser.ts';

const PATIENCE = { timeout: 30_000 };
let browser: Browser;
let server: DebugServer;
let leader = 42;

/** One in 300 is unready, one leads. */
function large(): State {
  const pods = Array.from({ length: 1000 }, (_, i) =>
    pod({
      name: `db-${i}`,
      ordinal: i,
      leaderProbe: { ...ago(300), ok: i === leader, reason: 'GET /leader answered 503', durationMs: 3.1 },
      ...(i % 300 === 7 ? { state: 'unready' as const, reason: 'connection refused' } : {}),
      ...(i === leader ? { leads: true, claimsLeadership: true, term: '3' } : {}),
    }),
  );
  const leadership = { state: 'known', leader: `db-${leader}`, term: '3', since: ago(60_000) } as const;
  const causes = [cause('health', 'db-7, db-307, db-607 and 1 more are unready: connection refused', 9000)];
  const whole = state({ backends: [backend({ pods, leadership, causes })] });
  return { ...whole, problems: findProblems(whole) };
}

beforeAll(async () => {
  browser = await launchBrowser();
  server = await startDebugServer({
    address: { host: '127.0.0.1', port: 0 },
    // As the built program serves it: the script and style are bundled there.
    page: () => import(new URL('../../dist/headroute-server-page.js', import.meta.url).href),
    state: large,
    explain: () => ({}),
    config: () => ({}),
    drain() {},
    async undrain() {},
    quit() {},
    forgetTerm: () => null,
    setLogLevel: () => true,
    logger: silentLogger,
  });
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

const url = (): string => `http://127.0.0.1:${server.address.port}`;

it('is 100 KB of markup, and 100 KB of script and style', async () => {
  const bytes = async (path: string): Promise<number> =>
    (await (await fetch(url() + path)).arrayBuffer()).byteLength;
  expect(await bytes('/')).toBeLessThan(100_000);
  const assets = (await bytes('/page.js')) + (await bytes('/page.css'));
  expect(assets).toBeGreaterThan(20_000);
  expect(assets).toBeLessThan(100_000);
});

it('shows those that matter, folds the others, and is drawn anew within a frame or three', async () => {
  const page = await browser.newPage();
  await page.goto(url());
  await page.locator('html.scripted').waitFor(PATIENCE);
  const rows = page.locator('.pods tbody tr');
  await expect.poll(() => rows.count(), PATIENCE).toBe(5);
  expect(await page.locator('.folded summary').innerText()).toBe('995 more Pods: 995 ready');
  expect(await page.locator('.problem').innerText()).toContain('db-7, db-307, db-607 and 1 more are unready');
  const elements = await page.evaluate(() => document.querySelectorAll('*').length);
  expect(elements).toBeLessThan(2500);
  await page.evaluate(() => {
    const seen = { longest: 0 };
    Object.assign(globalThis, { seen });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) seen.longest = Math.max(seen.longest, duration);
    }).observe({ type: 'longtask' });
  });
  leader = 43;
  await expect.poll(() => page.locator('.pods tr.leads').innerText(), PATIENCE).toContain('db-43');
  // On an idle machine about 15 ms; the bound leaves room for one that is not.
  const longest = await page.evaluate(
    () => (globalThis as unknown as { seen: { longest: number } }).seen.longest,
  );
  expect(longest).toBeLessThan(300);
  await page.getByText('995 more Pods').click();
  await page.locator('.folded').getByRole('link', { name: 'db-999' }).click();
  await page.waitForURL(`${url()}/?backend=db&pod=db-999`);
  await expect.poll(() => page.locator('.detail').innerText(), PATIENCE).toContain('connection accepted');
});
