import { afterEach, describe, expect, it } from 'vitest';
import { backendConfig, ruleConfig } from '../helpers/config.ts';
import {
  A,
  B,
  claimant,
  config,
  follower,
  member,
  probedBackend,
  twoPods,
  type World,
  world,
} from './harness.ts';

let w: World;
afterEach(() => w.plane.close());

async function start(first = config([probedBackend()])): Promise<void> {
  w = await twoPods(world(first));
}

const plain = (part: Parameters<typeof backendConfig>[0] = {}): ReturnType<typeof config> =>
  config([backendConfig(part)]);
const failure = (name: string, kind: 'failed' | 'connect_failed' = 'failed'): void =>
  w.plane.report({ kind, podId: w.pod(name).id, reason: 'reset' });

describe('health', () => {
  it('a new Pod starts unready and is probed at once', async () => {
    w = world(plain());
    w.pods.set(A, follower({ delayMs: 50 }));
    w.members([member('db-0', A)]);
    await w.run(0);
    expect(w.probes).toEqual([{ what: `health ${A}`, atMs: 0 }]);
    expect(w.pod('db-0')).toMatchObject({ state: 'unready', reason: 'not probed yet' });
    await w.run(60);
    expect(w.pod('db-0').state).toBe('ready');
  });

  it('H3 (apisix#4796) requests that succeed never lift a Pod', async () => {
    await start(plain());
    w.pods.set(A, follower({ health: 'failure' }));
    await w.run(6100);
    for (let i = 0; i < 50; i++) w.plane.report({ kind: 'ok', podId: w.pod('db-0').id });
    await w.run(3000);
    expect(w.pod('db-0').state).toBe('unready');
  });

  it('H5 (traefik#5231) with every Pod failing none is ready', async () => {
    await start(plain());
    for (const pod of w.pods.values()) pod.health = 'failure';
    await w.run(6100);
    expect(w.backend().ready).toEqual([]);
    expect(w.plane.backends()[0]!.pods.map(({ state }) => state)).toEqual(['unready', 'unready']);
  });

  it('a refused data connection is one failed probe and triggers another at once, ten a second at most', async () => {
    await start(plain());
    w.probes.length = 0;
    for (let i = 0; i < 100; i++) failure('db-0', 'connect_failed');
    await w.run(0);
    expect(w.pod('db-0').state).toBe('ready');
    await w.run(50);
    expect(w.pod('db-0').state).toBe('ready');
    expect(w.probes.filter(({ what }) => what === `health ${A}`)).toHaveLength(1);
    for (let i = 0; i < 200; i++) {
      failure('db-0', 'connect_failed');
      await w.run(5);
    }
    expect(w.probes.filter(({ what }) => what === `health ${A}`).length).toBeLessThanOrEqual(13);
    w.pods.set(A, follower({ health: 'refused' }));
    failure('db-0', 'connect_failed');
    await w.run(300);
    expect(w.pod('db-0').state).toBe('unready');
  });

  it('ejects after failures in a row, for n times baseTime, at most maxPercent', async () => {
    await start(plain({ ejection: { consecutiveFailures: 3, baseTimeMs: 1000, maxPercent: 50 } }));
    failure('db-0');
    failure('db-0');
    w.plane.report({ kind: 'ok', podId: w.pod('db-0').id });
    for (let i = 0; i < 2; i++) failure('db-0');
    await w.run(5);
    expect(w.pod('db-0').state).toBe('ready');
    for (let i = 0; i < 3; i++) {
      failure('db-0');
      failure('db-1');
    }
    await w.run(5);
    expect([w.pod('db-0').state, w.pod('db-1').state]).toEqual(['ejected', 'ready']);
    await w.run(1000);
    expect(w.pod('db-0').state).toBe('ready');
    for (let i = 0; i < 3; i++) failure('db-0');
    await w.run(1500);
    expect(w.pod('db-0').state).toBe('ejected');
    await w.run(600);
    expect(w.pod('db-0').state).toBe('ready');
  });
});

