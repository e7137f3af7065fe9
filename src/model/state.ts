import type { ShownCause } from './cause.ts';

/** A moment as `/state` shows it: RFC 3339 for people and logs, its age for whoever compares. */
export interface Moment {
  /** `2026-05-01T12:34:56.789Z`, by the clock on the wall. */
  readonly at: string;
  /** How long ago that is, by the clock that never jumps. */
  readonly ageMs: number;
}

/** What `GET /state` answers (SPEC 4): the page and `headroute status` are drawn from it alone. */
export interface State {
  /** Of the program. */
  readonly version: string;
  /** When this was said. */
  readonly at: string;
  readonly started: Moment;
  /** Number of the snapshot that requests are routed by. */
  readonly snapshot: number;
  readonly configHash: string;
  readonly draining: boolean;
  /** What `/readyz` says, and why. */
  readonly ready: { readonly ok: boolean; readonly reason: string };
  /** What is wrong now, the worst first; empty: nothing is known to be. */
  readonly problems: readonly StateProblem[];
  /** The last time that the configuration was read because it had changed; null: not since the start. */
  readonly lastReload: StateReload | null;
  readonly listeners: readonly StateListener[];
  /** Open upgrades and TCP connections. */
  readonly tunnels: readonly StateTunnels[];
  /** How many requests and connections wait, by backend. */
  readonly held: Readonly<Record<string, number>>;
  /** headroute's own failures since the start, the most frequent of the last ten minutes first. */
  readonly failures: readonly StateFailure[];
  readonly backends: readonly StateBackend[];
}

/** Something that a person may have to do something about. */
export interface StateProblem {
  /** `error`: some requests cannot be served. `warning`: they are, but something is not as it should be. */
  readonly severity: 'error' | 'warning';
  /** A word for programs. */
  readonly kind:
    | 'draining'
    | 'starting'
    | 'reload_refused'
    | 'no_pod'
    | 'no_pod_ready'
    | 'no_leader'
    | 'leader_conflict'
    | 'held'
    | 'pods_unready'
    | 'dns_failing'
    | 'tls_files'
    | 'tls_unverified'
    | 'certificate_ends';
  readonly backend: string | null;
  /** Names of the first few Pods that it is about. */
  readonly pods: readonly string[];
  /** One sentence without an age. */
  readonly text: string;
  readonly since: Moment | null;
}

export interface StateReload extends Moment {
  readonly ok: boolean;
  /** Why it was refused, a line each as `headroute check` prints them; empty where it took effect. */
  readonly problems: readonly string[];
  /** What it added, removed and changed, by name; empty where it was refused. */
  readonly changes: readonly string[];
}

export interface StateListener {
  readonly name: string;
  readonly port: number;
  readonly connections: number;
  /** What its fan-outs hold now. */
  readonly fanOutBytes: number;
  /** Removed by a reload; its connections are finishing. */
  readonly draining: boolean;
}

export interface StateTunnels {
  readonly listener: string;
  readonly backend: string;
  readonly rule: string;
  readonly open: number;
  /** Of these, how many wait to be cut because their backend or listener was removed. */
  readonly draining: number;
}

export interface StateFailure {
  /** As in the problem document, and `client_gone`. */
  readonly failure: string;
  readonly total: number;
  /** Of the total, those of about the last ten minutes. */
  readonly lastTenMinutes: number;
  /** The rules that had the most of them. */
  readonly rules: readonly { readonly rule: string; readonly total: number }[];
}

export interface StateBackend {
  readonly name: string;
  readonly service: string;
  /** What is wrong with it, the likeliest first, as `/explain` tells it; empty: nothing is known to be. */
  readonly causes: readonly ShownCause[];
  readonly leadership: StateLeadership;
  readonly discovery: StateDiscovery;
  readonly held: StateHeld;
  /** Each way in which its Pods are spoken to over TLS; empty: plain. */
  readonly tls: readonly StateTls[];
  readonly pods: readonly StatePod[];
  /** The last ten minutes, oldest first: what was true from each moment to the next. The first may be older. */
  readonly changes: readonly StateChange[];
}

export interface StateLeadership {
  readonly state: 'known' | 'none' | 'conflict' | 'unconfigured';
  readonly leader: string | null;
  readonly term: string | null;
  readonly claimants: readonly string[];
  readonly reason: string;
  /** Since when that state lasts and that Pod leads. */
  readonly since: Moment | null;
  /** A claim with a lower one is not believed. `shownBy`: the Pod that showed it first. */
  readonly highestTerm: {
    readonly term: string;
    readonly shownBy: string;
    readonly since: Moment;
  } | null;
  /** What Sentinels say, in words; null: none is listened to. */
  readonly sentinels: string | null;
}

export interface StateDiscovery {
  /** e.g. `SRV _http._tcp.db.prod.svc.cluster.local.` */
  readonly question: string;
  readonly lastAnswer: Moment | null;
  readonly lastAttempt: Moment | null;
  /** Of the last look-up; null: it succeeded. */
  readonly lastError: string | null;
  /** RFC 3339; null: none is due. */
  readonly nextRefreshAt: string | null;
}

export interface StateHeld {
  readonly now: number;
  /** How long the one that waits longest has waited; 0: none waits. */
  readonly longestMs: number;
}

/** One `tls` of a backend. */
export interface StateTls {
  /** Where it stands under the backend: `tls`, `health.tls` or `leader.probe.tls`. */
  readonly at: string;
  readonly verify: 'Full' | 'Chain' | 'None';
  readonly serverName: string | null;
  readonly minVersion: string;
  readonly ca: string | null;
  /** Our own; null: none is shown to Pods. `validUntil`: RFC 3339; null: it is not known. */
  readonly certificate: { readonly file: string; readonly validUntil: string | null } | null;
  /** Why the files cannot be used as they are now; null: they are in force. */
  readonly problem: string | null;
  /** What the Pods have shown last. */
  readonly pods: readonly {
    readonly pod: string;
    readonly names: readonly string[];
    readonly validUntil: string;
  }[];
}

/** The last answer of a Pod to a probe. */
export interface StateProbe extends Moment {
  readonly ok: boolean;
  readonly reason: string;
  readonly durationMs: number;
}

export interface StatePod {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly ordinal: number | null;
  readonly state: 'ready' | 'unready' | 'ejected' | 'draining';
  /** Why it is in that state. */
  readonly reason: string;
  /** Why it is not ready, with what it said; null: it is. */
  readonly cause: ShownCause | null;
  readonly since: Moment | null;
  readonly leads: boolean;
  readonly claimsLeadership: boolean;
  readonly claimsSince: Moment | null;
  readonly term: string | null;
  /** Of its claim: the id of its data's history and that of the one it followed; `previous` null: it was never promoted. */
  readonly lineage: { readonly id: string; readonly previous: string | null } | null;
  readonly health: StateProbe | null;
  readonly leaderProbe: StateProbe | null;
}

/** What was true of a backend from that moment on. */
export interface StateChange extends Moment {
  readonly leadership: StateLeadership['state'];
  readonly leader: string | null;
  readonly term: string | null;
  /** The first few of those that claimed. */
  readonly claimants: readonly string[];
  readonly ready: number;
  readonly pods: number;
  /** Most that waited at a time from then on. */
  readonly held: number;
}
