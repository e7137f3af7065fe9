/**
 * Configuration replaces askers, never beliefs (SPEC 2, Reload): Pods, health, ejections, claims, the highest term outlive
 * every resolver, probe loop and claim source.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { BackendConfig, LeaderConfig } from '../../src/model/config.ts';
import type { RoutingSnapshot } from '../../src/model/snapshot.ts';
import { backendConfig } from '../helpers/config.ts';
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

/** Every snapshot published from now on. */
function watch(): RoutingSnapshot[] {
  const seen: RoutingSnapshot[] = [];
  w.cell.subscribe((next) => seen.push(next));
  return seen;
}

/** Leadership of every snapshot, each different one once: `known db-0`. */
function leaders(seen: readonly RoutingSnapshot[], name = 'db'): string[] {
  const shown = seen.map((snapshot) => {
    const { state, leader } = snapshot.backends.get(name)!.leadership;
    return `${state} ${leader?.name ?? ''}`;
  });
  return shown.filter((text, i) => text !== shown[i - 1]);
}

function states(seen: readonly RoutingSnapshot[]): Set<string> {
  return new Set(
    seen.flatMap((snapshot) =>
      [...snapshot.backends.values()].flatMap(({ pods }) => pods.map((pod) => pod.state)),
    ),
  );
}

function withLeader(part: Partial<LeaderConfig>, backend = probedBackend()): BackendConfig {
  return { ...backend, leader: { ...backend.leader!, ...part } };
}

const DNS: LeaderConfig = {
  source: { type: 'DNS', service: 'db-leader.prod.svc.cluster.local' },
  onConflict: 'Refuse',
  learn: [],
};
const ORDINAL: LeaderConfig = { source: { type: 'Ordinal', ordinal: 0 }, onConflict: 'Refuse', learn: [] };

describe('claims', () => {
  const term = { term: { json: '/term' } };

  it.each([
    ['period', probedBackend({ periodMs: 300 })],
    ['timeout', probedBackend({ timeoutMs: 900 })],
    ['successThreshold', probedBackend({ successThreshold: 3 })],
    ['failureThreshold', probedBackend({ failureThreshold: 5 })],
    ['onConflict', withLeader({ onConflict: 'HighestTerm' })],
    ['learn', withLeader({ learn: [{ status: [421], location: false, header: null }] })],
    ['type DNS', withLeader(DNS)],
    ['type Ordinal', withLeader(ORDINAL)],
  ])('a leader that goes on claiming leads through a change of %s', async (_, changed) => {
    w = await twoPods(
      world(config([probedBackend()])),
      claimant({ delayMs: 200 }),
      follower({ delayMs: 200 }),
    );
    await w.run(500);
    const seen = watch();
    w.plane.apply(config([changed]), 'second');
    await w.run(100);
    w.addresses([A]);
    await w.run(3000);
    expect(leaders(seen)).toEqual(['known db-0']);
    expect(states(seen)).toEqual(new Set(['ready']));
  });

  it('a claim that was taken over still ends within the bound that it had', async () => {
    w = await twoPods(world(config([probedBackend()])));
    const seen = watch();
    w.pods.set(A, claimant({ leader: 'timeout' }));
    const fromMs = w.clock.nowMs();
    let lostAtMs = Number.NaN;
    w.cell.subscribe((next) => {
      if (next.backends.get('db')!.leadership.state === 'none')
        lostAtMs = Number.isNaN(lostAtMs) ? w.clock.nowMs() : lostAtMs;
    });
    // A new asker every 400 ms, none of which hears anything: the claim is not renewed by any of them.
    for (let n = 0; n < 8; n++) {
      w.plane.apply(config([probedBackend({ periodMs: 1000 - n })]), `n${n}`);
      await w.run(400);
    }
    expect(leaders(seen)).toEqual(['known db-0', 'none ']);
    expect(lostAtMs - fromMs).toBeGreaterThan(1500);
    expect(lostAtMs - fromMs).toBeLessThanOrEqual(2510);
  });

  it('promise 5: the highest term is not forgotten by any change of the leader source', async () => {
    w = await twoPods(world(config([probedBackend(term)])), claimant({ term: '5' }));
    expect(w.backend().leadership).toMatchObject({ state: 'known', term: '5' });
    const changes: BackendConfig[] = [
      probedBackend({ ...term, periodMs: 400 }),
      withLeader(ORDINAL),
      backendConfig(),
      probedBackend(term),
      { ...probedBackend(term), name: 'other' },
    ];
    for (const [n, changed] of changes.entries()) {
      w.plane.apply(config([changed]), `n${n}`);
      await w.run(1500);
    }
    w.pods.set(A, claimant({ term: '3' }));
    await w.run(1500);
    expect(w.backend('other').leadership.state).toBe('none');
    expect(w.backend('other').leadership.reason).toContain('term 5 was seen');
    w.pods.set(A, claimant({ term: '6' }));
    await w.run(1500);
    expect(w.backend('other').leadership).toMatchObject({ state: 'known', term: '6' });
  });

  it('the old source stays in force until the new one has asked every Pod', async () => {
    w = await twoPods(world(config([probedBackend()])));
    w.pods.set(B, follower({ delayMs: 400 }));
    const seen = watch();
    w.plane.apply(config([withLeader(DNS)]), 'second');
    await w.run(3000);
    // No answer of the name server yet: who is asked over HTTP still counts.
    expect(leaders(seen)).toEqual(['known db-0']);
    w.pods.set(A, follower());
    w.pods.set(B, claimant());
    await w.run(1500);
    expect(leaders(seen).at(-1)).toBe('known db-1');
    w.addresses([A]);
    await w.run(50);
    expect(leaders(seen).at(-1)).toBe('known db-0');
    w.probes.length = 0;
    await w.run(2000);
    expect(w.probes.filter(({ what }) => what.startsWith('leader'))).toEqual([]);
  });
});

