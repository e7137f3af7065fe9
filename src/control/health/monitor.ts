import type { BackendConfig } from '../../model/config.ts';
import type { PodState, PodView } from '../../model/pod.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { Timer } from '../../platform/clock.ts';
import type { PodTrouble } from '../causes/pod-groups.ts';
import { podLabel, probeTarget } from '../pod-names.ts';
import { ProbeLoop, type ProbeLoopDeps } from '../probe/probe-loop.ts';
import { failed, type ProbeResult } from '../probe/probe-result.ts';
import { ProbeRun, resultWords } from '../probe/probe-run.ts';
import type { RunProbe } from '../probe/run-probe.ts';
import type { ProbeReport } from '../report.ts';
import type { RosterPod } from '../roster.ts';
import { countFailure, countSuccess, endEjection, NOT_EJECTED } from './ejection.ts';
import { countResult, INITIAL_HEALTH, notAsked, notReady } from './thresholds.ts';

export interface MonitorDeps extends ProbeLoopDeps {
  readonly metrics: Metrics;
  readonly runProbe: RunProbe;
}

/** Watches one Pod: probes, refused data connections, failed requests. */
export class PodMonitor {
  readonly pod: RosterPod;
  readonly #deps: MonitorDeps;
  readonly #onChange: (monitor: PodMonitor, before: PodState) => void;
  #config: BackendConfig;
  #loop: ProbeLoop;
  #health = INITIAL_HEALTH;
  #ejection = NOT_EJECTED;
  #ejectionReason = '';
  #ejectionTimer: Timer | null = null;
  #state: PodState = 'unready';
  #reason = INITIAL_HEALTH.reason;
  /** The state that was told last, a doubt apart. */
  #told: PodState = 'unready';
  /** One refused connection counts between two probes: many at a time are one failure seen many times. */
  #refusalCounted = false;
  #last: ProbeReport | null = null;
  #run = new ProbeRun();
  /** Since when it is in its state (monotonic milliseconds). */
  #sinceMs: number;
  /** When a probe ended last, however (monotonic milliseconds). */
  #askedMs = 0;
  /** Since when its readiness is doubted (monotonic milliseconds), and why. */
  #doubtedMs: number | null = null;
  #doubt = '';
  /** Probes in a row without a sign of life. */
  #silent = 0;

  /**
   * Probes at once.
   * @param known another monitor of the same Pod, from whose health this one starts
   * @param onChange called whenever the state or its reason changed
   * @param probed called once: the first probe has ended, well or badly, or will not be made
   */
  constructor(
    pod: RosterPod,
    config: BackendConfig,
    deps: MonitorDeps,
    known: PodMonitor | null,
    onChange: (monitor: PodMonitor, before: PodState) => void,
    probed: () => void,
  ) {
    this.pod = pod;
    this.#config = config;
    this.#deps = deps;
    this.#onChange = onChange;
    this.#sinceMs = deps.clock.nowMs();
    if (known !== null) {
      this.#health = known.#health;
      this.#last = known.#last;
      this.#run = known.#run.copy();
      this.#askedMs = known.#askedMs;
      this.#silent = known.#silent;
      this.#judge();
      this.#told = this.#state;
      this.#sinceMs = known.#sinceMs;
    }
    this.#loop = this.#newLoop();
    this.#loop.probeNow(probed);
  }

  /** Goes on from the ejection that another monitor of the same Pod has counted meanwhile. */
  follow(known: PodMonitor): void {
    this.#ejection = known.#ejection;
    this.#ejectionReason = known.#ejectionReason;
    this.#timeEjection();
    this.#update();
  }

  get state(): PodState {
    return this.#state;
  }

  get reason(): string {
    return this.#reason;
  }

  get lastProbe(): ProbeReport | null {
    return this.#last;
  }

