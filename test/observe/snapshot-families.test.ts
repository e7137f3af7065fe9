import { expect, it } from 'vitest';
import { emptySnapshot } from '../../src/model/empty.ts';
import type { BackendSnapshot } from '../../src/model/snapshot.ts';
import { renderMetrics } from '../../src/observe/render.ts';
import { snapshotFamilies } from '../../src/observe/snapshot-families.ts';
import { backendOf, pod } from '../data/fixtures.ts';
import { configWith } from '../helpers/config.ts';
import { readExposition, sampleValue } from './exposition.ts';

const config = configWith();

function scrape(backends: Readonly<Record<string, BackendSnapshot>>): Promise<string> {
  const snapshot = { ...emptySnapshot(config, 'x'), backends: new Map(Object.entries(backends)) };
  return renderMetrics(() => snapshotFamilies(() => snapshot, '1.2.3'));
}

it('shows every state of Pods, who is ready, who leads and whether one does', async () => {
  const pods = [pod(0), pod(1), pod(2, 'unready')];
  const text = await scrape({ db: backendOf(pods, pods[1]!), none: backendOf([], 'none') });
  for (const [state, value] of Object.entries({ ready: 2, unready: 1, ejected: 0, draining: 0 }))
    expect(sampleValue(text, 'headroute_pods', { backend: 'db', state })).toBe(value);
  const ready = [0, 1, 2].map((n) =>
    sampleValue(text, 'headroute_pod_ready', { backend: 'db', pod: `db-${n}` }),
  );
  const leads = [0, 1, 2].map((n) =>
    sampleValue(text, 'headroute_pod_leader', { backend: 'db', pod: `db-${n}` }),
  );
  expect([ready, leads]).toEqual([
    [1, 1, 0],
    [0, 1, 0],
  ]);
  const states = (backend: string): (number | undefined)[] =>
    ['known', 'none', 'conflict'].map((state) =>
      sampleValue(text, 'headroute_leader_state', { backend, state }),
    );
  expect([states('db'), states('none')]).toEqual([
    [1, 0, 0],
    [0, 1, 0],
  ]);
  expect(sampleValue(text, 'headroute_build_info', { version: '1.2.3', node_version: process.version })).toBe(
    1,
  );
});

it('sums Pods without a stable name, and a draining Pod with its successor; never an address as label', async () => {
  const nameless = (state: 'ready' | 'unready') => pod(-1, state, { name: '10.0.0.7', label: '' });
  const text = await scrape({
    web: backendOf([nameless('ready'), nameless('ready'), nameless('unready'), pod(0, 'draining'), pod(0)]),
  });
  expect(sampleValue(text, 'headroute_pod_ready', { backend: 'web', pod: '' })).toBe(2);
  expect(sampleValue(text, 'headroute_pod_ready', { backend: 'web', pod: 'db-0' })).toBe(1);
  expect(text).not.toContain('10.0.0.7');
  // Without a leader source there is nobody to tell about.
  expect(readExposition(text).get('headroute_leader_state')!.samples).toEqual([]);
  expect(readExposition(text).get('headroute_pod_leader')!.samples).toEqual([]);
});

it('M1: 1,000 Pod replacements leave as many series as at the start', async () => {
  const lines: number[] = [];
  for (let round = 0; round < 1000; round += 333) {
    const pods = [0, 1, 2].map((n) =>
      pod(n, 'ready', { name: `db-${round}-${n}`, label: `db-${round}-${n}` }),
    );
    lines.push((await scrape({ db: backendOf(pods, pods[0]!) })).split('\n').length);
  }
  expect(new Set(lines).size).toBe(1);
});
