import type { Cause } from '../../model/cause.ts';
import type { BackendConfig } from '../../model/config.ts';
import type { Timer } from '../../platform/clock.ts';
import type { LeadershipInput } from '../build-snapshot.ts';
import type { KindLog } from '../causes/kind-log.ts';
import { causesInWords } from '../causes/ready-log.ts';
import { isNamedBy } from '../pod-names.ts';
import { type ProbeRun, resultWords } from '../probe/probe-run.ts';
import type { ProbeReport } from '../report.ts';
import type { RosterPod } from '../roster.ts';
import type { Claimant } from './arbitrate.ts';
import type { Claim, KnownClaim } from './contract.ts';
import type { Counsel } from './counsel.ts';
import { type CreateSourceDeps, createSource } from './create-source.ts';
import { EvidenceRounds } from './evidence.ts';
import { type HighestTerm, Judge } from './judge.ts';
import { LeaderCauses, type LeaderWorld } from './leader-causes.ts';
import { leaderWorld } from './leader-world.ts';
import { nothingKnown } from './nothing-known.ts';
import { hasLeader, masterOf, sameQuestion } from './question.ts';
import { Reigns } from './reigns.ts';
import { Revival } from './revival.ts';
import { SEARCH_PERIOD_MS, Search } from './search.ts';
import { FailoverWatch } from './sentinel/failover.ts';
import { SilentLeaders } from './silent-leaders.ts';
import { Sources } from './sources.ts';

export interface LeaderWatchDeps extends Omit<CreateSourceDeps, 'search' | 'failovers'> {
  isReady(podId: number): boolean;
  readonly kinds: KindLog;
  /** Leadership may have changed. */
  touch(): void;
}

/**
 * What is believed of one backend's leadership: claims, arbitration, the highest term ever seen, what changed. Whoever asks
 * for claims can be replaced in mid-flight; nothing is forgotten by it, not even while the backend has no leader source.
 */
export class LeaderWatch {
  readonly #deps: LeaderWatchDeps;
  readonly #pods = new Map<number, RosterPod>();
  readonly #sources: Sources;
  readonly #rounds: EvidenceRounds;
  readonly #search: Search;
  readonly #revival: Revival;
  readonly #failovers: FailoverWatch;
  #config: BackendConfig;
  readonly #judge = new Judge();
  readonly #causes: LeaderCauses;
  readonly #world: LeaderWorld;
  /** The same claims may be judged otherwise then. */
  #judgeAgain: Timer | null = null;
  #reigns = new Reigns();
  #silent = new SilentLeaders();
  #roundsFinished = 0;
  #seenRounds = 0;
  #current: LeadershipInput;
  #lastLeaderId: number | null = null;
  #leaderlessSinceMs: number;
  /** Until then it only prepares, and counts nothing. */
  #inForce = false;

