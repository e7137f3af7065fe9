import { SnapshotCell } from '../../src/boundary/snapshot-cell.ts';
import { ControlPlane } from '../../src/control/control-plane.ts';
import type { Discovery, DiscoveryEvents, Member } from '../../src/control/discovery/contract.ts';
import type { ProbeOutcome, ProbeResult } from '../../src/control/probe/probe-result.ts';
import type { RunProbe } from '../../src/control/probe/run-probe.ts';
import type { BackendConfig, Config, LeaderProbeSource } from '../../src/model/config.ts';
import { emptySnapshot } from '../../src/model/empty.ts';
import type { PodView } from '../../src/model/pod.ts';
import type { BackendSnapshot } from '../../src/model/snapshot.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { type Logger, silentLogger } from '../../src/platform/logger.ts';
import { backendConfig, configWith, listenerConfig, ruleConfig } from '../helpers/config.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

export function httpProbe(path: string): LeaderProbeSource['probe'] {
  return {
    type: 'http',
    method: 'GET',
    path,
    port: null,
    headers: [],
    body: null,
    expect: { status: null, json: [], header: null },
  };
}

/** A backend whose leader is probed for every 1 s (SPEC 2's defaults). */
export function probedBackend(part: Partial<LeaderProbeSource> = {}): BackendConfig {
  return backendConfig({
    leader: {
      source: {
        type: 'Probe',
        probe: httpProbe('/leader'),
        term: null,
        lineage: null,
        periodMs: 1000,
        timeoutMs: 500,
        failureThreshold: 2,
        successThreshold: 1,
        searchPeriodMs: 100,
        ...part,
      },
      onConflict: 'Refuse',
      learn: [],
    },
  });
}

export function config(backends: readonly BackendConfig[], rules = [ruleConfig()]): Config {
  return configWith({ backends, listeners: [listenerConfig({ rules })] });
}

export function member(name: string, address: string | readonly string[], port = 80): Member {
  const ordinal = /-(0|[1-9]\d*)$/.exec(name);
  return {
    key: `${name}|${port}`,
    name,
    named: true,
    dnsName: `${name}.db.prod.svc.cluster.local`,
    ordinal: ordinal === null ? -1 : Number(ordinal[1]),
    addresses: typeof address === 'string' ? [address] : address,
    port,
  };
}

/** What a Pod of the fake world does with probes: a result, or silence until the timeout. */
export interface FakePod {
  health: ProbeOutcome;
  /** 'success' claims; 'failure' is an answer that does not. */
  leader: ProbeOutcome;
  term?: string;
  /** Id and, if it was promoted, that of the Pod which it followed until then. */
  lineage?: readonly [id: string, previous?: string];
  /** Its silence is that of a host that is gone. */
  unreachable?: true;
  /** How long an answer takes; a refusal takes no time. */
  delayMs: number;
}