describe('Pods and their health', () => {
  it.each([
    ['health.period', { health: { ...backendConfig().health, periodMs: 700 } }],
    ['health.successThreshold', { health: { ...backendConfig().health, successThreshold: 5 } }],
    ['connection', { connection: { ...backendConfig().connection, maxPerPod: 7 } }],
    ['name', { name: 'other' }],
  ])('stay through a change of %s', async (_, part) => {
    w = await twoPods(world(config([probedBackend()])));
    const ids = w.backend().pods.map(({ id }) => id);
    const { revision } = w.backend().leadership;
    const seen = watch();
    const changed = { ...probedBackend(), ...part };
    w.plane.apply(config([changed]), 'second');
    await w.run(2000);
    expect(states(seen)).toEqual(new Set(['ready']));
    expect(leaders(seen, changed.name)).toEqual(['known db-0']);
    const after = w.backend(changed.name);
    expect(after.pods.map(({ id }) => id)).toEqual(ids);
    expect(after.leadership.revision).toBeGreaterThanOrEqual(revision);
    w.plane.report({ kind: 'connect_failed', podId: ids[0]!, reason: 'refused' });
    w.pods.set(A, claimant({ health: 'refused' }));
    await w.run(3000);
    expect(w.backend(changed.name).pods[0]!.state).toBe('unready');
  });

  it('ejection that was removed and put back ends again', async () => {
    const ejecting = {
      ...probedBackend(),
      ejection: { consecutiveFailures: 2, baseTimeMs: 1000, maxPercent: 50 },
    };
    const fail = (): void => {
      for (let n = 0; n < 2; n++)
        w.plane.report({ kind: 'failed', podId: w.pod('db-1').id, reason: 'reset' });
    };
    w = await twoPods(world(config([ejecting])));
    fail();
    await w.run(5);
    expect(w.pod('db-1').state).toBe('ejected');
    w.plane.apply(config([probedBackend()]), 'second');
    expect(w.pod('db-1').state).toBe('ready');
    w.plane.apply(config([ejecting]), 'third');
    fail();
    await w.run(5);
    expect(w.pod('db-1').state).toBe('ejected');
    await w.run(1100);
    expect(w.pod('db-1').state).toBe('ready');
  });

  it('an ejection outlives a change of its limits, and a change of port that keeps the Pod', async () => {
    const ejection = { consecutiveFailures: 1, baseTimeMs: 60_000, maxPercent: 50 };
    w = await twoPods(world(config([{ ...probedBackend(), ejection }])));
    w.plane.report({ kind: 'failed', podId: w.pod('db-1').id, reason: 'reset' });
    await w.run(5);
    w.plane.apply(config([{ ...probedBackend(), ejection: { ...ejection, baseTimeMs: 1000 } }]), 'second');
    expect(w.pod('db-1').state).toBe('ejected');
    const prepared = w.plane.prepare(config([{ ...probedBackend(), ejection, port: 80 }]), 'third');
    w.members([member('db-0', A), member('db-1', B)]);
    await w.run(50);
    prepared.commit();
    await w.run(50);
    expect(w.pod('db-1').state).toBe('ejected');
  });

  it('series of a renamed backend move to its new name', async () => {
    w = await twoPods(world(config([probedBackend()])));
    w.plane.apply(config([{ ...probedBackend(), name: 'other' }]), 'second');
    await w.run(3000);
    const { probes, leaderChanges, leaderlessSeconds, dnsLookups } = w.metrics;
    for (const family of [probes, leaderChanges, leaderlessSeconds, dnsLookups])
      expect([...family.cells()].filter(({ labels }) => labels[0] === 'db')).toEqual([]);
    expect([...probes.cells()].some(({ labels }) => labels[0] === 'other')).toBe(true);
    expect([...leaderChanges.cells()].map(({ labels }) => labels)).toEqual([['other']]);
  });
});

