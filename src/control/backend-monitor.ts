import { isDeepStrictEqual } from 'node:util';
import type { BackendConfig } from '../model/config.ts';
import type { PodOutcome } from '../model/outcome.ts';
import type { PodState } from '../model/pod.ts';
import { crashed } from '../platform/guard.ts';
import type { Logger } from '../platform/logger.ts';
import { inSlices } from '../platform/turn.ts';
import type { BackendInput } from './build-snapshot.ts';
import type { Discovery, DiscoveryEvents, Member } from './discovery/contract.ts';
import { Membership } from './discovery/membership/membership.ts';
import { type MonitorDeps, PodMonitor } from './health/monitor.ts';
import type { DnsWatch, DnsWatchEvents } from './leadership/dns-source.ts';
import type { HighestTerm } from './leadership/judge.ts';
import { LeaderWatch } from './leadership/watch.ts';
import { podLabel } from './pod-names.ts';
import type { BackendReport, PodReport } from './report.ts';
import { Roster, type RosterPod } from './roster.ts';
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
  readonly #roster: Roster;
  readonly #membership: Membership;
  readonly #pods = new Map<number, PodMonitor>();
  readonly #leader: LeaderWatch;
  readonly #warmUp = new WarmUp();
  #config: BackendConfig;
  #discovery: Discovery;
  /** The one that takes over from `#discovery` at the end of its first whole round. */
  #nextDiscovery: Discovery | null = null;
  #attempted = false;
  #pruneDue = false;
  /** A set of members is being taken, in slices. */
  #taking = false;
  #nextMembers: readonly Member[] | null = null;
  #closed = false;

  /**
   * @param known the backend that this one is to follow: Pods that it meets again keep their identity and health. It goes
   *   on until `begin`.
   */
  constructor(config: BackendConfig, deps: BackendMonitorDeps, known: BackendMonitor | null = null) {
    this.#deps = deps;
    this.#config = config;
    this.#known = known;
    this.#roster = new Roster((member) => this.#idKnown(member));
    this.#membership =
      known !== null && hasSameKeys(known.#config, config)
        ? known.#membership.fork(config.discovery)
        : new Membership(config.discovery);
    this.#leader = new LeaderWatch(config, {
      ...deps,
      touch: () => this.#touch(),
      probeHealth: (finished, only) => this.#probeAll(finished, only),
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
    if (this.#membership.size > 0) this.#members(this.#membership.members()).catch(lost);
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
    const healthChanged = !isDeepStrictEqual(config.health, before.health);
    for (const monitor of this.#pods.values()) monitor.reconfigure(config, healthChanged);
    this.#leader.reconfigure(config);
  }

  /** It is in force from now on, with all that the one it follows has learnt meanwhile. */
  begin(): void {
    const known = this.#known;
    this.#known = null;
    if (known !== null) this.#follow(known);
    this.#leader.begin();
  }

  #follow(known: BackendMonitor): void {
    this.#pruneDue = true;
    let related = known.#config.service === this.#config.service;
    for (const [id, monitor] of this.#pods) {
      const before = known.#pods.get(id);
      if (before === undefined) continue;
      related = true;
      monitor.follow(before);
    }
    this.#leader.follow(known.#leader, related);
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
        monitor.requestFailed(outcome.reason, this.#ejected(), this.#roster.size);
        if (leads) this.#leader.evidence();
        break;
      case 'failed':
        monitor.requestFailed(outcome.reason, this.#ejected(), this.#roster.size);
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
        if (this.#roster.drained(outcome.podId)) this.#forget(outcome.podId);
        break;
    }
    return true;
  }

  /** The backend as it is now. */
  input(): BackendInput {
    this.#prune();
    return {
      config: this.#config,
      pods: [...this.#pods.values()].map((monitor) => monitor.view()),
      leadership: this.#leader.settle(),
    };
  }

  /** This process stood still for so long. */
  doubt(stalledMs: number): void {
    for (const monitor of this.#pods.values()) monitor.doubt(stalledMs);
  }

  /** Once a second. */
  tick(): void {
    this.#leader.countLeaderless();
  }

  backendReport(): BackendReport {
    const { state, leaderId, term, claimants, reason } = this.#leader.current;
    return {
      name: this.#config.name,
      service: this.#config.service,
      leadership: {
        state,
        leader: leaderId === null ? null : (this.#pods.get(leaderId)?.pod.member.name ?? null),
        term,
        claimants,
        reason,
        highestTerm: this.#leader.highestTerm,
      },
      discovery: (this.#nextDiscovery ?? this.#discovery).report(),
      pods: this.#podReports(),
    };
  }

  close(): void {
    this.#closed = true;
    this.#discovery.close();
    this.#nextDiscovery?.close();
    this.#leader.close();
    for (const monitor of this.#pods.values()) monitor.close();
    this.#warmUp.end();
  }

  #createDiscovery(): Discovery {
    const discovery = this.#deps.createDiscovery(this.#config, this.#membership, {
      onMembers: (members) => void this.#members(members).catch(lost),
      onAttempt: () => {
        this.#attempted = true;
      },
      onRound: (whole) => {
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

  #idKnown(member: Member): number | null {
    const known = this.#known;
    return known === null ? null : known.#roster.idOf(member);
  }

  #probeAll(finished: () => void, only: ReadonlySet<number> | null = null): void {
    const monitors = [...this.#roster.present()].flatMap(({ id }) =>
      only === null || only.has(id) ? (this.#pods.get(id) ?? []) : [],
    );
    let open = monitors.length;
    if (open === 0) finished();
    for (const monitor of monitors)
      monitor.probeNow(() => {
        if (--open === 0) finished();
      });
  }

  /** Takes a set of members; of those that come while one is taken, the last. */
  async #members(members: readonly Member[]): Promise<void> {
    this.#nextMembers = members;
    if (this.#taking) return;
    this.#taking = true;
    const taken = this.#warmUp.open();
    try {
      while (this.#nextMembers !== null && !this.#closed) {
        const next: readonly Member[] = this.#nextMembers;
        this.#nextMembers = null;
        await inSlices(this.#take(next));
      }
    } catch (error) {
      this.#deps.logger.error({ backend: this.#config.name, err: error }, 'members could not be taken');
    }
    this.#taking = false;
    taken();
    this.#touch();
  }

  /** In steps: a thousand Pods may be replaced at once. What was sent to the leader waits for nothing: it goes first. */
  *#take(members: readonly Member[]): Generator<void, void> {
    const { joined, left } = this.#roster.update(members);
    const { leaderId } = this.#leader.current;
    const lost = left.find(({ id }) => id === leaderId);
    if (lost !== undefined) {
      this.#depart(lost);
      this.#deps.touch();
    }
    for (const pod of left) {
      if (pod !== lost) this.#depart(pod);
      yield;
    }
    for (const pod of joined) {
      if (this.#closed) return;
      this.#join(pod);
      yield;
    }
    this.#dropForgotten();
  }

  #depart(pod: RosterPod): void {
    this.#leader.leave(pod.id);
    this.#pods.get(pod.id)?.depart();
  }

  /** Told once for all members that are taken together. */
  #touch(): void {
    if (!this.#taking) this.#deps.touch();
  }

  #join(pod: RosterPod): void {
    const known = this.#known;
    const monitor = new PodMonitor(
      pod,
      this.#config,
      this.#deps,
      known === null ? null : (known.#pods.get(pod.id) ?? null),
      (changed, before) => this.#changed(changed, before),
      this.#warmUp.open(),
    );
    this.#pods.set(pod.id, monitor);
    this.#deps.logger.info(
      {
        backend: this.#config.name,
        pod: pod.member.name,
        addresses: pod.member.addresses,
        state: monitor.state,
      },
      'Pod joined',
    );
    this.#leader.join(pod, known === null ? null : known.#leader.known(pod.id), this.#warmUp.open());
  }

  #changed(monitor: PodMonitor, before: PodState): void {
    this.#touch();
    const { state, reason, pod } = monitor;
    if (state !== before && !monitor.stale)
      this.#deps.logger.info(
        { backend: this.#config.name, pod: pod.member.name, state, before, reason },
        'Pod changed state',
      );
  }

  #ejected(): number {
    let count = 0;
    for (const monitor of this.#pods.values()) if (monitor.ejected && !monitor.pod.departed) count++;
    return count;
  }

  /** Drops what the roster gave up by its bound. */
  #dropForgotten(): void {
    const departed = new Set([...this.#roster.departed()].map(({ id }) => id));
    for (const [id, { pod }] of this.#pods) if (pod.departed && !departed.has(id)) this.#forget(id);
  }

  #forget(podId: number): void {
    this.#pods.get(podId)?.close();
    this.#pods.delete(podId);
    this.#pruneDue = true;
    this.#touch();
  }

  /** Series of Pods that are gone must not stay (M1). Once for all that went in a turn: a thousand may go together. */
  #prune(): void {
    if (!this.#pruneDue) return;
    this.#pruneDue = false;
    const labels = new Set([...this.#pods.values()].map(({ pod }) => podLabel(pod.member)));
    this.#deps.metrics.prunePods(this.#config.name, labels);
  }

  #podReports(): PodReport[] {
    const claims = new Map(this.#leader.claims().map((claim) => [claim.podId, claim]));
    return [...this.#pods.values()].map((monitor) => {
      const { id, member } = monitor.pod;
      return {
        name: member.name,
        addresses: member.addresses,
        port: member.port,
        ordinal: member.ordinal < 0 ? null : member.ordinal,
        state: monitor.state,
        reason: monitor.reason,
        health: monitor.lastProbe,
        leaderProbe: this.#leader.lastProbe(id),
        claimsLeadership: claims.has(id),
        term: claims.get(id)?.term ?? null,
        lineage: claims.get(id)?.lineage ?? null,
      };
    });
  }
}

/** Whether members of the one can be members of the other: they are known by name and port. */
function hasSameKeys(a: BackendConfig, b: BackendConfig): boolean {
  return a.service === b.service && a.port === b.port;
}

function lost(error: unknown): void {
  crashed('control', error);
}
