import { SnapshotCell } from '../../src/boundary/snapshot-cell.ts';
import { buildBackend } from '../../src/control/build-snapshot.ts';
import { DataPlane } from '../../src/data/data-plane.ts';
import type {
  AccessMode,
  BackendConfig,
  ListenerConfig,
  RuleConfig,
  Selection,
} from '../../src/model/config.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import type { PodState, PodView } from '../../src/model/pod.ts';
import type { BackendSnapshot, ListenerSnapshot, Route, RoutingSnapshot } from '../../src/model/snapshot.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { type Logger, silentLogger } from '../../src/platform/logger.ts';
import { backendConfig, configWith, listenerConfig, ruleConfig } from './config.ts';
import { wireTls } from './pod-wire.ts';

/** A Pod of the hand-made snapshot. */
export interface PodSpec {
  readonly name: string;
  readonly port: number;
  readonly state?: PodState;
  readonly lost?: true;
  readonly address?: string;
  /** Of a Pod that has several. */
  readonly addresses?: readonly string[];
}

/** A Pod's name, or why there is no leader. */
export type LeaderSpec = string | { readonly state: 'none' | 'conflict' | 'unconfigured' };

export interface PlaneOptions {
  readonly pods: readonly PodSpec[];
  readonly leader?: LeaderSpec;
  /** In order of precedence; default: one Balance rule `all`. */
  readonly rules?: readonly Partial<RuleConfig>[];
  readonly protocol?: 'HTTP' | 'TCP';
  readonly limits?: Partial<ListenerConfig['limits']>;
  readonly timeouts?: Partial<ListenerConfig['timeouts']>;
  readonly debugHeaders?: boolean;
  readonly backend?: Partial<BackendConfig>;
  readonly connection?: Partial<BackendConfig['connection']>;
  readonly learn?: NonNullable<BackendConfig['leader']>['learn'];
  readonly proxyName?: string;
  readonly logger?: Logger;
  /** `log.access`. */
  readonly access?: AccessMode;
  readonly random?: () => number;
}

/** What a reload changes; the rest stays. */
export interface Reload {
  /** The backend's new name. */
  readonly backend?: string;
  readonly rules?: readonly Partial<RuleConfig>[];
  /** What else changes of the listener; null: it is removed. */
  readonly listener?: Partial<ListenerConfig> | null;
  readonly shutdownTimeoutMs?: number;
}

export interface TestPlane {
  readonly port: number;
  readonly url: string;
  readonly plane: DataPlane;
  readonly cell: SnapshotCell;
  readonly metrics: Metrics;
  readonly outcomes: Outcome[];
  setPods(pods: readonly PodSpec[]): void;
  /** Even if it is the same: its claim begins anew. @param silent who led until its claim lapsed by silence */
  setLeader(leader: LeaderSpec, silent?: string): void;
  setState(pod: string, state: PodState): void;
  /** Publishes a new revision with the same Pods and leader, as after a round of probes. */
  bump(): void;
  /** A change of the configuration. Pods keep their ids, as control promises. */
  reload(change: Reload): Promise<void>;
  /** Sum of a counter's or gauge's cells whose labels contain all of these. */
  metric(name: string, ...labels: string[]): number;
  close(): Promise<void>;
}

/** A backend `db` as the options want it, led by ordinal 0. */
function backendOf(options: PlaneOptions): BackendConfig {
  const plain = backendConfig();
  return {
    ...plain,
    leader: { source: { type: 'Ordinal', ordinal: 0 }, onConflict: 'Refuse', learn: options.learn ?? [] },
    tls: wireTls(),
    connection: { ...plain.connection, ...options.connection },
    ...options.backend,
  };
}

export const HOLD = { timeoutMs: 10_000, maxRequests: 1000, maxBytes: 16 * 1024 * 1024 };

/** A Leader selection with SPEC 2's defaults. */
export function leaderSelection(
  part: { hold?: Partial<typeof HOLD>; onDemotion?: 'Close' | 'Drain' } = {},
): Selection {
  return { type: 'Leader', hold: { ...HOLD, ...part.hold }, onDemotion: part.onDemotion ?? 'Close' };
}

let nextPodId = 1;
const podIds = new Map<string, number>();

function podView(spec: PodSpec): PodView {
  const addresses = spec.addresses ?? [spec.address ?? '127.0.0.1'];
  const key = `${spec.name} ${addresses} ${spec.port}`;
  const id = podIds.get(key) ?? nextPodId++;
  podIds.set(key, id);
  const ordinal = /^.+-(0|[1-9][0-9]*)$/.exec(spec.name)?.[1];
  return {
    id,
    name: spec.name,
    label: spec.name,
    dnsName: `${spec.name}.db.prod.svc.cluster.local`,
    ordinal: ordinal === undefined ? -1 : Number(ordinal),
    addresses,
    port: spec.port,
    state: spec.state ?? 'ready',
    reason: 'set by the test',
    ...(spec.lost === undefined ? {} : { lost: spec.lost }),
  };
}

