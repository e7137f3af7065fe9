/**
 * The configuration after validation: every default filled in, durations in milliseconds (`…Ms`), sizes in bytes.
 * Plain data that survives `structuredClone`. The YAML grammar is in control/config/grammar/schema.ts (SPEC 2).
 */

/** A socket address. `host` is a literal IP (no brackets) or a name; `''` means every local address. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface NameValue {
  readonly name: string;
  readonly value: string;
}

export type JsonConstant = string | number | boolean | null;

/**
 * What a JSON answer must show: the value at `pointer` (RFC 6901) equals a constant, one of several, or the value at another
 * pointer.
 */
export type JsonExpectation =
  | { readonly pointer: string; readonly equals: JsonConstant | readonly JsonConstant[] }
  | { readonly pointer: string; readonly equalsPointer: string };

/** Conditions on an HTTP probe's answer; all that are given must hold. */
export interface Expect {
  /** Accepted statuses; null: any where `json` or `header` is given, else 200–399 (as for the kubelet). */
  readonly status: readonly number[] | null;
  readonly json: readonly JsonExpectation[];
  readonly header: NameValue | null;
}

/** How Pods are spoken to over TLS (platform/tls/options.ts). Paths are whole. */
export interface TlsConfig {
  /** Path of a PEM file; null: Node's roots. */
  readonly ca: string | null;
  /** Of our own certificate with its chain; null: none is shown. */
  readonly cert: string | null;
  /** Of its key; there is one where there is a `cert`. */
  readonly key: string | null;
  /** SNI and the name verified; null: the Pod's DNS name, or the Service's where it has none. */
  readonly serverName: string | null;
  readonly minVersion: '1.2' | '1.3';
  /** `Chain`: the name is not checked; `None`: nothing is. */
  readonly verify: 'Full' | 'Chain' | 'None';
}

/** What every probe may say of TLS. */
export interface ProbeTransport {
  /** null: plain. Absent: as the data where it goes to the data port, else plain. */
  readonly tls?: TlsConfig | null;
}

export interface HttpProbe extends ProbeTransport {
  readonly type: 'http';
  readonly method: string;
  readonly path: string;
  /** null: the Pod's data port. */
  readonly port: number | null;
  readonly headers: readonly NameValue[];
  readonly body: string | null;
  readonly expect: Expect;
  /** Values that came from the environment: nobody is shown them. */
  readonly hidden?: readonly string[];
}

/** Succeeds when the connection opens. */
export interface TcpSocketProbe extends ProbeTransport {
  readonly type: 'tcpSocket';
  readonly port: number | null;
}

/** Who a probe says it is. */
export interface Credentials {
  /** null: the server's default user. */
  readonly username: string | null;
  readonly password: string;
}

/** Sends bytes and looks whether the answer contains a text. */
export interface TcpExchangeProbe extends ProbeTransport {
  readonly type: 'tcp';
  readonly port: number | null;
  readonly send: string;
  /** What makes an answer whole, so that a wrong one fails at once: a line, or a reply of Redis. null: nobody can tell. */
  readonly reply: 'Line' | 'RESP' | null;
  /** Sent before, as Redis takes it. */
  readonly auth: Credentials | null;
  readonly expectContains: string;
  /** Values that came from the environment: nobody is shown them. */
  readonly hidden?: readonly string[];
}

export type Probe = HttpProbe | TcpSocketProbe | TcpExchangeProbe;

export interface HealthConfig {
  readonly probe: Probe;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly failureThreshold: number;
  readonly successThreshold: number;
}

/** Where a claim's term is read from. */
export type TermSource = { readonly json: string } | { readonly header: string };

/** Where an answer shows a value: at a pointer into its JSON, in a header, or behind a name and a colon in a line of its text. */
export type ValueSource = { readonly json: string } | { readonly header: string } | { readonly line: string };

/** Where a claim shows whose history its data goes on from. */
export interface LineageSource {
  readonly id: ValueSource;
  readonly previous: ValueSource;
}

/** What a claim shows besides itself. */
export interface ClaimValues {
  readonly term: TermSource | null;
  readonly lineage: LineageSource | null;
}

