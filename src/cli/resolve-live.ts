import type { Causes } from '../boundary/causes.ts';
import { SnapshotCell } from '../boundary/snapshot-cell.ts';
import { ControlPlane } from '../control/control-plane.ts';
import type { BackendConfig, Config } from '../model/config.ts';
import { emptySnapshot } from '../model/empty.ts';
import { leaderProbe } from '../model/leader-probe.ts';
import type { BackendSnapshot, RoutingSnapshot } from '../model/snapshot.ts';
import { Metrics } from '../observe/metrics.ts';
import { type Clock, sleep, systemClock } from '../platform/clock.ts';
import { silentLogger } from '../platform/logger.ts';

const MAX_WAIT_MS = 5_000;
const POLL_MS = 20;
/** For connecting, and for the control loop to publish. */
const SLACK_MS = 300;

/** What is needed of control/control-plane.ts. */
export interface Resolving {
  apply(config: Config, hash: string): unknown;
  /** Whether the first look-up of every backend has ended, well or badly. */
  firstRoundDone(): boolean;
  close(): unknown;
}

/** What was found, and why it is no better. */
export interface Resolved {
  readonly snapshot: RoutingSnapshot;
  readonly causes: Causes;
  /** When that was (monotonic milliseconds). */
  readonly atMs: number;
}

/** What a configuration means right now: its backends looked up and probed by a control plane of its own. */
export function resolveFile(config: Config, hash: string): Promise<Resolved> {
  const cell = new SnapshotCell(emptySnapshot(config, hash));
  const plane = new ControlPlane({ cell, metrics: new Metrics(), logger: silentLogger });
  return resolveLive(plane, cell, config, hash);
}

/**
 * Runs a control plane until its picture is whole: every backend looked up, every Pod ready and the leader known, or as
 * long as probes need to tell that it is not so; 5 s at most.
 */
export async function resolveLive(
  plane: Resolving,
  cell: SnapshotCell,
  config: Config,
  hash: string,
  clock: Clock = systemClock,
): Promise<Resolved> {
  const endMs = clock.nowMs() + MAX_WAIT_MS;
  const probesMs = Math.max(0, ...config.backends.map(firstVerdictMs)) + SLACK_MS;
  let probedMs = Number.POSITIVE_INFINITY;
  try {
    await plane.apply(config, hash);
    for (;;) {
      const nowMs = clock.nowMs();
      if (plane.firstRoundDone()) probedMs = Math.min(probedMs, nowMs + probesMs);
      const whole = plane.firstRoundDone() && isWhole(cell.current(), config);
      if (whole || nowMs >= Math.min(endMs, probedMs)) {
        const snapshot = cell.current();
        return { snapshot, causes: causesNow(snapshot, cell.causes), atMs: nowMs };
      }
      await sleep(POLL_MS);
    }
  } finally {
    await plane.close();
  }
}

/** They end with the plane that knows them. */
function causesNow({ backends }: RoutingSnapshot, causes: Causes): Causes {
  const ofBackend = new Map([...backends.keys()].map((name) => [name, causes.of(name)]));
  const ofPod = new Map(
    [...backends].flatMap(([name, { pods }]) => pods.map(({ id }) => [id, causes.ofPod(name, id)] as const)),
  );
  return {
    of: (backend) => ofBackend.get(backend) ?? [],
    ofPod: (_backend, podId) => ofPod.get(podId) ?? null,
  };
}

/** How long after discovery the first probes have told what they can. */
function firstVerdictMs({ health, leader }: BackendConfig): number {
  const asked = leaderProbe(leader);
  const probes = asked === null ? [health] : [health, asked];
  return Math.max(...probes.map((p) => p.timeoutMs + (p.successThreshold - 1) * p.periodMs * 1.1));
}

function isWhole({ backends }: RoutingSnapshot, config: Config): boolean {
  return config.backends.every(({ name }) => {
    const backend = backends.get(name);
    return backend !== undefined && isSettled(backend);
  });
}

function isSettled({ pods, ready, leadership }: BackendSnapshot): boolean {
  const led = leadership.state === 'known' || leadership.state === 'unconfigured';
  return pods.length > 0 && ready.length === pods.length && led;
}
