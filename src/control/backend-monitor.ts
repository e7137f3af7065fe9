import { isDeepStrictEqual } from 'node:util';
import type { BackendConfig, LeaderConfig } from '../model/config.ts';
import type { Outcome } from '../model/outcome.ts';
import type { PodState } from '../model/pod.ts';
import type { Logger } from '../platform/logger.ts';
import type { BackendInput, LeadershipInput } from './build-snapshot.ts';
import type { Discovery, DiscoveryEvents, Member } from './discovery/contract.ts';
import { type MonitorDeps, PodMonitor } from './health/monitor.ts';
import type { DnsWatch } from './leadership/dns-source.ts';
import { LeaderWatch } from './leadership/watch.ts';
import type { BackendReport, PodReport } from './report.ts';
import { Roster, type RosterPod } from './roster.ts';

export interface BackendMonitorDeps extends MonitorDeps {
  readonly logger: Logger;
  createDiscovery(backend: BackendConfig, events: DiscoveryEvents): Discovery;
  watchAddresses(
    backend: BackendConfig,
    service: string,
    onAddresses: (addresses: readonly string[]) => void,
  ): DnsWatch;
  /** The backend may have changed. */
  touch(): void;
}

/** All that is known of one backend: who its Pods are, how they are, who leads. */
export class BackendMonitor {
  readonly #deps: BackendMonitorDeps;
  readonly #roster = new Roster();
  readonly #pods = new Map<number, PodMonitor>();
  #config: BackendConfig;
  #discovery: Discovery;
  #leader: LeaderWatch | null = null;
  #revision = 0;
  #attempted = false;
  #closed = false;

  constructor(config: BackendConfig, deps: BackendMonitorDeps) {
    this.#deps = deps;
    this.#config = config;
    this.#discovery = this.#createDiscovery();
    try {
      this.#watchLeader();
    } catch (error) {
      this.#discovery.close();
      throw error;
    }
  }

  start(): void {
    this.#discovery.start();
  }

  get config(): BackendConfig {
    return this.#config;
  }

  /** Whether the first look-up has ended, well or badly. */
  get attempted(): boolean {
    return this.#attempted;
  }

