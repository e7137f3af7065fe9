import type { RosterPod } from '../roster.ts';
import type { Claim, ClaimEvents, ClaimSource } from './contract.ts';

/** The part of discovery's `watchAddresses` that is needed here. */
export interface DnsWatch {
  refreshSoon(): void;
  close(): void;
}

/**
 * `leader.type: DNS`: the Pod that has an address which another name resolves to. Two Pods in the answer are two claims.
 * @param watch begins to watch; hands every changed answer to the function it is given.
 */
export function dnsSource(
  watch: (onAddresses: (addresses: readonly string[]) => void) => DnsWatch,
  events: ClaimEvents,
  afterRound: (finished: () => void) => void,
): ClaimSource {
  const pods = new Map<number, RosterPod>();
  let named: ReadonlySet<string> = new Set();
  const watching = watch((addresses) => {
    named = new Set(addresses);
    events.onClaims();
  });
  return {
    join(pod) {
      pods.set(pod.id, pod);
      events.onClaims();
    },
    leave(podId) {
      if (pods.delete(podId)) events.onClaims();
    },
    claims() {
      const claims: Claim[] = [];
      for (const [podId, { member }] of pods)
        if (member.addresses.some((address) => named.has(address))) claims.push({ podId, term: null });
      return claims;
    },
    round(_first, finished) {
      watching.refreshSoon();
      afterRound(finished);
    },
    lastProbe: () => null,
    close: () => watching.close(),
  };
}