function backendSnapshot(
  before: BackendSnapshot | undefined,
  config: BackendConfig,
  pods: readonly PodView[],
  leaderSpec: LeaderSpec,
  revision: number,
  reign: number,
  silent: string | undefined,
): BackendSnapshot {
  const named = typeof leaderSpec === 'string';
  const leader = named ? pods.find(({ name, state }) => name === leaderSpec && state === 'ready') : undefined;
  const state = named ? (leader === undefined ? 'none' : 'known') : leaderSpec.state;
  const claimants = named ? [leaderSpec] : state === 'conflict' ? pods.map(({ name }) => name) : [];
  const leaderId = leader?.id ?? null;
  const reason = 'set by the test';
  return buildBackend(before, {
    config,
    pods,
    leadership: {
      state,
      leaderId,
      term: null,
      claimants,
      revision,
      reign,
      reason,
      silent: pods.filter(({ name }) => name === silent).map(({ id }) => id),
    },
  });
}

function routesOf(rules: readonly RuleConfig[]): Route[] {
  return rules.flatMap((rule) =>
    (rule.matches.length > 0 ? rule.matches : [null]).map((match) => ({ rule, hostname: null, match })),
  );
}

/** The data plane in this process on a free port of 127.0.0.1, fed by hand: no DNS, no probes. */
export async function startDataPlane(options: PlaneOptions): Promise<TestPlane> {
  let backend = backendOf(options);
  let rules = (options.rules ?? [{}]).map((rule) => ruleConfig(rule));
  const plain = listenerConfig();
  let listener: ListenerConfig | null = listenerConfig({
    protocol: options.protocol ?? 'HTTP',
    limits: { ...plain.limits, ...options.limits },
    debugHeaders: options.debugHeaders ?? false,
    timeouts: { ...plain.timeouts, ...options.timeouts },
    rules,
  });
  let config = configWith({
    backends: [backend],
    listeners: [listener],
    log: { level: 'info', access: options.access ?? false },
  });
  let listeners: readonly ListenerSnapshot[] = [{ config: listener, routes: routesOf(rules) }];
  let pods = options.pods;
  let leader: LeaderSpec = options.leader ?? { state: 'unconfigured' };
  let silent: string | undefined;
  let version = 1;
  let reign = 1;
  let before: BackendSnapshot | undefined;
  const snapshot = (): RoutingSnapshot => {
    before = backendSnapshot(before, backend, pods.map(podView), leader, version, reign, silent);
    return { version, config, configHash: 'test', backends: new Map([[backend.name, before]]), listeners };
  };
  const cell = new SnapshotCell(snapshot());
  const metrics = new Metrics();
  const outcomes: Outcome[] = [];
  const plane = new DataPlane({
    cell,
    outcomes: { report: (outcome) => void outcomes.push(outcome) },
    metrics,
    logger: options.logger ?? silentLogger,
    accessLogger: options.logger ?? silentLogger,
    ...(options.random ? { random: options.random } : {}),
    ...(options.proxyName !== undefined ? { proxyName: options.proxyName } : {}),
  });
  const prepared = await plane.prepare(config.listeners);
  prepared.commit(() => {});
  const bump = (): void => {
    version++;
    cell.publish(snapshot());
  };
  const port = plane.addresses()[0]!.port;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    plane,
    cell,
    metrics,
    outcomes,
    setPods(next) {
      pods = next;
      bump();
    },
    setLeader(next, fallen) {
      leader = next;
      silent = fallen;
      reign++;
      bump();
    },
    setState(name, state) {
      pods = pods.map((pod) => (pod.name === name ? { ...pod, state } : pod));
      bump();
    },
    bump,
    async reload(change) {
      if (change.backend !== undefined) backend = { ...backend, name: change.backend };
      if (change.rules !== undefined) rules = change.rules.map((rule) => ruleConfig(rule));
      listener =
        change.listener === null ? null : { ...(listener ?? listenerConfig()), ...change.listener, rules };
      listeners = listener === null ? [] : [{ config: listener, routes: routesOf(rules) }];
      config = {
        ...config,
        backends: [backend],
        listeners: listener === null ? [] : [listener],
        ...(change.shutdownTimeoutMs === undefined ? {} : { shutdownTimeoutMs: change.shutdownTimeoutMs }),
      };
      const next = await plane.prepare(config.listeners);
      next.commit(bump);
    },
    metric(name, ...labels) {
      let sum = 0;
      for (const family of metrics.all())
        if (family.name === name && family.type !== 'histogram')
          for (const item of family.cells())
            if (labels.every((label) => item.labels.includes(label)))
              sum += (item as { value: number }).value;
      return sum;
    },
    close: () => plane.shutdown(0),
  };
}