export interface LeaderProbeSource extends ClaimValues {
  readonly type: 'Probe';
  readonly probe: HttpProbe | TcpExchangeProbe;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly failureThreshold: number;
  readonly successThreshold: number;
  /** From one probe of a Pod to the next while no single leader is known; at most `periodMs` counts. */
  readonly searchPeriodMs: number;
}

/** Redis' Sentinels beside the probes of the Pods (docs/adr/0014). */
export interface SentinelLeaderSource {
  readonly type: 'Sentinel';
  /** Of the Sentinels: lower case, without the final dot; `''` where `static` names them. */
  readonly service: string;
  /** As a backend's. */
  readonly port: string | number;
  /** These very Sentinels, as in `DiscoveryConfig`. */
  readonly static: readonly StaticPod[] | null;
  /** The name under which they watch over the master. */
  readonly master: string;
  /** null: they want none. */
  readonly auth: Credentials | null;
  /** How the Pods themselves are asked. */
  readonly probe: LeaderProbeSource;
}

export type LeaderSource =
  | LeaderProbeSource
  | SentinelLeaderSource
  | { readonly type: 'DNS'; readonly service: string }
  | { readonly type: 'Ordinal'; readonly ordinal: number };

/** An answer that means "I do not lead; I executed nothing". All given conditions must hold. */
export interface LearnRule {
  readonly status: readonly number[];
  /** The answer must carry a Location; it names the likely leader (a hint only). */
  readonly location: boolean;
  /** A header the answer must carry; `value: null` accepts any value. */
  readonly header: { readonly name: string; readonly value: string | null } | null;
}

export interface LeaderConfig {
  readonly source: LeaderSource;
  readonly onConflict: 'Refuse' | 'HighestTerm';
  readonly learn: readonly LearnRule[];
}

/** A Pod that the configuration itself names. `address.host` is a literal IP or a DNS name, `address.port` is not 0. */
export interface StaticPod {
  readonly name: string;
  readonly address: HostPort;
}

export interface DiscoveryConfig {
  /** null: those of /etc/resolv.conf. */
  readonly nameservers: readonly HostPort[] | null;
  readonly refreshMinMs: number;
  readonly refreshMaxMs: number;
  readonly absence: number;
  readonly emptyHoldMs: number;
  readonly queryTimeoutMs: number;
  readonly statefulSet: { readonly name: string; readonly replicas: number; readonly start: number } | null;
  /** These very Pods, instead of those of a Service; null: those of the Service. */
  readonly static: readonly StaticPod[] | null;
}

export interface BackendConfig {
  readonly name: string;
  /** Lower case, without the final dot; `''` where `discovery.static` names the Pods. */
  readonly service: string;
  /** A Service port's name (SRV) or a number (A and AAAA); 0 where `discovery.static` names the Pods. */
  readonly port: string | number;
  readonly discovery: DiscoveryConfig;
  readonly health: HealthConfig;
  readonly leader: LeaderConfig | null;
  /** To the Pods; null: plain. */
  readonly tls: TlsConfig | null;
  readonly connection: {
    readonly connectTimeoutMs: number;
    readonly idleTimeoutMs: number;
    readonly maxPerPod: number;
    readonly onUnready: 'Keep' | 'Close';
  };
  readonly ejection: {
    readonly consecutiveFailures: number;
    readonly baseTimeMs: number;
    readonly maxPercent: number;
  } | null;
}

export type PathMatch = {
  readonly type: 'Exact' | 'PathPrefix' | 'RegularExpression';
  readonly value: string;
};
export type FieldMatch = {
  readonly type: 'Exact' | 'RegularExpression';
  /** Header names in lower case; query parameter names as written. */
  readonly name: string;
  readonly value: string;
};

/** One entry of `matches`: all its conditions must hold. */
export interface MatchConfig {
  readonly path: PathMatch | null;
  /** Empty: any method. */
  readonly methods: readonly string[];
  readonly headers: readonly FieldMatch[];
  readonly queryParams: readonly FieldMatch[];
}

export interface HoldConfig {
  readonly timeoutMs: number;
  readonly maxRequests: number;
  readonly maxBytes: number;
}

