import type { LeaderProbeSource } from '../../model/config.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { Timer } from '../../platform/clock.ts';
import { ProbeLoop, type ProbeLoopDeps } from '../health/probe-loop.ts';
import type { ProbeResult } from '../health/probe-result.ts';
import type { RunProbe } from '../health/run-probe.ts';
import { podLabel, probeTarget } from '../pod-names.ts';
import type { ProbeReport } from '../report.ts';
import type { RosterPod } from '../roster.ts';
import { type ClaimState, countClaim, NO_CLAIM } from './claim.ts';
import type { Claim, ClaimEvents, ClaimSource } from './contract.ts';

export interface ProbeSourceDeps extends ProbeLoopDeps {
  readonly metrics: Metrics;
  readonly runProbe: RunProbe;
}

interface Watched {
  readonly loop: ProbeLoop;
  claim: ClaimState;
  last: ProbeReport | null;
  /** Ends the claim D after the start of the last probe that showed it, should probes be late or slow. */
  lapse: Timer | null;
}

/**
 * `leader.type: Probe`: asks every Pod whether it leads.
 *
 * The bound of promise 4, D = period × failureThreshold + timeout, holds by two means: probes begin a period (never more)
 * after one another, and a claim ends by itself D after the start of the last probe that showed it, even if probes are
 * slower than the period.
 */
export function probeSource(
  backend: string,
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
    if (claim.believed !== before.believed || claim.term !== before.term) events.onClaims();
  };

  const count = (pod: RosterPod, watched: Watched, result: ProbeResult, startedMs: number): void => {
    metrics.probes.with(backend, podLabel(pod.member), 'leader', result.outcome).value++;
    watched.last = {
      atMs: clock.wallMs(),
      ok: result.outcome === 'success',
      reason: result.reason,
      durationMs: clock.nowMs() - startedMs,
    };
    const claim = countClaim(watched.claim, result, source);
    if (result.outcome === 'success' || claim === NO_CLAIM) watched.lapse?.clear();
    if (result.outcome === 'success')
      watched.lapse = clock.after(startedMs + boundMs - clock.nowMs(), () => set(pod.id, watched, NO_CLAIM));
    set(pod.id, watched, claim);
  };

  return {
    join(pod) {
      const loop = new ProbeLoop(
        {
          periodMs: source.periodMs,
          begin: (done) =>
            deps.runProbe(source.probe, source.term, probeTarget(pod.member), source.timeoutMs, done),
          onResult: (result, startedMs) => count(pod, watched, result, startedMs),
        },
        deps,
      );
      const watched: Watched = { loop, claim: NO_CLAIM, last: null, lapse: null };
      pods.set(pod.id, watched);
      loop.probeNow();
    },
    leave(podId) {
      const watched = pods.get(podId);
      if (watched === undefined) return;
      pods.delete(podId);
      watched.lapse?.clear();
      watched.loop.close();
      events.onClaims();
    },
    claims() {
      const claims: Claim[] = [];
      for (const [podId, { claim }] of pods) if (claim.believed) claims.push({ podId, term: claim.term });
      return claims;
    },
    round(first, finished) {
      const order = [...pods.keys()].sort((a, b) => Number(first.has(b)) - Number(first.has(a)));
      let open = order.length;
      if (open === 0) finished();
      const ended = (): void => {
        if (--open === 0) finished();
      };
      for (const podId of order) pods.get(podId)!.loop.probeNow(ended);
    },
    lastProbe: (podId) => pods.get(podId)?.last ?? null,
    close() {
      for (const { loop, lapse } of pods.values()) {
        lapse?.clear();
        loop.close();
      }
      pods.clear();
    },
  };
}