  view(): PodView {
    const { id, member } = this.pod;
    return {
      id,
      name: member.name,
      label: podLabel(member),
      dnsName: member.dnsName,
      ordinal: member.ordinal,
      addresses: member.addresses,
      port: member.port,
      state: this.#state,
      reason: this.#reason,
      ...(this.#isLost ? { lost: true } : {}),
      ...(this.stale ? { stale: true } : {}),
    };
  }

  /** Why it is not ready, what it said and since when; null: it is. */
  get trouble(): PodTrouble | null {
    const { name } = this.pod.member;
    const { last } = this.#run;
    const plain = { name, kind: this.#state, reason: this.#reason, said: null, sinceMs: this.#sinceMs };
    if (this.#state === 'ready') return null;
    if (this.#state !== 'unready') return plain;
    if (this.#health.ready) return { ...plain, kind: 'stale' };
    if (last === null) return { ...plain, kind: 'pending' };
    if (last.outcome === 'success') return plain;
    const { kind, sinceMs } = this.#run;
    return { name, kind: kind!, reason: last.reason, said: last.said ?? null, sinceMs };
  }

  /**
   * This process stood still: readiness of before is not believed, unless it is no older than it could be anyway. The next
   * probe decides alone.
   */
  doubt(stalledMs: number): void {
    const { clock } = this.#deps;
    const { periodMs, timeoutMs } = this.#config.health;
    const nowMs = clock.nowMs();
    if (this.pod.departed || !this.#health.ready || this.stale) return;
    if (nowMs - this.#askedMs <= periodMs + timeoutMs) return;
    this.#doubtedMs = nowMs;
    this.#doubt = `not asked again yet since the sidecar stood still for ${(stalledMs / 1000).toFixed(1)} s`;
    this.#loop.probeNow();
    this.#update();
  }

  /** Whether it is unready for nothing but a stall of this process. */
  get stale(): boolean {
    return this.#doubtedMs !== null && !this.pod.departed;
  }

  /** Takes another configuration; what is known of the Pod stays. */
  reconfigure(config: BackendConfig, healthChanged: boolean): void {
    this.#config = config;
    if (config.ejection === null) {
      this.#ejection = NOT_EJECTED;
      this.#timeEjection();
    }
    if (healthChanged && !this.pod.departed) {
      this.#loop.close();
      this.#loop = this.#newLoop();
      this.#loop.probeNow();
    }
    this.#update();
  }

  probeNow(finished?: () => void): void {
    this.#loop.probeNow(finished);
  }

  /** A data connection was refused or not accepted: a failed probe (SPEC 3), and a real one at once. */
  connectFailed(reason: string): void {
    if (this.pod.departed) return;
    if (!this.#refusalCounted) {
      this.#refusalCounted = true;
      const refused = `data connection: ${reason}`;
      this.#health = countResult(this.#health, false, refused, this.#config.health);
      this.#run.take({ ...failed('refused', refused), kind: 'data_connection' }, this.#deps.clock.nowMs());
    }
    this.#loop.probeSoon();
    this.#update();
  }

  /** @param ejected Pods ejected now. @param total Pods that have not left. */
  requestFailed(reason: string, ejected: number, total: number): void {
    const limits = this.#config.ejection;
    if (limits === null || this.pod.departed) return;
    const { clock } = this.#deps;
    this.#ejection = countFailure(this.#ejection, limits, clock.nowMs(), ejected, total);
    if (this.ejected && this.#ejectionTimer === null) {
      this.#ejectionReason = `${limits.consecutiveFailures} requests failed in a row, the last: ${reason}`;
      this.#timeEjection();
    }
    this.#update();
  }

  /** One timer as long as it is ejected, none else. */
  #timeEjection(): void {
    const { clock } = this.#deps;
    const { untilMs } = this.#ejection;
    this.#ejectionTimer?.clear();
    this.#ejectionTimer = null;
    if (untilMs === null) return;
    this.#ejectionTimer = clock.after(untilMs - clock.nowMs(), () => {
      this.#ejectionTimer = null;
      this.#ejection = endEjection(this.#ejection);
      this.#update();
    });
  }

  requestSucceeded(): void {
    this.#ejection = countSuccess(this.#ejection);
  }

  get ejected(): boolean {
    return this.#ejection.untilMs !== null;
  }

  /** The Pod has left DNS. It is probed until it is forgotten, so that nobody waits for an answer of one that is gone. */
  depart(): void {
    this.#ejectionTimer?.clear();
    this.#ejectionTimer = null;
    this.#update();
    if (this.#silent > 0) this.#loop.probeSoon();
  }

  /** It left, and `failureThreshold` probes in a row found no sign of life: a refusal or a wrong answer is one. */
  get #isLost(): boolean {
    return this.pod.departed && this.#silent >= this.#config.health.failureThreshold;
  }

  close(): void {
    this.#loop.close();
    this.#ejectionTimer?.clear();
    this.#ejectionTimer = null;
  }

  #newLoop(): ProbeLoop {
    const { health } = this.#config;
    const { runProbe } = this.#deps;
    return new ProbeLoop(
      {
        periodMs: health.periodMs,
        begin: (done) =>
          runProbe(health.probe, null, probeTarget(this.pod.member, this.#config), health.timeoutMs, done),
        onResult: (result, startedMs) => this.#count(result, startedMs),
      },
      this.#deps,
    );
  }

  #count(result: ProbeResult, startedMs: number): void {
    const { clock, metrics } = this.#deps;
    const { name } = this.#config;
    const ok = result.outcome === 'success';
    const label = metrics.podLabel(podLabel(this.pod.member));
    metrics.probes.with(name, label, 'health', result.outcome).value++;
    if (result.tls !== undefined) metrics.tlsFailures.with(name, result.tls).value++;
    const reason = resultWords(result);
    this.#last = { atMs: clock.wallMs(), ok, reason, durationMs: clock.nowMs() - startedMs };
    this.#run.take(result, clock.nowMs());
    this.#askedMs = clock.nowMs();
    if (result.outcome === 'local_error') this.#health = notAsked(this.#health, result.reason);
    else if (this.#doubtedMs === null || startedMs >= this.#doubtedMs) {
      this.#silent = result.unreachable === true ? this.#silent + 1 : 0;
      this.#refusalCounted = false;
      this.#health =
        this.#doubtedMs !== null && !ok
          ? notReady(result.reason)
          : countResult(this.#health, ok, result.reason, this.#config.health);
      this.#doubtedMs = null;
    }
    this.#update();
    // Refused, and not yet counted often enough: ask again at once rather than a period later (SPEC 3).
    if ((result.outcome === 'refused' && this.#health.ready) || this.stale) this.#loop.probeSoon();
    if (this.pod.departed && this.#silent > 0 && !this.#isLost) this.#loop.probeSoon();
  }

  #update(): void {
    const before = this.#state;
    const reasonBefore = this.#reason;
    this.#judge();
    if (before === this.#state && reasonBefore === this.#reason) return;
    const told = this.#told;
    if (!this.stale) this.#told = this.#state;
    this.#onChange(this, told);
  }

  #judge(): void {
    if (this.#isLost) this.#set('draining', `left DNS, and gives no sign of life: ${this.#last!.reason}`);
    else if (this.pod.departed) this.#set('draining', 'left DNS');
    else if (!this.#health.ready) this.#set('unready', this.#health.reason);
    else if (this.stale) this.#set('unready', this.#doubt);
    else if (this.ejected) this.#set('ejected', this.#ejectionReason);
    else this.#set('ready', this.#health.reason);
  }

  #set(state: PodState, reason: string): void {
    if (state !== this.#state) this.#sinceMs = this.#deps.clock.nowMs();
    this.#state = state;
    this.#reason = reason;
  }
}