describe('roster', () => {
  it('a Pod that left drains until its requests have ended; one that returns is another Pod', async () => {
    await start();
    const { id } = w.pod('db-0');
    w.metrics.upstreamRequests.with('db', 'db-0', 'ok').value++;
    w.members([member('db-1', B)]);
    await w.run(5);
    expect(w.pod('db-0')).toMatchObject({ id, state: 'draining' });
    expect(w.backend().leadership.state).toBe('none');
    expect(w.backend().byOrdinal.has(0)).toBe(false);
    w.pods.set(A, claimant({ delayMs: 100 }));
    w.members([member('db-0', A), member('db-1', B)]);
    await w.run(5);
    expect(w.pod('db-0')).toMatchObject({ state: 'unready' });
    expect(w.pod('db-0').id).not.toBe(id);
    w.plane.report({ kind: 'drained', podId: id });
    w.plane.report({ kind: 'drained', podId: id });
    await w.run(5);
    expect(w.backend().pods.map((pod) => pod.id)).not.toContain(id);
  });

  it('overlapping addresses are the same Pod, disjoint ones another', async () => {
    await start();
    const { id } = w.pod('db-0');
    w.members([member('db-0', [A, '::1']), member('db-1', B)]);
    await w.run(5);
    expect(w.pod('db-0')).toMatchObject({ id, addresses: [A, '::1'], state: 'ready' });
    w.members([member('db-0', '10.0.0.9'), member('db-1', B)]);
    await w.run(5);
    expect(w.backend().byOrdinal.get(0)!.id).not.toBe(id);
    expect(w.backend().pods.find((pod) => pod.id === id)!.state).toBe('draining');
  });

  it('drops the series of a Pod that is gone', async () => {
    await start();
    const { id } = w.pod('db-0');
    w.members([member('db-1', B)]);
    w.plane.report({ kind: 'drained', podId: id });
    await w.run(5);
    expect([...w.metrics.probes.cells()].map(({ labels }) => labels[1])).not.toContain('db-0');
    expect([...w.metrics.probes.cells()].map(({ labels }) => labels[1])).toContain('db-1');
  });
});

describe('snapshots', () => {
  it('publishes nothing while nothing changes', async () => {
    await start();
    const snapshot = w.cell.current();
    await w.run(10_000);
    expect(w.cell.current()).toBe(snapshot);
  });

  it('parts that did not change are the same objects', async () => {
    await start();
    const before = w.cell.current();
    const db1 = w.pod('db-1');
    w.pods.set(A, follower({ health: 'failure' }));
    await w.run(6100);
    expect(w.cell.current().version).toBeGreaterThan(before.version);
    expect(w.pod('db-1')).toBe(db1);
    expect(w.cell.current().listeners).toBe(before.listeners);
    expect(structuredClone(w.cell.current())).toEqual(w.cell.current());
  });

  it('joins 1,000 Pods that turn ready together into few snapshots', async () => {
    w = world(plain());
    const members = Array.from({ length: 1000 }, (_, i) => member(`db-${i}`, `10.1.${i >> 8}.${i & 255}`));
    for (const { addresses } of members) w.pods.set(addresses[0]!, follower());
    w.members(members);
    await w.run(1500);
    expect(w.backend().ready).toHaveLength(1000);
    // Four probes begin in a turn: at most one snapshot for each four Pods.
    expect(w.published.length).toBeLessThan(260);
  });
});

describe('reload', () => {
  it('equal backends keep Pods, health and leadership; new rules are published before apply returns', async () => {
    await start();
    const before = w.backend();
    w.plane.apply(config([probedBackend()], [ruleConfig({ name: 'other' })]), 'second');
    expect(w.cell.current().listeners[0]!.routes[0]!.rule.name).toBe('other');
    expect(w.cell.current().configHash).toBe('second');
    expect(w.backend()).toBe(before);
  });

  it('other thresholds or leader settings leave Pods ready', async () => {
    await start();
    const { id } = w.pod('db-0');
    const changed = probedBackend();
    w.plane.apply(config([{ ...changed, health: { ...changed.health, periodMs: 5000 } }]), 'second');
    expect(w.pod('db-0')).toMatchObject({ id, state: 'ready' });
    expect(w.backend().leadership.state).toBe('known');
    w.plane.apply(config([probedBackend({ periodMs: 300 })]), 'third');
    expect(w.pod('db-0').state).toBe('ready');
    await w.run(20);
    expect(w.backend().leadership).toMatchObject({ state: 'known', leader: w.pod('db-0') });
  });

  it('firstRoundDone waits for every backend', async () => {
    w = world(config([backendConfig(), backendConfig({ name: 'other' })]));
    expect(w.plane.firstRoundDone()).toBe(false);
    w.members([]);
    expect(w.plane.firstRoundDone()).toBe(false);
    w.members([], 'other');
    await w.run(0);
    expect(w.plane.firstRoundDone()).toBe(true);
  });

  it('leaves no timer behind', async () => {
    await start();
    w.plane.close();
    expect(w.clock.pending).toBe(0);
  });
});
