/** The page of the debug port (SPEC 4, `GET /`) in a real browser, by what a person does with it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, picture, watchMisdeeds } from './support/browser.ts';
import { lead, PageScene } from './support/page-scene.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** For what the machine may be busy with; each is seen within two seconds otherwise. */
const PATIENCE = { timeout: 30_000 };
const VIEWPORT = { width: 1100, height: 900 };

let browser: Browser;
const endings: (() => unknown)[] = [];
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  for (const end of endings.reverse()) await end();
});

const scope = { onTestFinished: (end: () => unknown): void => void endings.push(end) };

/** What axe finds of the kinds that keep somebody out. */
async function seriousViolations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate(() =>
    // biome-ignore lint/suspicious/noExplicitAny: axe-core puts itself into the page
    (globalThis as any).axe.run(document, { resultTypes: ['violations'] }),
  );
  return found.violations
    .filter(({ impact }: { impact: string }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }: { id: string; nodes: { html: string }[] }) => `${id}: ${nodes[0]!.html}`);
}

async function accessible(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect([colorScheme, await seriousViolations(page)]).toEqual([colorScheme, []]);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

describe('a person at the page', () => {
  let scene: PageScene;
  let page: Page;
  let misdeeds: string[];
  beforeAll(async () => {
    scene = await PageScene.raise(scope as never);
    page = await browser.newPage({ viewport: VIEWPORT });
    misdeeds = watchMisdeeds(page, scene.url);
    await page.goto(scene.url);
  });

  const card = (name: string) =>
    page.locator('details.card', { has: page.getByRole('heading', { name, exact: true }) });
  const problems = () => page.locator('.problem');
  const row = (pod: string) => page.getByRole('row', { name: new RegExp(`^${pod} `) });

  it('sees that all is well, who leads, and a line of time', async () => {
    await expect.poll(() => page.title(), PATIENCE).toBe('headroute: all is well');
    await expect.poll(() => problems().allInnerTexts(), PATIENCE).toEqual(['Nothing is known to be wrong.']);
    expect(await card('db').locator('.facts').innerText()).toMatch(/db-0 leads, term 7\s+3 of 3 Pods ready/);
    expect(await row('db-0').innerText()).toMatch(/ready.*leader, term 7/s);
    await expect.poll(() => card('db').locator('canvas').count(), PATIENCE).toBe(1);
    expect(await card('db').getByRole('img').getAttribute('aria-label')).toContain('3 of 3 Pods ready now');
    await accessible(page);
  });

  it('kills the leader, and watches writes wait, then the next one lead', async () => {
    await picture(page, 'healthy', 55_000);
    scene.pods[0]!.close();
    const writes = Promise.all([1, 2, 3].map(() => scene.write()));
    const error = page.locator('.problem.error');
    await error.waitFor(PATIENCE);
    expect(await error.innerText()).toMatch(/Error\s+db\s+no leader: no Pod claims to lead; db-0 led until/);
    await expect.poll(() => row('db-0').innerText(), PATIENCE).toMatch(/unready.*connection refused/s);
    await expect
      .poll(() => card('db').locator('.facts').innerText(), PATIENCE)
      .toMatch(/no leader.*3 waiting, the longest/s);
    expect(await page.title()).toMatch(/^headroute: 1 error/);
    // The worst comes first.
    expect(await page.locator('.cards .card h2').first().innerText()).toBe('db');
    await accessible(page);
    await picture(page, 'leaderless', 10_000);
    lead(scene.pods[1]!, 8);
    expect(await writes).toEqual(['db-1', 'db-1', 'db-1']);
    await expect
      .poll(() => card('db').locator('.facts').innerText(), PATIENCE)
      .toMatch(/db-1 leads, term 8\s+2 of 3 Pods ready/);
    await expect.poll(() => page.locator('.problem.error').count(), PATIENCE).toBe(0);
    await card('db').getByText('The last ten minutes as a table').click();
    const table = await card('db').locator('.changes table').innerText();
    expect(table).toMatch(/db-1, term 8[\s\S]*no leader[\s\S]*db-0, term 7/);
  });

  it('follows a link to a Pod and back, by keyboard', async () => {
    await page.getByRole('link', { name: 'db-1', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(`${scene.url}/?backend=db&pod=db-1`, PATIENCE);
    const detail = page.locator('.detail');
    await detail.waitFor(PATIENCE);
    expect(await detail.innerText()).toMatch(
      /db-1[\s\S]*ready for [\s\S]*Health probe[\s\S]*yes: GET \/healthz answered 200[\s\S]*leader, term 8/,
    );
    expect(await page.locator('.cards .card').count()).toBe(1);
    await page.goto(`${scene.url}/?backend=db&pod=db-7`);
    await page.getByText('There is no Pod of the name db-7').waitFor(PATIENCE);
    await page.getByRole('link', { name: '← all backends' }).click();
    await page.waitForURL(`${scene.url}/`, PATIENCE);
    await expect.poll(() => page.locator('.cards .card h2').count(), PATIENCE).toBe(2);
  });

  it('asks where a request would go, and why; the answer has a link of its own', async () => {
    await page.getByLabel('Method').fill('POST');
    await page.getByLabel('URL or path').fill('/orders?x=1');
    await page.getByLabel('Headers').fill('X-Tenant: a');
    await page.getByRole('button', { name: 'Explain' }).click();
    const answer = page.getByLabel('Explanation');
    await answer.waitFor(PATIENCE);
    expect(await answer.innerText()).toMatch(
      /^POST \/orders\?x=1.* goes to Pod db-1 .*[\s\S]*not db-0: .*connection refused/,
    );
    await accessible(page);
    const link = page.url();
    expect(link).toContain('url=%2Forders%3Fx%3D1');
    await page.goto(link);
    await answer.waitFor(PATIENCE);
    expect(await page.getByLabel('Headers').inputValue()).toBe('X-Tenant: a');
    await page.getByLabel('URL or path').fill('ftp://x');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.locator('.answer .failed').waitFor(PATIENCE);
  });

  it('sees two that claim to lead', async () => {
    await page.goto(scene.url);
    lead(scene.pods[1]!, null);
    lead(scene.pods[2]!, 9);
    await expect.poll(() => card('db').locator('.facts').innerText(), PATIENCE).toMatch(/db-2 leads, term 9/);
    lead(scene.pods[1]!, 9);
    const error = page.locator('.problem.error');
    await error.waitFor(PATIENCE);
    expect(await error.innerText()).toMatch(/leader conflict: .*db-1.*db-2/);
    expect(await row('db-1').innerText()).toContain('claims to lead, term 9');
    await accessible(page);
    await picture(page, 'conflict', 10_000);
    lead(scene.pods[1]!, null);
    await error.waitFor({ state: 'detached', ...PATIENCE });
  });

  it('sees why a change of the configuration was refused', async () => {
    const good = readFileSync(scene.sidecar.file, 'utf8');
    scene.sidecar.write(good.replace('failureThreshold: 1', 'failureThreshold: often'));
    const warning = page.locator('.problem.warning', {
      hasText: 'the last change of the configuration was refused',
    });
    await warning.waitFor(PATIENCE);
    expect(await warning.innerText()).toMatch(/headroute\.yaml:\d+:\d+: .*failureThreshold/);
    scene.sidecar.write(`${good}\n# again\n`);
    await warning.waitFor({ state: 'detached', ...PATIENCE });
  });

  it('did all that within the policy, and asked nobody else', () => {
    expect(misdeeds).toEqual([]);
  });

  it('has a full page without scripts, the answer of a question too', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false, viewport: VIEWPORT });
    const plain = await context.newPage();
    const plainMisdeeds = watchMisdeeds(plain, scene.url);
    await plain.goto(scene.url);
    const text = await plain.locator('body').innerText();
    for (const said of [
      /1 warning/,
      /db-0 is unready: connection refused/,
      /db-2 leads, term 9/,
      /cache-1/,
      /GET \/healthz answered 200/,
    ])
      expect(text).toMatch(said);
    await plain.getByText('The last ten minutes as a table').first().click();
    expect(await plain.locator('.changes table').first().innerText()).toContain('db-0, term 7');
    await plain.getByLabel('Method').fill('DELETE');
    await plain.getByLabel('URL or path').fill('/orders');
    await plain.getByRole('button', { name: 'Explain' }).click();
    expect(await plain.getByLabel('Explanation').innerText()).toMatch(/^DELETE \/orders.* goes to Pod db-2 /);
    await plain.goto(`${scene.url}/?backend=db&pod=db-2`);
    expect(await plain.locator('.detail').innerText()).toContain('leader, term 9');
    expect(plainMisdeeds).toEqual([]);
    await context.close();
  });

  it('is told that the sidecar is gone, with what it said last', async () => {
    scene.sidecar.signal('SIGKILL');
    const alert = page.getByRole('alert');
    await alert.waitFor(PATIENCE);
    expect(await alert.innerText()).toMatch(/Gone[\s\S]*does not answer[\s\S]*Trying again/);
    expect(await page.title()).toBe('headroute: gone');
    expect(await card('db').innerText()).toContain('db-2');
  });
});
