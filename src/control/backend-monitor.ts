import { isDeepStrictEqual } from 'node:util';
import { type Cause, shownCause } from '../model/cause.ts';
import type { BackendConfig, StaticPod } from '../model/config.ts';
import type { PodOutcome } from '../model/outcome.ts';
import type { Logger } from '../platform/logger.ts';
import type { BackendInput } from './build-snapshot.ts';
import { backendCauses, podCause } from './causes/backend-causes.ts';
import { KindLog } from './causes/kind-log.ts';
import { ReadyLog } from './causes/ready-log.ts';
import type { Discovery, DiscoveryEvents, Member } from './discovery/contract.ts';
import { Membership } from './discovery/membership/membership.ts';
import { staticKey } from './discovery/questions/static-source.ts';
import type { MonitorDeps } from './health/monitor.ts';
import type { DnsWatch, DnsWatchEvents } from './leadership/dns-source.ts';
import type { HighestTerm } from './leadership/judge.ts';
import { LeaderWatch } from './leadership/watch.ts';
import { PodSet } from './pod-set.ts';
import type { BackendReport, PodReport } from './report.ts';
import type { RosterPod } from './roster.ts';
import { isSameService } from './succession.ts';
import { WarmUp } from './warm-up.ts';

export interface BackendMonitorDeps extends MonitorDeps {
  readonly logger: Logger;
  createDiscovery(backend: BackendConfig, membership: Membership, events: DiscoveryEvents): Discovery;
  watchAddresses(backend: BackendConfig, service: string, events: DnsWatchEvents): DnsWatch;
  /** The backend may have changed. */
  touch(): void;
}

/**
 * All that is known of one backend: who its Pods are, how they are, who leads. What is known outlives whoever asks:
 * resolver, probe loops and claim sources are replaced by a reload while the knowledge stays (docs/adr/0007).
 */
export class BackendMonitor {
  readonly #deps: BackendMonitorDeps;
  /** The backend that this one is to follow; null once it does. */
  #known: BackendMonitor | null;
  readonly #membership: Membership;
  readonly #pods: PodSet;
  readonly #leader: LeaderWatch;
  readonly #warmUp = new WarmUp();
  readonly #kinds: KindLog;
  readonly #readyLog: ReadyLog;
  /** It is in force, and its first questions have ended: what is missing now is missing. */
  #isSettled = false;
  #config: BackendConfig;
  #discovery: Discovery;
  /** The one that takes over from `#discovery` at the end of its first whole round. */
  #nextDiscovery: Discovery | null = null;
  #attempted = false;

