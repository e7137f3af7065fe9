/** `draining`: left DNS, gets nothing new, requests in flight finish. `ejected`: failed too many data requests in a row. */
export type PodState = 'ready' | 'unready' | 'ejected' | 'draining';

/** A Pod as routing sees it. A value: a change of state is a new object with the same `id`. */
export interface PodView {
  /** Identity within this process. A Pod that left and came back, or whose addresses were all replaced, gets a new one. */
  readonly id: number;
  /** The name shown to people: `db-0`, or the address where the Pod has no stable name. */
  readonly name: string;
  /** The `pod` label of metrics: the Pod's name, `''` where it has no stable one (never an address). */
  readonly label: string;
  /** DNS name for probes' Host; the address where there is none. */
  readonly dnsName: string;
  /** n of `<name>-<n>`, or -1. */
  readonly ordinal: number;
  /** One or two literal IPs (A and AAAA of one target), preferred first. Never empty. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly state: PodState;
  /**
   * Unready only because this process stood still since it was asked last: it is asked again, and gets nothing new until it
   * answers. What is open to it stays.
   */
  readonly stale?: true;
  /** Why it is in that state, in words. */
  readonly reason: string;
  /** Draining, and its probes find no sign of life any more: what is still open to it is reset. */
  readonly lost?: true;
}
