import type { BackendReport, PodReport, ProbeReport } from '../control/report.ts';
import type { LastReload } from '../model/last-reload.ts';
import type { PodView } from '../model/pod.ts';
import type { BackendSnapshot, RoutingSnapshot } from '../model/snapshot.ts';
import type {
  State,
  StateBackend,
  StateLeadership,
  StateListener,
  StatePod,
  StateProbe,
  StateReload,
  StateTls,
  StateTunnels,
} from '../model/state.ts';
import type { TlsReport } from '../model/tls-report.ts';
import { moment, type Now, rfc3339, wallMoment } from './now.ts';
import type { Remembered, StateObserver } from './observer.ts';
import { findProblems } from './problems.ts';

/** What both planes and the program itself know, each from its own place. */
export interface StateParts {
  readonly version: string;
  readonly snapshot: RoutingSnapshot;
  readonly backends: readonly BackendReport[];
  readonly data: {
    readonly listeners: readonly StateListener[];
    readonly tunnels: readonly StateTunnels[];
    readonly held: Readonly<Record<string, number>>;
    readonly longestHeldMs: Readonly<Record<string, number>>;
  };
  readonly draining: boolean;
  readonly ready: State['ready'];
  readonly lastReload: LastReload | null;
}

/**
 * What `GET /state` says. What routing believes (states, leader, claimants) is taken from the snapshot that requests are routed by, so
 * that nobody is shown anything else; why it is so from those who found out.
 */
export function composeState(parts: StateParts, observer: StateObserver, now: Now): State {
  const { version, snapshot, data, draining, ready, lastReload } = parts;
  const about = {
    version,
    at: rfc3339(now.wallMs),
    started: moment(observer.startedMs, now),
    snapshot: snapshot.version,
    configHash: snapshot.configHash,
    draining,
    ready,
    lastReload: lastReload === null ? null : shownReload(lastReload, now),
  };
  const rest = {
    listeners: data.listeners,
    tunnels: data.tunnels,
    held: data.held,
    failures: observer.failures.report(),
    backends: parts.backends.map((report) => {
      const { name } = report;
      const held = { now: data.held[name] ?? 0, longestMs: Math.round(data.longestHeldMs[name] ?? 0) };
      return {
        ...composeBackend(report, snapshot.backends.get(name), observer.of(name), now),
        held,
      };
    }),
  };
  // The problems stand before what may be long.
  return { ...about, problems: findProblems({ ...about, ...rest }), ...rest };
}

function shownReload({ atMs, ...reload }: LastReload, now: Now): StateReload {
  return { ...wallMoment(atMs, now), ...reload };
}

function composeBackend(
  report: BackendReport,
  snapshot: BackendSnapshot | undefined,
  remembered: Remembered | undefined,
  now: Now,
): Omit<StateBackend, 'held'> {
  const views = new Map(snapshot?.pods.map((pod) => [pod.id, pod]));
  const { question, lastSuccessAtMs, lastAttemptAtMs, lastError, nextRefreshAtMs } = report.discovery;
  const leaderId = snapshot?.leadership.leader?.id ?? null;
  const pods = report.pods.map((pod) => composePod(pod, views.get(pod.id), leaderId, remembered, now));
  return {
    name: report.name,
    service: report.service,
    causes: report.causes,
    leadership: composeLeadership(report, snapshot, remembered, now),
    discovery: {
      question,
      lastAnswer: wallMoment(lastSuccessAtMs, now),
      lastAttempt: wallMoment(lastAttemptAtMs, now),
      lastError,
      nextRefreshAt: nextRefreshAtMs === null ? null : rfc3339(nextRefreshAtMs),
    },
    tls: report.tls.map(shownTls),
    pods: pods.sort(byOrdinalThenName),
    changes: remembered?.history.changes(now) ?? [],
  };
}

function composeLeadership(
  { leadership: report }: BackendReport,
  snapshot: BackendSnapshot | undefined,
  remembered: Remembered | undefined,
  now: Now,
): StateLeadership {
  const { highestTerm, sentinels } = report;
  const believed = snapshot?.leadership;
  return {
    state: believed?.state ?? 'none',
    leader: believed?.leader?.name ?? null,
    term: believed?.term ?? null,
    claimants: believed?.claimants ?? [],
    reason: believed?.reason ?? '',
    since: remembered === undefined ? null : moment(remembered.since.ofLeadership, now),
    highestTerm:
      highestTerm === null
        ? null
        : {
            term: highestTerm.term,
            shownBy: highestTerm.shownBy,
            since: wallMoment(highestTerm.sinceMs, now),
          },
    sentinels,
  };
}

function composePod(
  report: PodReport,
  view: PodView | undefined,
  leaderId: number | null,
  remembered: Remembered | undefined,
  now: Now,
): StatePod {
  const { id, name, addresses, port, ordinal, cause, claimsLeadership, term, lineage } = report;
  const sinceMs = remembered?.since.ofPod(id) ?? null;
  const claimsMs = claimsLeadership ? (remembered?.since.ofClaim(name) ?? null) : null;
  return {
    name,
    addresses,
    port,
    ordinal,
    state: view?.state ?? 'unready',
    reason: view?.reason ?? report.reason,
    cause,
    since: sinceMs === null ? null : moment(sinceMs, now),
    leads: id === leaderId,
    claimsLeadership,
    claimsSince: claimsMs === null ? null : moment(claimsMs, now),
    term,
    lineage,
    health: shownProbe(report.health, now),
    leaderProbe: shownProbe(report.leaderProbe, now),
  };
}

function shownProbe(report: ProbeReport | null, now: Now): StateProbe | null {
  if (report === null) return null;
  const { atMs, ok, reason, durationMs } = report;
  return { ...wallMoment(atMs, now), ok, reason, durationMs: Math.round(durationMs * 10) / 10 };
}

function shownTls({ certificate, pods, ...tls }: TlsReport): StateTls {
  const until = (notAfterMs: number | null): string | null =>
    notAfterMs === null ? null : rfc3339(notAfterMs);
  return {
    ...tls,
    certificate:
      certificate === null ? null : { file: certificate.file, validUntil: until(certificate.notAfterMs) },
    pods: pods.map(({ pod, names, notAfterMs }) => ({ pod, names, validUntil: rfc3339(notAfterMs) })),
  };
}

/** As routing lists them. */
function byOrdinalThenName(a: StatePod, b: StatePod): number {
  const [x, y] = [a.ordinal ?? -1, b.ordinal ?? -1];
  if (x !== y) return x - y;
  return a.name < b.name ? -1 : a.name === b.name ? 0 : 1;
}
