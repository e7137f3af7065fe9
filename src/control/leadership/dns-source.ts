import type { LookupTrouble } from '../discovery/contract.ts';
import type { RosterPod } from '../roster.ts';
import type { Claim, ClaimEvents, ClaimSource } from './contract.ts';
import type { Search } from './search.ts';

/** The part of discovery's `watchAddresses` that is needed here. */
export interface DnsWatch {
  refreshSoon(): void;
  /** What is wrong with the look-ups; null: nothing. */
  trouble(): LookupTrouble | null;
  close(): void;
}

/** What such a watch tells. */
export interface DnsWatchEvents {
  /** The first answer, and every changed one. */
  onAddresses(addresses: readonly string[]): void;
  /** A look-up has ended. @param answered it was not one that failed */
  onLookup(answered: boolean): void;
}

/**
 * `leader.type: DNS`: the Pod that has an address which another name resolves to. Two Pods in the answer are two claims.
 *
 * The address of a Pod that left may be given to another one before the name says who leads now. An answer from before is about the Pod that had the
 * address then: it is no claim of the other.
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
  /** Addresses of Pods that left, and how many answers must come before they are believed of others. */
  const vacated = new Map<string, number>();
  let lookedUp = false;
  let waiting: (() => void)[] = [];
  const release = (): void => {
    lookedUp = true;
    const asked = waiting;
    waiting = [];
    for (const call of asked) call();
  };
  const forgetVacated = (): void => {
    let changed = false;
    for (const [address, answers] of vacated)
      if (answers > 1) vacated.set(address, answers - 1);
      else changed = vacated.delete(address);
    if (changed) events.onClaims();
  };
  const watching = watch({
    onAddresses(addresses) {
      named = new Set(addresses);
      events.onClaims();
    },
    onLookup(answered) {
      if (answered) forgetVacated();
      release();
      // As often as `refresh.min` allows.
      if (search.isOn) watching.refreshSoon();
    },
  });
  const claimOf = (podId: number): Claim | null => {
    const isNamed = pods
      .get(podId)
      ?.member.addresses.some((address) => named?.has(address) && !vacated.has(address));
    return isNamed === true ? { podId, term: null, lineage: null, untilMs: Number.POSITIVE_INFINITY } : null;
  };
  return {
    get knows() {
      return named !== null;
    },
    join(pod, _known, asked) {
      pods.set(pod.id, pod);
      if (pod.member.addresses.some((address) => vacated.has(address))) watching.refreshSoon();
      events.onClaims();
      if (lookedUp) asked();
      else waiting.push(asked);
    },
    leave(podId) {
      const pod = pods.get(podId);
      if (pod === undefined) return;
      pods.delete(podId);
      // One look-up may be under way already.
      for (const address of pod.member.addresses) vacated.set(address, 2);
      events.onClaims();
    },
    claims: () => [...pods.keys()].flatMap((podId) => claimOf(podId) ?? []),
    claim: claimOf,
    untilMs: () => Number.POSITIVE_INFINITY,
    denies: () => false,
    isSilent: () => false,
    round(_first, finished) {
      watching.refreshSoon();
      afterRound(finished);
    },
    repace() {
      if (search.isOn) watching.refreshSoon();
    },
    lastProbe: () => null,
    probeRun: () => null,
    trouble: () => watching.trouble(),
    close() {
      watching.close();
      release();
    },
  };
}
