/** A Pod as DNS or the configuration shows it, after validation and absence hysteresis. */
export interface Member {
  /** Stable key: name (or address) and port. */
  readonly key: string;
  /** `db-0`, or the address where nothing names it. */
  readonly name: string;
  /** Whether `name` is a name (from SRV, PTR, statefulSet or static) rather than an address. */
  readonly named: boolean;
  /** Full DNS name, or the address. */
  readonly dnsName: string;
  readonly ordinal: number;
  /** Never empty. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Other Pods may be at the same DNS name and address: its port tells it from them (`discovery.static`). */
  readonly sharesHost?: true;
}

/** What is wrong with look-ups. */
export interface LookupTrouble {
  /** How it fails: `nxdomain`, `empty`, `servfail`, `refused`, `timeout`, …; `partial`: some name of several; `pending`: none has ended yet. */
  readonly kind: string;
  readonly text: string;
  /** Since when without a break it fails in this way (monotonic milliseconds). */
  readonly sinceMs: number;
}

/** What `/state` shows of a discovery. Times are wall-clock milliseconds. */
export interface DiscoveryReport {
  readonly lastSuccessAtMs: number | null;
  readonly lastAttemptAtMs: number | null;
  /** The last failure in words, or null if the last look-up succeeded. */
  readonly lastError: string | null;
  readonly nextRefreshAtMs: number | null;
  /** e.g. `SRV _http._tcp.db.prod.svc.cluster.local.` */
  readonly question: string;
}

/**
 * Asks who the members of one backend are. What is believed is the backend's `Membership`, which outlives this asker.
 * Guarantees: `onMembers` is called only on a change, with the whole set; a failed look-up changes nothing; queries never
 * stop until `close`.
 */
export interface Discovery {
  start(): void;
  /** Asks again now (rate-limited by `refresh.min`). */
  refreshSoon(): void;
  report(): DiscoveryReport;
  /** What is wrong with the look-ups now; null: nothing. */
  trouble(): LookupTrouble | null;
  close(): void;
}

export interface DiscoveryEvents {
  onMembers(members: readonly Member[]): void;
  /** Once: the first look-up has ended, well or badly, or has shown a Pod. */
  onAsked(): void;
  /** A round has ended, after what it changed was told. @param whole false: it failed and says nothing */
  onRound(whole: boolean): void;
}
