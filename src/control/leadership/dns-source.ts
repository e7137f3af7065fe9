import type { RosterPod } from '../roster.ts';
import type { Claim, ClaimEvents, ClaimSource } from './contract.ts';
import type { Search } from './search.ts';

/** The part of discovery's `watchAddresses` that is needed here. */
export interface DnsWatch {
  refreshSoon(): void;
  close(): void;
}

/** What such a watch tells. */
export interface DnsWatchEvents {
  /** The first answer, and every changed one. */
  onAddresses(addresses: readonly string[]): void;
  /** A look-up has ended, well or badly. */
  onLookup(): void;
}

/**
 * `leader.type: DNS`: the Pod that has an address which another name resolves to. Two Pods in the answer are two claims.
 * @param watch begins to watch, and tells the events it is given
 */
export function dnsSource(
  watch: (events: DnsWatchEvents) => DnsWatch,
  events: ClaimEvents,
  afterRound: (finished: () => void) => void,
  search: Search,
): ClaimSource {
  const pods = new Map<number, RosterPod>();
  let named: ReadonlySet<string> | null = null;
  let lookedUp = false;
  let waiting: (() => void)[] = [];
  const release = (): void => {
    lookedUp = true;
    const asked = waiting;
    waiting = [];
    for (const call of asked) call();
  };
  const watching = watch({
    onAddresses(addresses) {
      named = new Set(addresses);
      events.onClaims();
    },
    onLookup() {
      release();
      // As often as `refresh.min` allows.
      if (search.isOn) watching.refreshSoon();
    },
  });
  return {
    get knows() {
      return named !== null;
    },
    join(pod, _known, asked) {
      pods.set(pod.id, pod);
      events.onClaims();
      if (lookedUp) asked();
      else waiting.push(asked);
    },
    leave(podId) {
      if (pods.delete(podId)) events.onClaims();
    },
    claims() {
      const claims: Claim[] = [];
      for (const [podId, { member }] of pods)
        if (member.addresses.some((address) => named?.has(address)))
          claims.push({ podId, term: null, lineage: null, untilMs: Number.POSITIVE_INFINITY });
      return claims;
    },
    denies: () => false,
    round(_first, finished) {
      watching.refreshSoon();
      afterRound(finished);
    },
    repace() {
      if (search.isOn) watching.refreshSoon();
    },
    lastProbe: () => null,
    close() {
      watching.close();
      release();
    },
  };
}
