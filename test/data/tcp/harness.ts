import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { SnapshotCell } from '../../../src/boundary/snapshot-cell.ts';
import type { ConnectionFacts } from '../../../src/data/exchange/connection-observer.ts';
import { TcpUpstreams } from '../../../src/data/forward/tcp-upstreams.ts';
import { TunnelRegistry } from '../../../src/data/forward/tunnel-registry.ts';
import { SocketTunnels } from '../../../src/data/forward/tunnels.ts';
import type { UnreadPeers } from '../../../src/data/forward/unread-peers.ts';
import { UpstreamPools } from '../../../src/data/forward/upstream-pools.ts';
import { handleTcpConnection } from '../../../src/data/listen/tcp-listener.ts';
import { HoldQueue } from '../../../src/data/placement/hold-queue.ts';
import { RuleRuntimes } from '../../../src/data/placement/rule-runtime.ts';
import { RenamedBackends } from '../../../src/data/renamed-backends.ts';
import type { BackendConfig, RuleConfig } from '../../../src/model/config.ts';
import type { Outcome } from '../../../src/model/outcome.ts';
import type { PodView } from '../../../src/model/pod.ts';
import type { RoutingSnapshot } from '../../../src/model/snapshot.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { type Clock, systemClock } from '../../../src/platform/clock.ts';
import { systemDialer } from '../../../src/platform/dialer.ts';
import { LocalErrorLog } from '../../../src/platform/local-error.ts';
import { silentLogger } from '../../../src/platform/logger.ts';
import { PeerWatch } from '../../../src/platform/peer-watch.ts';
import { TlsClients } from '../../../src/platform/tls/clients.ts';
import { TurnEnd } from '../../../src/platform/turn-end.ts';
import { backendConfig, configWith } from '../../helpers/config.ts';
import { wireTls } from '../../helpers/pod-wire.ts';
import { RawClient } from '../../helpers/raw-client.ts';
import { type PodScript, RawPod } from '../../helpers/raw-pod.ts';
import { poll } from '../../helpers/waiting.ts';
import { backendOf, hold, listenerOf, noTraffic, pod, rule } from '../fixtures.ts';

type Leader = Parameters<typeof backendOf>[1];

export interface Tcp {
  readonly metrics: Metrics;
  readonly outcomes: Outcome[];
  /** What was told of connections at their end. */
  readonly ended: ConnectionFacts[];
  readonly tunnels: TunnelRegistry;
  readonly queue: HoldQueue;
  /** By Pod id; of those that something was begun with. */
  inFlight(): ReadonlyMap<number, number>;
  /** headroute's ends of the client connections. */
  readonly accepted: ReadonlySet<Socket>;
  client(): Promise<RawClient>;
  publish(pods: readonly PodView[], leader?: Leader): void;
  /** Nobody leads: this Pod is about to be replaced as leader. */
  yields(pods: readonly PodView[], leader: PodView): void;
  /** A snapshot without the backend, the listener, or both. */
  removed(what: { backend?: boolean; listener?: boolean }): void;
  failures(name: string): number;
}

