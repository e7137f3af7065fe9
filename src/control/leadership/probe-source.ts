import type { BackendConfig, LeaderProbeSource } from '../../model/config.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { Timer } from '../../platform/clock.ts';
import { podLabel, probeTarget } from '../pod-names.ts';
import { sameLineage } from '../probe/lineage.ts';
import { ProbeLoop, type ProbeLoopDeps } from '../probe/probe-loop.ts';
import type { ProbeResult } from '../probe/probe-result.ts';
import { ProbeRun, resultWords } from '../probe/probe-run.ts';
import type { RunProbe } from '../probe/run-probe.ts';
import type { ProbeReport } from '../report.ts';
import type { RosterPod } from '../roster.ts';
import { type ClaimState, claimFrom, countClaim, NO_CLAIM } from './claim.ts';
import type { Claim, ClaimEvents, ClaimSource } from './contract.ts';
import type { Search } from './search.ts';

export interface ProbeSourceDeps extends ProbeLoopDeps {
  readonly metrics: Metrics;
  readonly runProbe: RunProbe;
  readonly search: Search;
}

interface Watched {
  readonly loop: ProbeLoop;
  claim: ClaimState;
  last: ProbeReport | null;
  readonly run: ProbeRun;
  /** Its last answer was that it does not lead. */
  denies: boolean;
  /** It did not answer the last probe, or was not asked yet. */
  silent: boolean;
  /** When the claim ends by itself, should probes be late or slow: D after the start of the last that showed it. */
  untilMs: number;
  lapse: Timer | null;
}

/**
 * `leader.type: Probe`: asks every Pod whether it leads.
 *
 * While nobody leads each Pod is asked at the pace of the search, however long another takes to answer.
 *
 * The bound of promise 4, D = period × failureThreshold + timeout, holds by two means: probes begin a period (never more)
 * after one another, and a claim ends by itself D after the start of the last probe that showed it, even if probes are
 * slower than the period. One taken over from an earlier source ends when it would have ended there, at the latest D from
 * now.
 *
 * @param now the backend as it is now: a reload may change it
 */
export function probeSource(
  now: () => BackendConfig,
  source: LeaderProbeSource,
  events: ClaimEvents,
  deps: ProbeSourceDeps,
): ClaimSource {
  const { clock, metrics } = deps;
  const boundMs = source.periodMs * source.failureThreshold + source.timeoutMs;
  const pods = new Map<number, Watched>();

  const set = (podId: number, watched: Watched, claim: ClaimState): void => {
    const before = watched.claim;
    watched.claim = claim;
    if (claim.row > 0 && before.row === 0 && !before.believed) events.onNewClaim(podId);
    if (
      claim.believed !== before.believed ||
      claim.term !== before.term ||
      !sameLineage(claim.lineage, before.lineage)
    )
      events.onClaims();
  };

  const endAt = (podId: number, watched: Watched, untilMs: number): void => {
    watched.lapse?.clear();
    watched.untilMs = untilMs;
    watched.lapse = clock.after(untilMs - clock.nowMs(), () => set(podId, watched, NO_CLAIM));
  };

  const count = (pod: RosterPod, watched: Watched, result: ProbeResult, startedMs: number): void => {
    const label = metrics.podLabel(podLabel(pod.member));
    metrics.probes.with(now().name, label, 'leader', result.outcome).value++;
    if (result.tls !== undefined) metrics.tlsFailures.with(now().name, result.tls).value++;
    watched.last = {
      atMs: clock.wallMs(),
      ok: result.outcome === 'success',
      reason: resultWords(result),
      durationMs: clock.nowMs() - startedMs,
    };
    if (watched.run.take(result, clock.nowMs())) events.onOtherAnswer(pod.id, watched.run);
    const claim = countClaim(watched.claim, result, source);
    if (result.answered) {
      const denies = result.outcome !== 'success' && result.unclear !== true;
      if (denies !== watched.denies) events.onClaims();
      watched.denies = denies;
    }
    if (result.outcome !== 'local_error' && result.answered === watched.silent) {
      watched.silent = !result.answered;
      events.onClaims();
    }
    if (result.outcome === 'success') endAt(pod.id, watched, startedMs + boundMs);
    else if (claim === NO_CLAIM) watched.lapse?.clear();
    set(pod.id, watched, claim);
  };

  const claimOf = (podId: number): Claim | null => {
    const watched = pods.get(podId);
    if (watched === undefined || !watched.claim.believed) return null;
    const { claim, untilMs } = watched;
    // Over by its age, although its timer is late, or the probe that showed it was.
    if (untilMs <= clock.nowMs()) return null;
    return { podId, term: claim.term, lineage: claim.lineage, untilMs };
  };

  return {
    knows: true,
    join(pod, known, asked) {
      const loop = new ProbeLoop(
        {
          periodMs: source.periodMs,
          paceMs: () => deps.search.periodMs(source.searchPeriodMs, source.periodMs, pods.size),
          begin: (done) =>
            deps.runProbe(source.probe, source, probeTarget(pod.member, now()), source.timeoutMs, done),
          onResult: (result, startedMs) => count(pod, watched, result, startedMs),
        },
        deps,
      );
      const watched: Watched = {
        loop,
        claim: NO_CLAIM,
        last: known?.lastProbe ?? null,
        run: new ProbeRun(),
        denies: false,
        silent: true,
        untilMs: 0,
        lapse: null,
      };
      if (known !== null && known.claim !== null) {
        watched.claim = claimFrom(known.claim);
        endAt(pod.id, watched, Math.min(known.claim.untilMs, clock.nowMs() + boundMs));
      }
      pods.set(pod.id, watched);
      loop.probeNow(asked);
    },
    leave(podId) {
      const watched = pods.get(podId);
      if (watched === undefined) return;
      pods.delete(podId);
      watched.lapse?.clear();
      watched.loop.close();
      events.onClaims();
    },
    claims: () => [...pods.keys()].flatMap((podId) => claimOf(podId) ?? []),
    claim: claimOf,
    untilMs: (podId) => pods.get(podId)?.untilMs ?? Number.POSITIVE_INFINITY,
    denies: (podId) => pods.get(podId)?.denies ?? false,
    isSilent: (podId) => pods.get(podId)?.silent ?? true,
    round(first, finished) {
      const order = [...pods.keys()].sort((a, b) => Number(first.has(b)) - Number(first.has(a)));
      let open = order.length;
      if (open === 0) finished();
      const ended = (): void => {
        if (--open === 0) finished();
      };
      for (const podId of order) pods.get(podId)!.loop.probeNow(ended);
    },
    repace() {
      for (const { loop } of pods.values()) loop.repace();
    },
    lastProbe: (podId) => pods.get(podId)?.last ?? null,
    probeRun: (podId) => pods.get(podId)?.run ?? null,
    close() {
      for (const { loop, lapse } of pods.values()) {
        lapse?.clear();
        loop.close();
      }
      pods.clear();
    },
  };
}
