/** What is counted "in a row" starts again with the first result of the other kind: health, claims, silence, refusals. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ProbeOutcome } from '../../src/control/probe/probe-result.ts';
import type { LeaderProbeSource } from '../../src/model/config.ts';
import { backendConfig } from '../helpers/config.ts';
import {
  A,
  claimant,
  config,
  type FakePod,
  follower,
  member,
  probedBackend,
  twoPods,
  type World,
  world,
} from './harness.ts';

let w: World;
afterEach(() => w.plane.close());

/** A Pod whose probes of a kind end so, one after another; the last `again` of them over and over. */
function inTurn(
  kind: 'health' | 'leader',
  outcomes: readonly ProbeOutcome[],
  again = 1,
): FakePod & { asked: number } {
  const pod = { ...(kind === 'leader' ? claimant() : follower()), asked: 0 };
  return Object.defineProperty(pod, kind, {
    get: () => {
      const n = pod.asked++;
      return outcomes[n < outcomes.length ? n : outcomes.length - again + ((n - outcomes.length) % again)];
    },
  });
}

/** Every state that db-0 was published in. */
function statesSeen(): Set<string> {
  const seen = new Set<string>();
  w.cell.subscribe(() => {
    const pod = w.backend().pods.find(({ name }) => name === 'db-0');
    if (pod !== undefined) seen.add(pod.state);
  });
  return seen;
}

describe('health probes', () => {
  const plain = (part: { failureThreshold?: number; successThreshold?: number }): World =>
    world(config([backendConfig({ health: { ...backendConfig().health, ...part } })]));
  const start = async (pod: FakePod): Promise<void> => {
    w.pods.set(A, pod);
    w.members([member('db-0', A)]);
    await w.run(20);
  };

  it.each(['failure', 'timeout', 'error'] as const)(
    'two of three failures (%s), then a success, for ever: the Pod stays ready',
    async (bad) => {
      w = plain({ failureThreshold: 3 });
      const pod = inTurn('health', ['success', bad, bad], 3);
      await start(pod);
      expect(w.pod('db-0').state).toBe('ready');
      const seen = statesSeen();
      await w.run(60_000);
      expect(pod.asked).toBeGreaterThan(20);
      expect([...seen].filter((state) => state !== 'ready')).toEqual([]);
    },
  );

  it('one of two successes, then a failure, for ever: the Pod stays unready', async () => {
    w = plain({ successThreshold: 2 });
    const pod = inTurn('health', ['success', 'failure'], 2);
    await start(pod);
    const seen = statesSeen();
    await w.run(60_000);
    expect(pod.asked).toBeGreaterThan(20);
    expect([...seen].filter((state) => state !== 'unready')).toEqual([]);
  });

  it('as many in a row as the thresholds say, and the state changes with that very probe', async () => {
    w = plain({ failureThreshold: 3, successThreshold: 2 });
    const pod = inTurn('health', ['success', 'success', 'failure', 'failure', 'failure', 'success']);
    await start(pod);
    const at: [number, string][] = [];
    w.cell.subscribe(() => at.push([pod.asked, w.pod('db-0').state]));
    await w.run(20_000);
    expect(at).toEqual([
      [2, 'ready'],
      [5, 'unready'],
      [7, 'ready'],
    ]);
  });
});

describe('refused data connections', () => {
  const start = async (failureThreshold: number): Promise<void> => {
    const health = { ...backendConfig().health, failureThreshold, periodMs: 60_000 };
    w = await twoPods(world(config([backendConfig({ health })])));
  };
  const refused = async (): Promise<void> => {
    w.plane.report({ kind: 'connect_failed', podId: w.pod('db-0').id, reason: 'refused' });
    await w.run(0);
  };

  it('one is a failed probe: with failureThreshold 1 the Pod is unready before any probe has ended', async () => {
    await start(1);
    w.pods.set(A, follower({ delayMs: 50 }));
    await refused();
    expect(w.pod('db-0')).toMatchObject({ state: 'unready', reason: 'data connection: refused' });
    await w.run(60);
    expect(w.pod('db-0').state).toBe('ready');
  });

  it('one and the failed probe that it brings are two in a row', async () => {
    await start(2);
    w.pods.set(A, follower({ health: 'timeout' }));
    w.probes.length = 0;
    await refused();
    await w.run(1100);
    expect(w.probes.filter(({ what }) => what === `health ${A}`)).toHaveLength(1);
    expect(w.pod('db-0').state).toBe('unready');
  });

  it('one before a failed probe and one after it are three in a row', async () => {
    await start(3);
    w.pods.set(A, follower({ health: 'failure' }));
    await refused();
    await w.run(20);
    expect(w.pod('db-0').state).toBe('ready');
    w.pods.set(A, follower({ delayMs: 50 }));
    await refused();
    expect(w.pod('db-0').state).toBe('unready');
  });

  it('one before and one after a good probe are not in a row', async () => {
    await start(2);
    for (let n = 0; n < 5; n++) {
      await refused();
      expect(w.pod('db-0').state).toBe('ready');
      await w.run(200);
    }
  });
});

describe('leader probes', () => {
  const probed = (part: Partial<LeaderProbeSource>): World => world(config([probedBackend(part)]));
  const leads = (): string | null => w.backend().leadership.leader?.name ?? null;

  it.each(['timeout', 'refused', 'error'] as const)(
    'two of three without an answer (%s), then a claim, for ever: it leads all the while',
    async (silence) => {
      w = probed({ failureThreshold: 3 });
      const pod = inTurn('leader', ['success', silence, silence], 3);
      await twoPods(w, pod);
      expect(leads()).toBe('db-0');
      const seen = new Set([leads()]);
      w.cell.subscribe(() => seen.add(leads()));
      await w.run(30_000);
      expect(pod.asked).toBeGreaterThan(20);
      expect([...seen]).toEqual(['db-0']);
    },
  );

  it.each(['failure', 'timeout', 'refused'] as const)(
    'one claim of two, then none (%s), for ever: it never leads',
    async (other) => {
      w = probed({ successThreshold: 2 });
      const pod = inTurn('leader', ['success', other], 2);
      const seen = new Set<string | null>();
      w.cell.subscribe(() => seen.add(leads()));
      await twoPods(w, pod);
      await w.run(30_000);
      expect(pod.asked).toBeGreaterThan(20);
      expect([...seen]).toEqual([null]);
    },
  );

  it('after a lapse claims count from the first again', async () => {
    w = probed({ successThreshold: 3, failureThreshold: 1 });
    const claims = w.metrics.probes.with('db', 'db-0', 'leader', 'success');
    const at: [number, string | null][] = [];
    let last: string | null = null;
    w.cell.subscribe(() => {
      if (leads() === last) return;
      last = leads();
      at.push([claims.value, last]);
    });
    await twoPods(w, inTurn('leader', ['success', 'success', 'success', 'timeout', 'success']));
    await w.run(20_000);
    expect(at).toEqual([
      [3, 'db-0'],
      [3, null],
      [6, 'db-0'],
    ]);
  });
});