export interface World {
  readonly plane: ControlPlane;
  readonly cell: SnapshotCell;
  readonly clock: VirtualClock;
  readonly metrics: Metrics;
  /** By first address. */
  readonly pods: Map<string, FakePod>;
  /** Probes begun: `health 10.0.0.1` with the virtual time. */
  readonly probes: { readonly what: string; readonly atMs: number }[];
  /** Virtual times at which a snapshot was published. */
  readonly published: number[];
  members(members: readonly Member[], backend?: string): void;
  addresses(addresses: readonly string[]): void;
  /** The process stands still for so long: time goes on, and no timer with it until the end, when the pulse is told. */
  stall(ms: number): void;
  /** Moves time on in small steps, letting the control loop publish between them. */
  run(ms: number): Promise<void>;
  backend(name?: string): BackendSnapshot;
  pod(name: string): PodView;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Probes that these Pods answer; by first address. @param onProbe is told of each: `health 10.0.0.1` */
export function fakeProbes(
  pods: ReadonlyMap<string, FakePod>,
  clock: Clock,
  onProbe: (what: string) => void = () => {},
): RunProbe {
  return (probe, _term, target, timeoutMs, done) => {
    const kind = probe.type === 'http' && probe.path === '/leader' ? 'leader' : 'health';
    const address = target.addresses[0]!;
    onProbe(`${kind} ${address}`);
    const pod = pods.get(address) ?? { health: 'refused', leader: 'refused', delayMs: 0 };
    const outcome = pod[kind];
    const result: ProbeResult = {
      outcome,
      reason: outcome,
      answered: outcome === 'success' || outcome === 'failure',
      term: outcome === 'success' && kind === 'leader' ? (pod.term ?? null) : null,
      lineage:
        outcome === 'success' && kind === 'leader' && pod.lineage !== undefined
          ? { id: pod.lineage[0], previous: pod.lineage[1] ?? null }
          : null,
      ...(outcome === 'timeout' && pod.unreachable === true ? { unreachable: true } : {}),
    };
    const timer = clock.after(outcome === 'timeout' ? timeoutMs : pod.delayMs, () => done(result));
    return { cancel: () => timer.clear() };
  };
}

/** A control plane in virtual time whose Pods answer as `pods` says. */
export function world(
  first: Config | null = config([probedBackend()]),
  random = () => 0,
  logger: Logger = silentLogger,
): World {
  const clock = new VirtualClock();
  const metrics = new Metrics();
  const cell = new SnapshotCell(emptySnapshot(first ?? config([]), ''));
  const pods = new Map<string, FakePod>();
  const probes: World['probes'] = [];
  const published: number[] = [];
  const events = new Map<string, DiscoveryEvents>();
  let onAddresses: (addresses: readonly string[]) => void = () => {};
  const report: ReturnType<Discovery['report']> = {
    lastSuccessAtMs: null,
    lastAttemptAtMs: null,
    lastError: null,
    nextRefreshAtMs: null,
    question: 'fake',
  };
  const runProbe = fakeProbes(pods, clock, (what) => probes.push({ what, atMs: clock.nowMs() }));
  const stalls = new Set<(stalledMs: number) => void>();
  const pulse = {
    subscribe(listener: (stalledMs: number) => void) {
      stalls.add(listener);
      return () => stalls.delete(listener);
    },
  };
  const plane = new ControlPlane({
    pulse,
    cell,
    metrics,
    logger,
    clock,
    random,
    runProbe,
    createDiscovery(backend, _membership, backendEvents) {
      events.set(backend.name, backendEvents);
      return { start() {}, refreshSoon() {}, report: () => report, trouble: () => null, close() {} };
    },
    watchAddresses(_backend, _service, given) {
      onAddresses = (addresses) => {
        given.onAddresses(addresses);
        given.onLookup(true);
      };
      return { close() {}, report: () => report, trouble: () => null, refreshSoon() {} };
    },
  });
  cell.subscribe(() => published.push(clock.nowMs()));
  if (first !== null) plane.apply(first, 'first');
  return {
    plane,
    cell,
    clock,
    metrics,
    pods,
    probes,
    published,
    members(members, backend = 'db') {
      events.get(backend)!.onMembers(members);
      events.get(backend)!.onAsked();
      events.get(backend)!.onRound(true);
    },
    addresses: (addresses) => onAddresses(addresses),
    stall(ms) {
      clock.skip(ms);
      for (const listener of stalls) listener(ms);
    },
    async run(ms) {
      for (let left = ms; ; left -= 5) {
        await turn();
        if (left <= 0) break;
        clock.advance(Math.min(5, left));
      }
      await turn();
    },
    backend: (name = 'db') => cell.current().backends.get(name)!,
    pod: (name) =>
      cell
        .current()
        .backends.get('db')!
        .pods.filter((pod) => pod.name === name)
        .at(-1)!,
  };
}

/** A healthy Pod that does not claim. */
export function follower(part: Partial<FakePod> = {}): FakePod {
  return { health: 'success', leader: 'failure', delayMs: 1, ...part };
}

/** A healthy Pod that claims. */
export function claimant(part: Partial<FakePod> = {}): FakePod {
  return follower({ leader: 'success', ...part });
}

/** The addresses of `db-0` and `db-1` of `twoPods`. */
export const A = '10.0.0.1';
export const B = '10.0.0.2';

/** The world with the Pods db-0 and db-1, each probed once; if nothing else is said db-0 claims and db-1 follows. */
export async function twoPods(w: World, a = claimant(), b = follower()): Promise<World> {
  w.pods.set(A, a);
  w.pods.set(B, b);
  w.members([member('db-0', A), member('db-1', B)]);
  await w.run(20);
  return w;
}