  /** Takes another configuration of the same Service; Pods and their health stay, and so does leadership if it can. */
  reconfigure(config: BackendConfig): void {
    const before = this.#config;
    this.#config = config;
    if (!isDeepStrictEqual(config.discovery, before.discovery)) {
      const old = this.#discovery;
      this.#discovery = this.#createDiscovery();
      old.close();
      this.#discovery.start();
    }
    const healthChanged = !isDeepStrictEqual(config.health, before.health);
    for (const monitor of this.#pods.values()) monitor.reconfigure(config, healthChanged);
    if (
      this.#leader !== null &&
      hasLeader(config) &&
      isDeepStrictEqual(config.leader.source, before.leader?.source)
    )
      this.#leader.reconfigure(config);
    else this.#watchLeader();
  }

  /** @returns whether the Pod is one of this backend's */
  report(outcome: Outcome): boolean {
    const monitor = this.#pods.get(outcome.podId);
    if (monitor === undefined) return false;
    const leads = this.#leader?.current.leaderId === outcome.podId;
    switch (outcome.kind) {
      case 'connect_failed':
        monitor.connectFailed(outcome.reason);
        monitor.requestFailed(outcome.reason, this.#ejected(), this.#roster.size);
        if (leads) this.#leader?.evidence();
        break;
      case 'failed':
        monitor.requestFailed(outcome.reason, this.#ejected(), this.#roster.size);
        if (leads) this.#leader?.evidence();
        break;
      case 'ok':
        monitor.requestSucceeded();
        break;
      case 'not_leader':
        this.#leader?.evidence(outcome.hint);
        break;
      case 'leader_closed':
        this.#leader?.evidence();
        break;
      case 'drained':
        if (this.#roster.drained(outcome.podId)) this.#forget(outcome.podId);
        break;
    }
    return true;
  }

  /** The backend as it is now. */
  input(): BackendInput {
    const leadership = this.#settle();
    this.#revision = leadership.revision;
    return {
      config: this.#config,
      pods: [...this.#pods.values()].map((monitor) => monitor.view()),
      leadership,
    };
  }

  /** Once a second. */
  tick(): void {
    this.#leader?.countLeaderless();
  }

  backendReport(): BackendReport {
    const { state, leaderId, term, claimants, reason } = this.#settled();
    return {
      name: this.#config.name,
      service: this.#config.service,
      leadership: {
        state,
        leader: leaderId === null ? null : (this.#pods.get(leaderId)?.pod.member.name ?? null),
        term,
        claimants,
        reason,
      },
      discovery: this.#discovery.report(),
      pods: this.#podReports(),
    };
  }

  close(): void {
    this.#closed = true;
    this.#discovery.close();
    this.#leader?.close();
    for (const monitor of this.#pods.values()) monitor.close();
  }

  #settle(): LeadershipInput {
    return this.#leader?.settle() ?? LeaderWatch.unconfigured(this.#revision);
  }

  #settled(): LeadershipInput {
    return this.#leader?.current ?? LeaderWatch.unconfigured(this.#revision);
  }

  #createDiscovery(): Discovery {
    return this.#deps.createDiscovery(this.#config, {
      onMembers: (members) => this.#members(members),
      onAttempt: () => {
        this.#attempted = true;
      },
    });
  }

  #watchLeader(): void {
    this.#leader?.close();
    this.#leader = null;
    if (!hasLeader(this.#config)) return;
    this.#leader = new LeaderWatch(this.#config, this.#revision + 1, {
      ...this.#deps,
      probeHealth: (finished) => this.#probeAll(finished),
      isReady: (podId) => this.#pods.get(podId)?.state === 'ready',
    });
    for (const pod of this.#roster.present()) this.#leader.join(pod);
  }

  #probeAll(finished: () => void): void {
    const monitors = [...this.#roster.present()].map(({ id }) => this.#pods.get(id)!);
    let open = monitors.length;
    if (open === 0) finished();
    for (const monitor of monitors)
      monitor.probeNow(() => {
        if (--open === 0) finished();
      });
  }

  #members(members: readonly Member[]): void {
    if (this.#closed) return;
    const { joined, left } = this.#roster.update(members);
    for (const pod of left) {
      this.#leader?.leave(pod.id);
      this.#pods.get(pod.id)?.depart();
    }
    for (const pod of joined) this.#join(pod);
    this.#dropForgotten();
    this.#deps.touch();
  }

  #join(pod: RosterPod): void {
    this.#pods.set(
      pod.id,
      new PodMonitor(pod, this.#config, this.#deps, (monitor, before) => this.#changed(monitor, before)),
    );
    this.#deps.logger.info(
      { backend: this.#config.name, pod: pod.member.name, addresses: pod.member.addresses, state: 'unready' },
      'Pod joined',
    );
    this.#leader?.join(pod);
  }

  #changed(monitor: PodMonitor, before: PodState): void {
    this.#deps.touch();
    const { state, reason, pod } = monitor;
    if (state !== before)
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
    const labels = new Set([...this.#pods.values()].map((monitor) => monitor.view().label));
    this.#deps.metrics.prunePods(this.#config.name, labels);
    this.#deps.touch();
  }

  #podReports(): PodReport[] {
    const claims = new Map(this.#leader?.claims().map(({ podId, term }) => [podId, term]));
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
        leaderProbe: this.#leader?.lastProbe(id) ?? null,
        claimsLeadership: claims.has(id),
        term: claims.get(id) ?? null,
      };
    });
  }
}

function hasLeader(config: BackendConfig): config is BackendConfig & { leader: LeaderConfig } {
  return config.leader !== null;
}