/** A TCP listener on a free port with everything that the data plane gives it, fed by hand-made snapshots. */
export async function tcp(
  part: Partial<RuleConfig>,
  pods: readonly PodView[],
  leader: Leader = 'unconfigured',
  options: {
    connection?: Partial<BackendConfig['connection']>;
    selfPodName?: string;
    onBegin?: () => void;
    unread?: UnreadPeers;
    /** By which the registry of tunnels cuts. */
    clock?: Clock;
  } = {},
): Promise<Tcp> {
  const config = backendConfig();
  const backend = { ...config, tls: wireTls(), connection: { ...config.connection, ...options.connection } };
  const tcpRule = rule('tcp', part);
  const listener = listenerOf([{ rule: tcpRule, hostname: null, match: null }], {
    name: 'tcp',
    protocol: 'TCP',
  });
  let version = 0;
  const snapshot = (
    nextPods: readonly PodView[],
    nextLeader: Leader,
    without: { backend?: boolean; listener?: boolean } = {},
    yielding: { yielding?: number } = {},
  ): RoutingSnapshot => ({
    version: ++version,
    config: configWith({
      backends: [backend],
      listeners: [listener.config],
      selfPodName: options.selfPodName ?? '',
      shutdownTimeoutMs: 60,
    }),
    configHash: 'test',
    backends: new Map(
      without.backend
        ? []
        : [['db', backendOf(nextPods, nextLeader, { revision: version, config: backend, ...yielding })]],
    ),
    listeners: without.listener ? [] : [listener],
  });
  const inbound = { snapshot: listener, removed: false, ending: false, traffic: noTraffic() };
  const cell = new SnapshotCell(snapshot(pods, leader));
  const metrics = new Metrics();
  const outcomes: Outcome[] = [];
  const ended: ConnectionFacts[] = [];
  const queue = new HoldQueue('db', metrics);
  const tunnels = new TunnelRegistry(cell, options.clock ?? systemClock, options.unread);
  cell.subscribe(() => queue.wake());
  const rules = new RuleRuntimes(metrics);
  const localErrors = new LocalErrorLog(silentLogger);
  const pools = new UpstreamPools(cell, {
    metrics,
    outcomes: { report: () => {} },
    logger: silentLogger,
    localErrors,
    turn: new TurnEnd(),
    dialer: systemDialer,
  });
  const began = new Set<number>();
  const of = pools.of.bind(pools);
  pools.of = (backend, to) => {
    const pool = of(backend, to);
    pool.begin = () => {
      pool.inFlight++;
      began.add(to.id);
      options.onBegin?.();
    };
    return pool;
  };
  const upstreams = new TcpUpstreams(pools, new TlsClients(), systemDialer);
  const sink = { report: (outcome: Outcome) => void outcomes.push(outcome) };
  const joined = new SocketTunnels(tunnels, { cell, outcomes: sink });
  const sockets = new Set<Socket>();
  const server = createServer(
    {
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      pauseOnConnect: true,
    },
    (socket) => {
      sockets.add(socket);
      handleTcpConnection(socket, inbound, {
        cell,
        outcomes: sink,
        metrics,
        logger: silentLogger,
        clock: systemClock,
        pulse: { check() {} },
        random: () => 0,
        localErrors,
        tunnels: joined,
        connections: [{ ended: (facts) => void ended.push(facts) }],
        peers,
        holdQueue: () => queue,
        rules,
        renamed: new RenamedBackends(),
        upstreams,
      });
    },
  );
  const peers = new PeerWatch();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const clients: RawClient[] = [];
  onTestFinished(() => {
    tunnels.close();
    for (const client of clients) client.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  let lastPods = pods;
  let lastLeader = leader;
  return {
    metrics,
    outcomes,
    ended,
    tunnels,
    queue,
    inFlight: () => new Map([...began].map((id) => [id, pools.inFlight(id)])),
    accepted: sockets,
    async client() {
      const client = await RawClient.connect(port);
      clients.push(client);
      return client;
    },
    publish(nextPods, nextLeader = 'unconfigured') {
      inbound.removed = false;
      lastPods = nextPods;
      lastLeader = nextLeader;
      cell.publish(snapshot(nextPods, nextLeader));
    },
    yields(nextPods, { id }) {
      cell.publish(snapshot(nextPods, 'none', {}, { yielding: id }));
    },
    removed(what) {
      if (what.listener) inbound.removed = true;
      cell.publish(snapshot(lastPods, lastLeader, what));
    },
    failures: (name) => metrics.requestFailures.with('tcp', name).value,
  };
}

/** Ready Pods that keep every byte they get, as taps and as the snapshot shows them. */
export async function rawPods(
  count: number,
  script: PodScript = {},
): Promise<{ taps: RawPod[]; views: PodView[] }> {
  const taps = await Promise.all(
    Array.from({ length: count }, () =>
      RawPod.start({
        ...script,
        onConnect(connection) {
          connection.raw = true;
          script.onConnect?.(connection);
        },
      }),
    ),
  );
  onTestFinished(() => {
    for (const tap of taps) tap.close();
  });
  return { taps, views: taps.map((tap, n) => pod(n, 'ready', { port: tap.port })) };
}

/** A Leader rule with these parts. */
export const leaderRule = (
  part: { onDemotion?: 'Close' | 'Drain'; timeoutMs?: number; maxRequests?: number } = {},
): Partial<RuleConfig> => ({
  selection: {
    type: 'Leader',
    hold: { ...hold, timeoutMs: part.timeoutMs ?? 10_000, maxRequests: part.maxRequests ?? 1000 },
    onDemotion: part.onDemotion ?? 'Close',
  },
});
/** A rule that takes turns. */
export const balance: Partial<RuleConfig> = {
  selection: { type: 'Balance', over: 'Ready', algorithm: 'RoundRobin' },
};

/** Every connection is over, for the Pods' counts, the registry and the gauge. */
export function nothingInFlight(t: Tcp): Promise<unknown> {
  return poll(
    () =>
      [...t.inFlight().values()].every((n) => n === 0) &&
      t.tunnels.size === 0 &&
      t.metrics.upstreamConnections.with('db', 'active').value === 0,
    'nothing in flight',
  );
}
