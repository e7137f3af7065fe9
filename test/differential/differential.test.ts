/**
 * More than 300 ordinary exchanges through http-proxy and through headroute, from the same client to the same Pod: every
 * difference on either wire belongs to a class of differences.ts, every class is really seen, and
 * docs/differences-from-http-proxy.md says the same (written anew with `UPDATE_DOCS=1`).
 * Source: issue 11 item 3.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDataPlane, type TestPlane } from '../helpers/data-plane.ts';
import { RawPod } from '../helpers/raw-pod.ts';
import { pause } from '../helpers/waiting.ts';
import { CLASSES, type Difference, differencesOf, page } from './differences.ts';
import { EXCHANGES } from './exchanges.ts';
import { type HttpProxy, startHttpProxy } from './http-proxy.ts';
import { observe } from './observe.ts';

const DOC = 'docs/differences-from-http-proxy.md';
let pods: RawPod[];
let plane: TestPlane;
let httpProxy: HttpProxy;
const found: Difference[] = [];

beforeAll(async () => {
  // Each has a Pod of its own, so that both can be driven at the same time.
  pods = [await RawPod.start(), await RawPod.start()];
  httpProxy = await startHttpProxy(pods[0]!.port);
  plane = await startDataPlane({
    pods: [{ name: 'db-0', port: pods[1]!.port }],
    proxyName: 'headroute-test',
    rules: [{ retry: { attempts: 0, codes: [], backoffMs: 1, budget: null } }],
  });
  for (const exchange of EXCHANGES) {
    const [theirs, ours] = await Promise.all([
      observe(httpProxy.port, pods[0]!, exchange),
      observe(plane.port, pods[1]!, exchange),
    ]);
    // The exit of a process that has just lost its sockets takes a moment.
    if (theirs['client answer'] === 'closed without one') await pause(100);
    theirs['the process'] = (await httpProxy.ended()) ? 'ends' : 'lives';
    ours['the process'] = 'lives';
    found.push(...differencesOf(exchange, theirs, ours));
  }
}, 60_000);

afterAll(async () => {
  httpProxy.close();
  await plane.close();
  for (const pod of pods) pod.close();
});

describe('headroute beside http-proxy', () => {
  it('at least 300 exchanges, with distinct names', () => {
    expect(EXCHANGES.length).toBeGreaterThanOrEqual(300);
    expect(new Set(EXCHANGES.map((e) => e.name)).size).toBe(EXCHANGES.length);
  });

  it('every difference belongs to a class', () => {
    const strange = found.filter((d) => !CLASSES.some((one) => one.is(d)));
    const byKey = new Map<string, Difference[]>();
    for (const d of strange) byKey.set(d.key, [...(byKey.get(d.key) ?? []), d]);
    const report = [...byKey].map(([key, all]) => {
      const { exchange, httpProxy: theirs, headroute: ours } = all[0]!;
      return `${key} ×${all.length}, as in "${exchange.name}": http-proxy ${JSON.stringify(theirs)}, headroute ${JSON.stringify(ours)}`;
    });
    expect(report).toEqual([]);
  });

  it('every class was seen', () => {
    const seen = new Set(found.map((d) => CLASSES.find((one) => one.is(d))?.title));
    expect(CLASSES.map((one) => one.title).filter((title) => !seen.has(title))).toEqual([]);
  });

  it('what headroute sent to the Pod was canonical every time', () => {
    expect(pods[1]!.violations).toEqual([]);
  });

  it(`${DOC} says the same`, () => {
    const text = page(EXCHANGES.length);
    if (process.env.UPDATE_DOCS === '1' || !existsSync(DOC)) writeFileSync(DOC, text);
    expect(readFileSync(DOC, 'utf8')).toBe(text);
  });
});
