/** One machine places requests and TCP connections (SPEC 3, Holding and Retrying): its states, on a virtual clock. */
import { beforeEach, describe, expect, it } from 'vitest';
import { SnapshotCell } from '../../../src/boundary/snapshot-cell.ts';
import { HoldQueues } from '../../../src/data/placement/hold-queues.ts';
import { Placement } from '../../../src/data/placement/placement.ts';
import type { PlacementOwner } from '../../../src/data/placement/placement-owner.ts';
import { RuleRuntimes } from '../../../src/data/placement/rule-runtime.ts';
import { RenamedBackends } from '../../../src/data/renamed-backends.ts';
import type { BackendConfig, RuleConfig } from '../../../src/model/config.ts';
import type { Outcome } from '../../../src/model/outcome.ts';
import type { PodView } from '../../../src/model/pod.ts';
import type { RoutingSnapshot } from '../../../src/model/snapshot.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { backendConfig, configWith } from '../../helpers/config.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';
import { backendOf, hold, listenerOf, noTraffic, pod, request, rule } from '../fixtures.ts';

const PODS = [pod(0), pod(1)];
const balance: Partial<RuleConfig> = {
  selection: { type: 'Balance', over: 'Ready', algorithm: 'RoundRobin' },
};
const leader = (timeoutMs = 1000): Partial<RuleConfig> => ({
  selection: { type: 'Leader', hold: { ...hold, timeoutMs }, onDemotion: 'Close' },
});
const retry = (part: Partial<RuleConfig['retry']>): Pick<RuleConfig, 'retry'> => ({
  retry: { attempts: 2, codes: [], backoffMs: 25, budget: null, ...part },
});

let clock: VirtualClock;
let metrics: Metrics;
let inFlight: Map<number, number>;
let outcomes: Outcome[];
beforeEach(() => {
  clock = new VirtualClock();
  metrics = new Metrics();
  inFlight = new Map();
  outcomes = [];
});

/** What became of it, in order. */
interface Placed {
  readonly placement: Placement;
  readonly story: string[];
  publish(leaderNow: Parameters<typeof backendOf>[1], part?: Partial<RuleConfig> | null): void;
}

function placed(
  part: Partial<RuleConfig>,
  leaderNow: Parameters<typeof backendOf>[1] = 'unconfigured',
  connection: Partial<BackendConfig['connection']> = {},
): Placed {
  const config = backendConfig();
  const backend = { ...config, connection: { ...config.connection, ...connection } };
  const listenerFor = (parts: Partial<RuleConfig> | null) =>
    listenerOf(parts === null ? [] : [{ rule: rule('r', parts), hostname: null, match: null }]);
  const inbound = { snapshot: listenerFor(part), removed: false, ending: false, traffic: noTraffic() };
  let version = 0;
  const snapshot = (leading: Parameters<typeof backendOf>[1]): RoutingSnapshot => ({
    version: ++version,
    config: configWith({ backends: [backend], listeners: [inbound.snapshot.config] }),
    configHash: 'test',
    backends: new Map([['db', backendOf(PODS, leading, { revision: version, config: backend })]]),
    listeners: [inbound.snapshot],
  });
  const cell = new SnapshotCell(snapshot(leaderNow));
  const queues = new HoldQueues(metrics, []);
  cell.subscribe((next, previous) => queues.follow(next, previous));
  const story: string[] = [];
  const owner: PlacementOwner = {
    received: 0,
    place: (pods: readonly PodView[], _, waited) =>
      void story.push(`${waited ? 'released to' : 'placed on'} ${pods.map(({ name }) => name)}`),
    refuse: (failure) => {
      story.push(failure);
      placement.end();
    },
    waits: () => void story.push('waits'),
    moved: () => void story.push('moved'),
    canFollow: () => true,
    restart: (found) => void story.push(`restart ${found?.name ?? 'without a rule'}`),
    crashed: () => void story.push('crashed'),
  };
  const placement = new Placement(
    owner,
    request('GET', '/'),
    inbound,
    inbound.snapshot.config.rules[0]!,
    'db',
    {
      cell,
      outcomes: { report: (outcome) => void outcomes.push(outcome) },
      clock,
      random: () => 0,
      upstreams: { inFlight: (podId) => inFlight.get(podId) ?? 0 },
      rules: new RuleRuntimes(metrics),
      renamed: new RenamedBackends(),
      holdQueue: (name) => queues.of(name),
    },
  );
  return {
    placement,
    story,
    publish(leading, parts) {
      if (parts !== undefined) inbound.snapshot = listenerFor(parts);
      cell.publish(snapshot(leading));
    },
  };
}

const heldAs = (): Record<string, number> =>
  Object.fromEntries(
    [...metrics.holdDuration.cells()].map(({ labels, counts }) => [
      labels[1]!,
      counts.reduce((a, b) => a + b),
    ]),
  );