  constructor(config: BackendConfig, deps: LeaderWatchDeps) {
    this.#deps = deps;
    this.#config = config;
    this.#leaderlessSinceMs = deps.clock.nowMs();
    this.#current = nothingKnown(config, 1);
    this.#causes = new LeaderCauses(deps.clock.nowMs());
    this.#search = new Search(deps.clock);
    this.#failovers = new FailoverWatch(deps.clock, () => deps.touch());
    this.#revival = new Revival(
      deps.clock,
      (only) => deps.probeHealth(() => {}, only),
      (pods) => this.#search.periodMs(SEARCH_PERIOD_MS, this.#config.health.periodMs, pods),
    );
    this.#sources = new Sources({
      onClaims: () => deps.touch(),
      // The Pod believed so far may not know yet: ask it, so that both claims do not stand beside each other for a period.
      onNewClaim: (podId) => {
        this.#hurry();
        if (podId !== this.#current.leaderId) this.#rounds.evidence(podId);
      },
      onOtherAnswer: (podId, run) => this.#noteAnswer(podId, run),
    });
    this.#world = leaderWorld(this.#pods, this.#sources, (podId) => deps.isReady(podId));
    this.#rounds = new EvidenceRounds(
      deps.clock,
      () => this.#pods.size,
      (first, finished) => this.#sources.round(first, finished),
      () => {
        this.#roundsFinished++;
        deps.touch();
      },
    );
    this.#ask();
  }

  /** Another configuration of the same backend: who is asked may change, what is believed stays. */
  reconfigure(config: BackendConfig): void {
    const before = this.#config;
    this.countLeaderless();
    this.#config = config;
    if ((config.leader === null) !== (before.leader === null))
      this.#current = nothingKnown(config, this.#current.revision + 1);
    if (masterOf(before) !== masterOf(config)) this.#failovers.close();
    if (!sameQuestion(before, config)) this.#ask();
    this.#showSeries();
  }

  /** It is in force from now on. */
  begin(): void {
    this.#inForce = true;
    this.#leaderlessSinceMs = this.#deps.clock.nowMs();
    this.#showSeries();
  }

  /** Goes on from what another one had come to believe, before it begins. @param related the backends share Pods */
  follow(before: LeaderWatch, related: boolean): void {
    before.countLeaderless();
    this.#current = nothingKnown(this.#config, before.#current.revision + 1);
    if (!related) return;
    this.#judge.follow(before.#judge);
    if (masterOf(before.#config) === masterOf(this.#config)) this.#failovers.follow(before.#failovers);
    this.#causes.follow(before.#causes);
    this.#lastLeaderId = before.#lastLeaderId;
    this.#reigns = before.#reigns;
    this.#silent = before.#silent;
    if (this.#config.leader === null || before.#config.leader === null) return;
    this.#current = before.#current;
    this.#search.follow(before.#search);
  }

  /** @param asked called once: the Pod has been asked for the first time, well or badly, or will not be */
  join(pod: RosterPod, known: KnownClaim | null, asked: () => void): void {
    this.#pods.set(pod.id, pod);
    this.#sources.join(pod, known, asked);
    this.#deps.touch();
  }

  leave(podId: number): void {
    this.#pods.delete(podId);
    this.#sources.leave(podId);
    this.#deps.touch();
  }

  /** Something says that leadership may have moved. @param hint a Location; only who is on the roster is ever asked. */
  evidence(hint: string | null = null): void {
    const named =
      hint === null ? undefined : [...this.#pods.values()].find((pod) => isNamedBy(hint, pod.member));
    this.#hurry();
    this.#rounds.evidence(named?.id ?? null);
  }

  /** A request begins to wait: a search that has slowed down is quick again. */
  held(): void {
    this.#hurry();
  }

  /** What the last `rejudge` found. */
  get current(): LeadershipInput {
    return this.#current;
  }

  get highestTerm(): HighestTerm | null {
    return this.#judge.highestTerm;
  }

  /** What is wrong with who leads, the likeliest first. */
  causes(): Cause[] {
    return this.#causes.causes(this.#current, this.#world);
  }

  /** What others say of the Pods; null: nobody is listened to. */
  get counsel(): Counsel | null {
    return this.#sources.counsel();
  }

  /** As `Judge.forget`. What is claimed now is seen anew. */
  forgetTerm(): HighestTerm | null {
    this.#deps.touch();
    return this.#judge.forget();
  }

  claims(): readonly Claim[] {
    return this.#sources.claims();
  }

  /** As `ClaimSource.untilMs`. */
  untilMs(podId: number): number {
    return this.#sources.untilMs(podId);
  }

  lastProbe(podId: number): ProbeReport | null {
    return this.#sources.known(podId).lastProbe;
  }

  /** What is believed of one Pod, for a source that takes over. */
  known(podId: number): KnownClaim {
    return this.#sources.known(podId);
  }

  /** Judges the claims anew: terms rise by it, what changed is logged, and a search may begin. */
  rejudge(): LeadershipInput {
    const before = this.#current;
    const { leader } = this.#config;
    if (leader === null) return before;
    const { clock } = this.#deps;
    const claimants = this.#claimants();
    const verdict = this.#judge.judge(claimants, {
      onConflict: leader.onConflict,
      nowMs: clock.nowMs(),
      wallMs: clock.wallMs(),
      leaderId: before.leaderId,
      isPresent: (podId) => this.#pods.has(podId),
      denies: (podId) => this.#sources.denies(podId),
      isSilent: (podId) => this.#sources.isSilent(podId),
      counsel: this.#sources.counsel(),
    });
    this.#judgeAgain?.clear();
    const changesInMs = this.#judge.changesInMs(clock.nowMs());
    this.#judgeAgain = changesInMs === null ? null : clock.after(changesInMs, () => this.#deps.touch());
    const leads = claimants.find(({ podId }) => podId === verdict.leaderId);
    const moved =
      verdict.state !== before.state ||
      verdict.leaderId !== before.leaderId ||
      (leads !== undefined && !this.#reigns.has(leads));
    const revision = before.revision + (moved || this.#roundsFinished !== this.#seenRounds ? 1 : 0);
    this.#seenRounds = this.#roundsFinished;
    if (moved) this.countLeaderless();
    this.#reigns.follow(claimants, revision);
    const silent = this.#silent.follow(
      before.leaderId,
      verdict.leaderId,
      (podId) => this.#pods.has(podId) && this.#sources.isSilent(podId),
    );
    const reign = this.#reigns.of(verdict.leaderId);
    this.#current = { ...verdict, revision, reign, ...(silent === undefined ? {} : { silent }) };
    if (verdict.state !== before.state || verdict.leaderId !== before.leaderId) this.#note(before);
    this.#searchOn(claimants);
    return this.#current;
  }

  /** Says at `warn` that nobody leads, or several claim to, and why. */
  warn(what: string): void {
    const { state, term, reason } = this.#current;
    const others = this.causes().filter(({ text }) => text !== reason);
    const cause = causesInWords(others, this.#deps.clock);
    const fields = { backend: this.#config.name, state, leader: null, term, reason };
    this.#deps.logger.warn(cause === '' ? fields : { ...fields, cause }, `leadership changed: ${what}`);
  }

  /** Adds the time without a leader up to now to its metric. */
  countLeaderless(): void {
    const nowMs = this.#deps.clock.nowMs();
    const { state } = this.#current;
    if (this.#inForce && this.#config.leader !== null && state !== 'known')
      this.#deps.metrics.leaderlessSeconds.with(this.#config.name).value +=
        (nowMs - this.#leaderlessSinceMs) / 1000;
    this.#leaderlessSinceMs = nowMs;
  }

  close(): void {
    this.#judgeAgain?.clear();
    this.#rounds.close();
    this.#revival.close();
    this.#sources.close();
    this.#failovers.close();
  }

  #claimants(): Claimant[] {
    return this.#sources.claims().flatMap(({ podId, term, lineage }) => {
      const pod = this.#pods.get(podId);
      if (pod === undefined) return [];
      return [{ podId, name: pod.member.name, ready: this.#deps.isReady(podId), term, lineage }];
    });
  }

  /** A claimant that is not ready is asked for its health at the same pace: it leads once it is. */
  #searchOn(claimants: readonly Claimant[]): void {
    const searches = this.#current.state !== 'known';
    if (searches ? this.#search.begin() : this.#search.end()) this.#sources.repace();
    this.#revival.follow(
      this.#current.state === 'none' ? claimants.filter(({ ready }) => !ready).map(({ podId }) => podId) : [],
    );
  }

  #hurry(): void {
    if (!this.#search.quicken()) return;
    this.#sources.repace();
    this.#revival.hurry();
  }

  /** A "no" where there was none before, or a claim, is what leadership is judged by; silence and errors are news of their own. */
  #noteAnswer(podId: number, { kind, before, last }: ProbeRun): void {
    const pod = this.#pods.get(podId);
    if (pod === undefined || last === null || kind === null || last.outcome === 'success') return;
    const isAnswer = last.answered && last.unclear !== true;
    if (isAnswer && (before === null || before === 'success')) return;
    this.#deps.kinds.changed({
      pod: pod.member.name,
      probe: 'leader',
      before,
      kind,
      reason: resultWords(last),
    });
  }

  #ask(): void {
    const config = this.#config;
    const now = (): BackendConfig => this.#config;
    if (!hasLeader(config)) this.#revival.follow([]);
    this.#sources.use(
      hasLeader(config)
        ? (events) =>
            createSource(config, now, events, {
              ...this.#deps,
              search: this.#search,
              failovers: this.#failovers,
            })
        : null,
      [...this.#pods.values()],
    );
    this.#deps.touch();
  }

  /** Counters exist from 0 on. */
  #showSeries(): void {
    if (!this.#inForce || this.#config.leader === null) return;
    this.#deps.metrics.leaderChanges.with(this.#config.name);
    this.#deps.metrics.leaderlessSeconds.with(this.#config.name);
  }

  #note(before: LeadershipInput): void {
    const { state, leaderId, term, reason } = this.#current;
    const { logger, metrics, clock } = this.#deps;
    this.#causes.moved(before, this.#current, this.#world, clock.nowMs());
    const leader = leaderId === null ? null : (this.#pods.get(leaderId)?.member.name ?? null);
    const fields = { backend: this.#config.name, state, leader, term, reason };
    if (state === 'known') logger.info(fields, 'leadership changed: a leader is known');
    else this.warn(state === 'conflict' ? 'two Pods claim to lead' : 'no leader is known any more');
    if (leaderId !== null) {
      if (this.#lastLeaderId !== null && this.#lastLeaderId !== leaderId)
        metrics.leaderChanges.with(this.#config.name).value++;
      this.#lastLeaderId = leaderId;
    }
    // Whoever takes over shall be found now, not a period later.
    if (before.state === 'known' && state !== 'known') this.#rounds.evidence(null);
  }
}