export type OrdinalKey =
  | { readonly from: 'pathSegment'; readonly index: number }
  | { readonly from: 'header' | 'queryParam' | 'cookie'; readonly name: string }
  | { readonly from: 'self' };

export type OrdinalMapping =
  | { readonly type: 'Exact' }
  | { readonly type: 'Modulo' | 'JumpHash'; readonly replicas: number; readonly start: number }
  | {
      readonly type: 'Range';
      readonly ranges: readonly { readonly below: string | null; readonly ordinal: number }[];
    };

export interface LeaderSelection {
  readonly type: 'Leader';
  readonly hold: HoldConfig;
  readonly onDemotion: 'Close' | 'Drain';
}

export interface OrdinalSelection {
  readonly type: 'Ordinal';
  /** A fixed ordinal, or null where `key` decides. */
  readonly ordinal: number | null;
  readonly key: OrdinalKey | null;
  readonly mapping: OrdinalMapping | null;
  readonly whenUnavailable: 'Fail' | 'Hold' | 'NextOrdinal' | 'Leader';
  readonly hold: HoldConfig;
}

export interface FanOutSelection {
  readonly type: 'FanOut';
  readonly over: 'All' | 'Followers';
  readonly respond: 'First' | 'Quorum' | 'All' | 'Merge';
  /** null: 1, for Quorum a majority of the Pods asked. */
  readonly minSuccess: number | null;
  readonly merge:
    | { readonly type: 'ConcatArrays'; readonly pointer: string }
    | { readonly type: 'JSONLines' }
    | null;
  readonly maxResponseBytes: number;
  readonly allowUnsafe: boolean;
}

export interface BalanceSelection {
  readonly type: 'Balance';
  readonly over: 'Ready' | 'Followers';
  readonly algorithm: 'LeastRequest' | 'RoundRobin' | 'Random';
}

export type Selection = LeaderSelection | OrdinalSelection | FanOutSelection | BalanceSelection;

export interface RetryConfig {
  /** Number of retries (not counting the first attempt); 0 never sends again. */
  readonly attempts: number;
  readonly codes: readonly number[];
  readonly backoffMs: number;
  readonly budget: { readonly percent: number; readonly minPerSecond: number } | null;
}

export interface RuleConfig {
  readonly name: string;
  /** Lower case; `*.` in front allowed. Empty: any host. */
  readonly hostnames: readonly string[];
  /** Empty: every request. */
  readonly matches: readonly MatchConfig[];
  readonly backendRefs: readonly { readonly name: string; readonly weight: number }[];
  readonly selection: Selection;
  /** 0: no limit. */
  readonly timeouts: { readonly requestMs: number; readonly backendRequestMs: number };
  readonly retry: RetryConfig;
}

export interface ListenerConfig {
  readonly name: string;
  readonly address: HostPort;
  readonly protocol: 'HTTP' | 'TCP';
  readonly limits: {
    readonly headBytes: number;
    readonly headers: number;
    readonly connections: number;
    /** What its fan-outs hold together: kept requests and answers. */
    readonly fanOutBytes: number;
  };
  readonly debugHeaders: boolean;
  /** `headMs` and `idleMs` are absolute; `bodyMs` is between two reads. */
  readonly timeouts: { readonly headMs: number; readonly idleMs: number; readonly bodyMs: number };
  readonly rules: readonly RuleConfig[];
}

/** Of the access log: every line, those of what failed, or none. */
export type AccessMode = boolean | 'errors';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface Config {
  readonly backends: readonly BackendConfig[];
  readonly listeners: readonly ListenerConfig[];
  /** `''` where unset. */
  readonly selfPodName: string;
  readonly admin: HostPort;
  /** null: none. */
  readonly debug: HostPort | null;
  readonly log: { readonly level: LogLevel; readonly access: AccessMode };
  /** `podLabel: false`: series of Pods are counted together. */
  readonly metrics: { readonly podLabel: boolean };
  readonly shutdownTimeoutMs: number;
}

/** One mistake in a configuration file; `line` and `column` count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** As in `listeners[0].rules[1].selection.type`; `''` for the document. */
  readonly path: string;
  readonly message: string;
}
