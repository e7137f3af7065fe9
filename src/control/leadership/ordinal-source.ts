import type { RosterPod } from '../roster.ts';
import type { Claim, ClaimEvents, ClaimSource } from './contract.ts';

/** `leader.type: Ordinal`: the Pod of one ordinal. Whether it is ready is arbitration's question. */
export function ordinalSource(
  ordinal: number,
  events: ClaimEvents,
  afterRound: (finished: () => void) => void,
): ClaimSource {
  const pods = new Map<number, RosterPod>();
  const claimOf = (podId: number): Claim | null =>
    pods.has(podId) ? { podId, term: null, lineage: null, untilMs: Number.POSITIVE_INFINITY } : null;
  return {
    knows: true,
    join(pod, _known, asked) {
      if (pod.member.ordinal === ordinal) {
        pods.set(pod.id, pod);
        events.onClaims();
      }
      asked();
    },
    leave(podId) {
      if (pods.delete(podId)) events.onClaims();
    },
    claims: () => [...pods.keys()].flatMap((podId) => claimOf(podId) ?? []),
    claim: claimOf,
    untilMs: () => Number.POSITIVE_INFINITY,
    denies: () => false,
    isSilent: () => false,
    round: (_first, finished) => afterRound(finished),
    // Who it is stands in the configuration: only whether it is ready is looked for.
    repace() {},
    lastProbe: () => null,
    probeRun: () => null,
    close: () => pods.clear(),
  };
}
