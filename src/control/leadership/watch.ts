import type { BackendConfig, LeaderConfig } from '../../model/config.ts';
import type { Logger } from '../../platform/logger.ts';
import type { LeadershipInput } from '../build-snapshot.ts';
import { isNamedBy } from '../pod-names.ts';
import type { ProbeReport } from '../report.ts';
import type { RosterPod } from '../roster.ts';
import { arbitrate, type Claimant } from './arbitrate.ts';
import type { Claim, ClaimEvents, ClaimSource } from './contract.ts';
import type { DnsWatch } from './dns-source.ts';
import { dnsSource } from './dns-source.ts';
import { EvidenceRounds } from './evidence.ts';
import { ordinalSource } from './ordinal-source.ts';
import { type ProbeSourceDeps, probeSource } from './probe-source.ts';
import { Reigns } from './reigns.ts';

export interface LeaderWatchDeps extends ProbeSourceDeps {
  readonly logger: Logger;
  watchAddresses(
    backend: BackendConfig,
    service: string,
    onAddresses: (addresses: readonly string[]) => void,
  ): DnsWatch;
  /** Probes the health of every Pod now. */
  probeHealth(finished: () => void): void;
  isReady(podId: number): boolean;
  /** Leadership may have changed. */
  touch(): void;
}

const UNCONFIGURED: LeadershipInput = {
  state: 'unconfigured',
  leaderId: null,
  term: null,
  claimants: [],
  revision: 0,
  reign: 0,
  reason: 'the backend has no leader configured',
};

/** Knows who leads one backend: a source of claims, arbitration, rounds on evidence, and what changed. */
export class LeaderWatch {
  readonly #deps: LeaderWatchDeps;
  readonly #pods = new Map<number, RosterPod>();
  readonly #source: ClaimSource;
  readonly #rounds: EvidenceRounds;
  #config: BackendConfig;
  #leader: LeaderConfig;
  #highestTerm: string | null = null;
  readonly #reigns = new Reigns();
  #roundsFinished = 0;
  #seenRounds = 0;
  #current: LeadershipInput;
  #lastLeaderId: number | null = null;
  #leaderlessSinceMs: number;

  constructor(
    config: BackendConfig & { leader: LeaderConfig },
    firstRevision: number,
    deps: LeaderWatchDeps,
  ) {
    this.#deps = deps;
    this.#config = config;
    this.#leader = config.leader;
    this.#leaderlessSinceMs = deps.clock.nowMs();
    this.#current = {
      ...UNCONFIGURED,
      state: 'none',
      reason: 'no Pod claims to lead',
      revision: firstRevision,
    };
    deps.metrics.leaderChanges.with(config.name);
    deps.metrics.leaderlessSeconds.with(config.name);
    this.#source = this.#createSource();
    this.#rounds = new EvidenceRounds(
      deps.clock,
      () => this.#pods.size,
      (first, finished) => this.#source.round(first, finished),
      () => {
        this.#roundsFinished++;
        deps.touch();
      },
    );
  }

  /** Of a backend without a leader source. */
  static unconfigured(revision: number): LeadershipInput {
    return { ...UNCONFIGURED, revision };
  }

  reconfigure(config: BackendConfig & { leader: LeaderConfig }): void {
    this.#config = config;
    this.#leader = config.leader;
  }

  join(pod: RosterPod): void {
    this.#pods.set(pod.id, pod);
    this.#source.join(pod);
    this.#deps.touch();
  }

  leave(podId: number): void {
    this.#pods.delete(podId);
    this.#source.leave(podId);
    this.#deps.touch();
  }

  /** Something says that leadership may have moved. @param hint a Location; only who is on the roster is ever asked. */
  evidence(hint: string | null = null): void {
    const named =
      hint === null ? undefined : [...this.#pods.values()].find((pod) => isNamedBy(hint, pod.member));
    this.#rounds.evidence(named?.id ?? null);
  }

  /** The last `settle`'s result. */
  get current(): LeadershipInput {
    return this.#current;
  }

  claims(): readonly Claim[] {
    return this.#source.claims();
  }

  lastProbe(podId: number): ProbeReport | null {
    return this.#source.lastProbe(podId);
  }

  /** Works out who leads now. */
  settle(): LeadershipInput {
    const claimants: Claimant[] = this.#source.claims().flatMap(({ podId, term }) => {
      const pod = this.#pods.get(podId);
      return pod === undefined
        ? []
        : [{ podId, name: pod.member.name, ready: this.#deps.isReady(podId), term }];
    });
    const { highestTerm, ...verdict } = arbitrate(claimants, this.#highestTerm, this.#leader.onConflict);
    this.#highestTerm = highestTerm;
    const before = this.#current;
    const moved =
      verdict.state !== before.state || verdict.leaderId !== before.leaderId || verdict.term !== before.term;
    const revision = before.revision + (moved || this.#roundsFinished !== this.#seenRounds ? 1 : 0);
    this.#seenRounds = this.#roundsFinished;
    if (moved) this.countLeaderless();
    this.#reigns.follow(claimants, revision);
    this.#current = { ...verdict, revision, reign: this.#reigns.of(verdict.leaderId) };
    if (verdict.state !== before.state || verdict.leaderId !== before.leaderId) this.#note(before);
    return this.#current;
  }

  /** Adds the time without a leader up to now to its metric. */
  countLeaderless(): void {
    const nowMs = this.#deps.clock.nowMs();
    if (this.#current.state !== 'known')
      this.#deps.metrics.leaderlessSeconds.with(this.#config.name).value +=
        (nowMs - this.#leaderlessSinceMs) / 1000;
    this.#leaderlessSinceMs = nowMs;
  }

  close(): void {
    this.#rounds.close();
    this.#source.close();
  }

  #note(before: LeadershipInput): void {
    const { state, leaderId, term, reason } = this.#current;
    const { logger, metrics } = this.#deps;
    const leader = leaderId === null ? null : (this.#pods.get(leaderId)?.member.name ?? null);
    logger.info({ backend: this.#config.name, state, leader, term, reason }, 'leadership changed');
    if (leaderId !== null) {
      if (this.#lastLeaderId !== null && this.#lastLeaderId !== leaderId)
        metrics.leaderChanges.with(this.#config.name).value++;
      this.#lastLeaderId = leaderId;
    }
    // Whoever takes over shall be found now, not a period later.
    if (before.state === 'known' && state !== 'known') this.#rounds.evidence(null);
  }

  #createSource(): ClaimSource {
    const { source } = this.#leader;
    const events: ClaimEvents = {
      onClaims: () => this.#deps.touch(),
      // The Pod believed so far may not know yet: ask it, so that both claims do not stand beside each other for a period.
      onNewClaim: (podId) => {
        if (podId !== this.#current.leaderId) this.#rounds.evidence(podId);
      },
    };
    if (source.type === 'Probe') return probeSource(this.#config.name, source, events, this.#deps);
    const afterRound = (finished: () => void): void => this.#deps.probeHealth(finished);
    if (source.type === 'Ordinal') return ordinalSource(source.ordinal, events, afterRound);
    return dnsSource(
      (onAddresses) => this.#deps.watchAddresses(this.#config, source.service, onAddresses),
      events,
      afterRound,
    );
  }
}