describe('what is new is looked up and probed before it takes effect', () => {
  it('a new backend', async () => {
    w = await twoPods(world(config([probedBackend()])));
    const before = w.cell.current();
    const prepared = w.plane.prepare(
      config([probedBackend(), { ...probedBackend(), name: 'new' }]),
      'second',
    );
    let warm = false;
    void prepared.warm.then(() => {
      warm = true;
    });
    await w.run(1000);
    expect(warm).toBe(false);
    expect(w.cell.current()).toBe(before);
    const C = '10.0.0.3';
    w.pods.set(C, claimant({ delayMs: 300 }));
    w.members([member('new-0', C)], 'new');
    await w.run(250);
    expect(warm).toBe(false);
    await w.run(100);
    expect(warm).toBe(true);
    expect(w.cell.current()).toBe(before);
    prepared.commit();
    expect(w.backend('new').ready).toHaveLength(1);
    expect(w.backend('new').leadership).toMatchObject({ state: 'known' });
    expect(w.backend()).toBe(before.backends.get('db'));
  });

  it('Pods that are met again under another port, Service or statefulSet are the same; those that are not leave', async () => {
    w = await twoPods(world(config([probedBackend({ term: { json: '/term' } })])), claimant({ term: '7' }));
    const { id } = w.pod('db-0');
    const seen = watch();
    const changed = {
      ...probedBackend({ term: { json: '/term' } }),
      service: 'db-all.prod.svc.cluster.local',
    };
    const prepared = w.plane.prepare(config([changed]), 'second');
    const C = '10.0.0.3';
    w.pods.set(C, follower());
    w.members([member('db-0', A), member('db-2', C)]);
    await w.run(20);
    expect(seen).toEqual([]);
    prepared.commit();
    expect(w.backend().ready.map(({ name }) => name)).toEqual(['db-0', 'db-2']);
    expect(w.pod('db-0').id).toBe(id);
    expect(leaders(seen)).toEqual(['known db-0']);
    w.pods.set(A, claimant({ term: '6' }));
    await w.run(1500);
    expect(w.backend().leadership.reason).toContain('term 7 was seen');
  });

  it('a Service that shares no Pod with the one before begins its terms anew', async () => {
    w = await twoPods(world(config([probedBackend({ term: { json: '/term' } })])), claimant({ term: '7' }));
    const changed = {
      ...probedBackend({ term: { json: '/term' } }),
      service: 'cache.prod.svc.cluster.local',
    };
    const prepared = w.plane.prepare(config([changed]), 'second');
    const C = '10.0.0.3';
    w.pods.set(C, claimant({ term: '1' }));
    w.members([member('cache-0', C)]);
    await w.run(20);
    prepared.commit();
    expect(w.backend().leadership).toMatchObject({ state: 'known', term: '1' });
  });

  it('a leader source that goes with the port is gone', async () => {
    w = await twoPods(world(config([probedBackend()])));
    const prepared = w.plane.prepare(config([backendConfig({ port: 80 })]), 'second');
    w.members([member('db-0', A), member('db-1', B)]);
    await w.run(20);
    prepared.commit();
    expect(w.backend().leadership).toMatchObject({ state: 'unconfigured', leader: null });
  });

  it('the time in which it is prepared is none without a leader', async () => {
    w = await twoPods(world(config([probedBackend()])));
    const prepared = w.plane.prepare(
      config([probedBackend(), { ...probedBackend(), name: 'new' }]),
      'second',
    );
    await w.run(3000);
    w.pods.set('10.0.0.3', claimant());
    w.members([member('new-0', '10.0.0.3')], 'new');
    await w.run(20);
    prepared.commit();
    await w.run(2000);
    expect(w.metrics.leaderlessSeconds.with('new').value).toBe(0);
  });

  it('an aborted change leaves everything as it was, and no timer', async () => {
    w = await twoPods(world(config([probedBackend()])));
    const before = w.cell.current();
    const pending = w.clock.pending;
    const prepared = w.plane.prepare(config([{ ...probedBackend(), port: 81 }]), 'second');
    prepared.abort();
    await prepared.warm;
    await w.run(20);
    expect(w.cell.current()).toBe(before);
    expect(w.clock.pending).toBe(pending);
  });
});