describe('trying again', () => {
  it('another Pod, after the back-off', () => {
    const { placement, story } = placed({ ...balance, ...retry({}) });
    placement.begin(0);
    expect(placement.spendRetry(1)).toBe(true);
    placement.retry(PODS[0]!, 'reset');
    clock.advance(24);
    expect(story).toEqual(['placed on db-0']);
    clock.advance(1);
    expect(story).toEqual(['placed on db-0', 'placed on db-1']);
  });

  it('given up during the back-off: nothing follows', () => {
    const { placement, story } = placed({ ...balance, ...retry({}) });
    placement.begin(0);
    placement.retry(PODS[0]!, 'reset');
    placement.end();
    expect(clock.pending).toBe(0);
    clock.advance(100);
    expect(story).toEqual(['placed on db-0']);
  });

  it('as often as retry.attempts says', () => {
    const { placement } = placed({ ...balance, ...retry({ attempts: 2 }) });
    expect([1, 2, 3].map((tries) => placement.spendRetry(tries))).toEqual([true, true, false]);
  });

  it('within the budget', () => {
    const { placement } = placed({
      ...balance,
      ...retry({ attempts: 9, budget: { percent: 0, minPerSecond: 1 } }),
    });
    placement.begin(0);
    expect([placement.spendRetry(1), placement.spendRetry(2)]).toEqual([true, false]);
  });
});

describe('connection.maxPerPod', () => {
  it('another Pod takes what one may not', () => {
    inFlight.set(PODS[0]!.id, 1);
    const { placement, story } = placed(balance, 'unconfigured', { maxPerPod: 1 });
    placement.begin(0);
    expect(story).toEqual(['placed on db-1']);
  });

  it('none may: overloaded', () => {
    for (const { id } of PODS) inFlight.set(id, 1);
    const { placement, story } = placed(balance, 'unconfigured', { maxPerPod: 1 });
    placement.begin(0);
    expect(story).toEqual(['overloaded']);
  });
});

describe('the leader', () => {
  it('refused: waits for the next one at once, whatever the back-off', () => {
    const { placement, story, publish } = placed({ ...leader(), ...retry({ attempts: 1 }) }, PODS[0]!);
    placement.begin(0);
    expect(placement.awaitNextLeader(PODS[0]!, backendOf(PODS, PODS[0]!, { revision: 1 }))).toBe(true);
    expect(story).toEqual(['placed on db-0', 'waits']);
    publish(PODS[1]!);
    expect(story.at(-1)).toBe('released to db-1');
  });

  it('refused, and the rule has no retries: it is not waited for', () => {
    const { placement, story } = placed({ ...leader(), ...retry({ attempts: 0 }) }, PODS[0]!);
    placement.begin(0);
    expect(placement.awaitNextLeader(PODS[0]!, backendOf(PODS, PODS[0]!))).toBe(false);
    expect(story).toEqual(['placed on db-0']);
  });

  it('changed while a connection opened: only the present one is confirmed', () => {
    const { placement, publish } = placed(leader(), PODS[0]!);
    placement.begin(0);
    expect(placement.confirms(PODS[0]!)).toBe(true);
    publish(PODS[1]!);
    expect([placement.confirms(PODS[0]!), placement.confirms(PODS[1]!)]).toEqual([false, true]);
  });
});

describe('a hold', () => {
  it('released: counts as such, once', () => {
    const { placement, story, publish } = placed(leader(), 'none');
    placement.begin(0);
    expect(placement.isHeld).toBe(true);
    publish(PODS[1]!);
    placement.end();
    expect(story).toEqual(['waits', 'released to db-1']);
    expect(heldAs()).toEqual({ released: 1 });
  });

  it('released to a Pod that is full: nothing was released', () => {
    inFlight.set(PODS[1]!.id, 1);
    const { placement, story, publish } = placed(leader(), 'none', { maxPerPod: 1 });
    placement.begin(0);
    publish(PODS[1]!);
    expect(story).toEqual(['waits', 'overloaded']);
    expect(heldAs()).toEqual({ abandoned: 1 });
  });

  it('whose client left', () => {
    const { placement, publish, story } = placed(leader(), 'none');
    placement.begin(0);
    placement.end('client_gone');
    publish(PODS[1]!);
    expect(story).toEqual(['waits']);
    expect(heldAs()).toEqual({ client_gone: 1 });
  });

  it('whose rule is gone: begins anew', () => {
    const { placement, publish, story } = placed(leader(), 'none');
    placement.begin(0);
    publish('none', null);
    expect(story).toEqual(['waits', 'restart without a rule']);
    expect(heldAs()).toEqual({ abandoned: 1 });
  });

  it('whose rule needs no leader any more: goes on', () => {
    const { placement, publish, story } = placed(leader(), 'none');
    placement.begin(0);
    publish('none', balance);
    expect(story).toEqual(['waits', 'moved', 'released to db-0']);
    expect(heldAs()).toEqual({ released: 1 });
  });

  it('turned away: looks for another reign while it waits', () => {
    const { placement, publish, story } = placed({ ...leader(), ...retry({}) }, PODS[0]!);
    placement.begin(0);
    placement.turnedAway(PODS[0]!, backendOf(PODS, PODS[0]!));
    publish(PODS[0]!);
    expect(story).toEqual(['placed on db-0', 'waits']);
    expect(outcomes).toEqual([{ kind: 'not_leader', podId: PODS[0]!.id, hint: null }]);
  });
});