  /**
   * @param known the backend that this one is to follow: Pods that it meets again keep their identity and health. It goes
   *   on until `begin`.
   */
  constructor(config: BackendConfig, deps: BackendMonitorDeps, known: BackendMonitor | null = null) {
    this.#deps = deps;
    this.#config = config;
    this.#known = known;
    this.#membership =
      known === null
        ? new Membership(config.discovery)
        : known.#membership.fork(config.discovery, stillMembers(known.#config, config));
    this.#kinds = new KindLog(() => this.#config.name, deps);
    this.#readyLog = new ReadyLog(deps);
    const events = {
      kinds: this.#kinds,
      joined: (pod: RosterPod): void => {
        const before = this.#known;
        this.#leader.join(pod, before === null ? null : before.#leader.known(pod.id), this.#warmUp.open());
      },
      left: (podId: number): void => this.#leader.leave(podId),
    };
    this.#pods = new PodSet(
      config,
      { ...deps, ...events, warmUp: this.#warmUp },
      known === null ? null : known.#pods,
    );
    this.#leader = new LeaderWatch(config, {
      ...deps,
      kinds: this.#kinds,
      touch: () => this.#pods.touch(),
      watchMembers: (backend, { service, port, static: fixed }, onMembers) => {
        const discovery = { ...backend.discovery, statefulSet: null, static: fixed };
        return this.#watchMembers({ ...backend, service, port, discovery }, onMembers);
      },
      probeHealth: (finished, only) => this.#pods.probeAll(finished, only ?? null),
      // One that is only asked again has not lost its role: its connections stay, writes wait for its answer.
      isReady: (podId) => {
        const monitor = this.#pods.get(podId);
        return monitor !== undefined && (monitor.state === 'ready' || monitor.stale);
      },
    });
    try {
      this.#discovery = this.#createDiscovery();
    } catch (error) {
      this.#leader.close();
      throw error;
    }
  }

  start(): void {
    this.#discovery.start();
    if (this.#membership.size > 0) this.#take(this.#membership.members());
  }

  get config(): BackendConfig {
    return this.#config;
  }

  /** Whether the first look-up has ended, and the first probes of the Pods that it found, well or badly (`/readyz`). */
  get attempted(): boolean {
    return this.#attempted && this.#warmUp.probed;
  }

  /** Calls once the first whole round has ended, and the first probes of the Pods that it found, well or badly. */
  whenWarm(call: () => void): void {
    this.#warmUp.whenOver(call);
  }

  /** Takes another configuration of the same Pods, perhaps under another name: askers are replaced, knowledge stays. */
  reconfigure(config: BackendConfig): void {
    const before = this.#config;
    this.#config = config;
    this.#membership.limit(config.discovery);
    if (config.name !== before.name || !isDeepStrictEqual(config.discovery, before.discovery)) {
      this.#nextDiscovery?.close();
      this.#nextDiscovery = this.#createDiscovery();
      this.#nextDiscovery.start();
    }
    this.#pods.reconfigure(config, !isDeepStrictEqual(config.health, before.health));
    this.#leader.reconfigure(config);
  }

  /** It is in force from now on, with all that the one it follows has learnt meanwhile. */
  begin(): void {
    const known = this.#known;
    this.#known = null;
    const shared = this.#pods.follow();
    if (known !== null) {
      const related = shared || isSameService(known.#config, this.#config);
      this.#leader.follow(known.#leader, related);
    }
    this.#leader.begin();
    this.#warmUp.whenOver(() => this.#settle());
  }

  #settle(): void {
    this.#isSettled = true;
    if (this.#leader.rejudge().state === 'none' && this.#pods.size > 0)
      this.#leader.warn('no leader is known');
    this.#deps.touch();
  }

  /** As `LeaderWatch.forgetTerm`. */
  forgetTerm(): HighestTerm | null {
    return this.#leader.forgetTerm();
  }

  /** A request of some rule begins to wait for a Pod. */
  held(): void {
    this.#leader.held();
  }

  report(outcome: PodOutcome): boolean {
    const monitor = this.#pods.get(outcome.podId);
    if (monitor === undefined) return false;
    const leads = this.#leader.current.leaderId === outcome.podId;
    switch (outcome.kind) {
      case 'connect_failed':
        monitor.connectFailed(outcome.reason);
        monitor.requestFailed(outcome.reason, this.#pods.ejected, this.#pods.size);
        if (leads) this.#leader.evidence();
        break;
      case 'failed':
        monitor.requestFailed(outcome.reason, this.#pods.ejected, this.#pods.size);
        if (leads) this.#leader.evidence();
        break;
      case 'ok':
        monitor.requestSucceeded();
        break;
      case 'not_leader':
        this.#leader.evidence(outcome.hint);
        break;
      case 'leader_closed':
        this.#leader.evidence();
        break;
      case 'drained':
        this.#pods.drained(outcome.podId);
        break;
    }
    return true;
  }

  /** Forgets Pods that have gone, judges who leads (terms rise by it, and probes may begin), and says what is true now. */
  bringUpToDate(): BackendInput {
    this.#pods.prune();
    const pods = this.#pods.views();
    const leadership = this.#leader.rejudge();
    if (this.#isSettled) {
      // Those that are only asked again after a stall are not missed.
      const ready = pods.filter(({ state, stale }) => state === 'ready' || stale === true).length;
      this.#readyLog.follow(this.#config.name, ready, () => this.causes());
    }
    return { config: this.#config, pods, leadership };
  }

  /** What is wrong with it now, the likeliest first; worked out anew. */
  causes(): Cause[] {
    const leftMs = this.#membership.emptyLeftMs(this.#deps.clock.nowMs());
    return backendCauses({
      lookups: this.#lookups.trouble(),
      kept: leftMs === null ? null : { pods: this.#membership.size, leftMs },
      total: this.#pods.size,
      unready: this.#pods.troubles(),
      leader: this.#leader.causes(),
    });
  }

  /** Why a Pod is not ready; null: it is, or is no Pod of this backend. */
  podCause(podId: number): Cause | null {
    const monitor = this.#pods.get(podId);
    return monitor === undefined ? null : podCause(monitor.trouble, monitor.state);
  }

  get #lookups(): Discovery {
    return this.#nextDiscovery ?? this.#discovery;
  }

  /** When a Pod's claim to lead ends unless it is shown again (monotonic milliseconds); undefined: the Pod is no member. */
  claimedUntilMs(podId: number): number | undefined {
    return this.#pods.get(podId) === undefined ? undefined : this.#leader.untilMs(podId);
  }

  /** This process stood still for so long. */
  doubt(stalledMs: number): void {
    this.#pods.doubt(stalledMs);
  }

  /** Once a second. */
  tick(): void {
    this.#leader.countLeaderless();
    this.#kinds.tick();
  }

  backendReport(): Omit<BackendReport, 'tls'> {
    const { state, leaderId, term, claimants, reason } = this.#leader.current;
    return {
      name: this.#config.name,
      service: this.#config.service,
      causes: this.causes().map((cause) => shownCause(cause, this.#deps.clock.nowMs())),
      leadership: {
        state,
        leader: leaderId === null ? null : (this.#pods.get(leaderId)?.pod.member.name ?? null),
        term,
        claimants,
        reason,
        highestTerm: this.#leader.highestTerm,
        sentinels: this.#leader.counsel?.reason ?? null,
      },
      discovery: this.#lookups.report(),
      pods: this.#podReports(),
    };
  }

  close(): void {
    this.#discovery.close();
    this.#nextDiscovery?.close();
    this.#leader.close();
    this.#pods.close();
    this.#warmUp.end();
  }

  #createDiscovery(): Discovery {
    const { clock, metrics } = this.#deps;
    const { name } = this.#config;
    // There from the beginning: what never succeeded is the oldest of all.
    const lastSuccess = metrics.dnsLastSuccess.with(name);
    const discovery = this.#deps.createDiscovery(this.#config, this.#membership, {
      onMembers: (members) => this.#take(members),
      onAsked: () => {
        this.#attempted = true;
      },
      onRound: (whole) => {
        if (whole) lastSuccess.value = clock.wallMs() / 1000;
        if (whole && discovery === this.#nextDiscovery) {
          this.#discovery.close();
          this.#discovery = discovery;
          this.#nextDiscovery = null;
        }
        this.#warmUp.roundEnded();
      },
    });
    return discovery;
  }

  /** Who the members of another Service are, which none of this backend's are taken from. */
  #watchMembers(config: BackendConfig, onMembers: (members: readonly Member[]) => void): Discovery {
    const events = { onMembers, onAsked: () => {}, onRound: () => {} };
    const discovery = this.#deps.createDiscovery(config, new Membership(config.discovery), events);
    discovery.start();
    return discovery;
  }

  #take(members: readonly Member[]): void {
    this.#pods.take(members, () => this.#leader.current.leaderId);
  }

  #podReports(): PodReport[] {
    const claims = new Map(this.#leader.claims().map((claim) => [claim.podId, claim]));
    return [...this.#pods.all()].map((monitor) => {
      const { id, member } = monitor.pod;
      const cause = podCause(monitor.trouble, monitor.state);
      return {
        id,
        name: member.name,
        addresses: member.addresses,
        port: member.port,
        ordinal: member.ordinal < 0 ? null : member.ordinal,
        state: monitor.state,
        reason: monitor.reason,
        cause: cause === null ? null : shownCause(cause, this.#deps.clock.nowMs()),
        health: monitor.lastProbe,
        leaderProbe: this.#leader.lastProbe(id),
        claimsLeadership: claims.has(id),
        term: claims.get(id)?.term ?? null,
        lineage: claims.get(id)?.lineage ?? null,
      };
    });
  }
}

/** Which members of the one can be members of the other before anybody was asked: they are known by name and port. */
function stillMembers(before: BackendConfig, after: BackendConfig): (member: Member) => boolean {
  const { static: fixed } = after.discovery;
  if (fixed === null) {
    const hasSameKeys = isSameService(before, after) && before.port === after.port;
    return () => hasSameKeys;
  }
  const stays = unchanged(before.discovery.static ?? [], fixed);
  const keys = new Set(stays.map(staticKey));
  return ({ key }) => keys.has(key);
}

function unchanged(before: readonly StaticPod[], after: readonly StaticPod[]): readonly StaticPod[] {
  return after.filter((pod) => before.some((other) => isDeepStrictEqual(pod, other)));
}
