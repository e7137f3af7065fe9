import { onTestFinished } from 'vitest';
import { SnapshotCell } from '../../../src/boundary/snapshot-cell.ts';
import { ControlPlane } from '../../../src/control/control-plane.ts';
import type { DiscoveryEvents, Member } from '../../../src/control/discovery/contract.ts';
import type { Credentials, LeaderProbeSource } from '../../../src/model/config.ts';
import { emptySnapshot } from '../../../src/model/empty.ts';
import type { Leadership } from '../../../src/model/snapshot.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { FakeSentinel } from '../../helpers/fake-sentinel.ts';
import { type LogLine, recordingLogger } from '../../helpers/recording-logger.ts';
import { poll } from '../../helpers/waiting.ts';
import {
  A,
  B,
  claimant,
  config,
  type FakePod,
  fakeProbes,
  follower,
  member,
  probedBackend,
} from '../harness.ts';

export const MASTER = 'mymaster';
const SENTINELS = 'sentinel.prod.svc.cluster.local';

export interface SentinelWorld {
  readonly sentinels: readonly FakeSentinel[];
  /** By first address. */
  readonly pods: Map<string, FakePod>;
  readonly log: readonly LogLine[];
  leadership(): Leadership;
  /** What `/state` shows that the Sentinels say. */
  shown(): string | null;
  /** Name of the leader, or `none`, `conflict`. */
  leads(): string;
  /** DNS shows these Sentinels. */
  present(sentinels: readonly FakeSentinel[]): void;
  /** Waits until it leads, or nobody does. */
  until(leads: string): Promise<void>;
  /** Waits until the leadership's reason holds these words. */
  told(words: string): Promise<void>;
  /** Waits until each of them is listened to. */
  listening(sentinels?: readonly FakeSentinel[]): Promise<void>;
}

/** `host port`, as Sentinels name the Pods db-0 and db-1. */
export const AT_A = `${A} 80`;
export const AT_B = `${B} 80`;

/**
 * A control plane in real time with the Pods db-0 and db-1, whose answers are made up, and as many Sentinels behind real sockets as
 * masters are named.
 */
export async function sentinelWorld(
  names: readonly (string | null)[],
  {
    a = claimant(),
    b = follower(),
    auth = null,
    password = null,
    probe = {},
  }: {
    a?: FakePod;
    b?: FakePod;
    auth?: Credentials | null;
    password?: string | null;
    probe?: Partial<LeaderProbeSource>;
  } = {},
): Promise<SentinelWorld> {
  const sentinels: FakeSentinel[] = [];
  for (const name of names) {
    const sentinel = await FakeSentinel.start(name, password);
    sentinels.push(sentinel);
    onTestFinished(() => sentinel.stop());
  }
  const backend = probedBackend({ periodMs: 200, searchPeriodMs: 20, ...probe });
  const leader = backend.leader!;
  const sentinel = {
    type: 'Sentinel',
    service: SENTINELS,
    port: 'sentinel',
    static: null,
    master: MASTER,
    auth,
    probe: leader.source as LeaderProbeSource,
  } as const;
  const first = config([{ ...backend, leader: { ...leader, source: sentinel } }]);
  const cell = new SnapshotCell(emptySnapshot(first, ''));
  const pods = new Map([
    [A, a],
    [B, b],
  ]);
  const log: LogLine[] = [];
  const services = new Map<string, DiscoveryEvents>();
  const plane = new ControlPlane({
    cell,
    metrics: new Metrics(),
    logger: recordingLogger(log),
    clock: systemClock,
    runProbe: fakeProbes(pods, systemClock),
    createDiscovery(asked, _membership, events) {
      services.set(asked.service, events);
      const report = {
        lastSuccessAtMs: null,
        lastAttemptAtMs: null,
        lastError: null,
        nextRefreshAtMs: null,
        question: 'fake',
      };
      return { start() {}, refreshSoon() {}, report: () => report, trouble: () => null, close() {} };
    },
  });
  onTestFinished(() => plane.close());
  plane.apply(first, 'first');
  const show = (service: string, members: readonly Member[]): void => {
    services.get(service)!.onMembers(members);
    services.get(service)!.onAsked();
    services.get(service)!.onRound(true);
  };
  show(backend.service, [member('db-0', A), member('db-1', B)]);
  const leadership = (): Leadership => cell.current().backends.get('db')!.leadership;
  const w: SentinelWorld = {
    sentinels,
    pods,
    log,
    leadership,
    shown: () => plane.backends()[0]!.leadership.sentinels,
    leads: () => leadership().leader?.name ?? leadership().state,
    present: (shown) =>
      show(
        SENTINELS,
        shown.map((one) => member(`sentinel-${sentinels.indexOf(one)}`, '127.0.0.1', one.port)),
      ),
    async until(leads) {
      await poll(
        () => w.leads() === leads,
        () => `${leads} leads, now ${w.leads()}: ${leadership().reason}`,
      );
    },
    async told(words) {
      await poll(
        () => leadership().reason.includes(words),
        () => `${words}, now: ${leadership().reason}`,
      );
    },
    async listening(all = sentinels) {
      const listened = (one: FakeSentinel) => one.subscribers === 1 && one.heard.length > 0;
      await poll(() => all.every(listened), 'all Sentinels are listened to');
    },
  };
  w.present(sentinels);
  return w;
}
