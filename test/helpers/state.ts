import type { ShownCause } from '../../src/model/cause.ts';
import type { Moment, State, StateBackend, StatePod } from '../../src/model/state.ts';

const WALL_MS = 1_700_000_000_000;

/** A moment so many milliseconds before the state was told. */
export function ago(ageMs: number): Moment {
  return { at: new Date(WALL_MS - ageMs).toISOString(), ageMs };
}

/** As the sidecar finds it. */
export function cause(
  area: ShownCause['area'],
  text: string,
  ageMs: number,
  pods: readonly string[] = [],
): ShownCause {
  return { area, kind: 'refused', text, pods, podCount: pods.length, ageMs, words: `${text}, for a while` };
}

/** A ready Pod `db-0` that nobody asks whether it leads. */
export function pod(part: Partial<StatePod> = {}): StatePod {
  return {
    name: 'db-0',
    addresses: ['10.0.0.1'],
    port: 5432,
    ordinal: 0,
    state: 'ready',
    reason: 'connection accepted',
    cause: null,
    since: ago(90_000),
    leads: false,
    claimsLeadership: false,
    claimsSince: null,
    term: null,
    lineage: null,
    health: { ...ago(500), ok: true, reason: 'connection accepted', durationMs: 1.2 },
    leaderProbe: null,
    ...part,
  };
}

/** A backend `db` with one Pod, without a leader. */
export function backend(
  part: Partial<Omit<StateBackend, 'leadership' | 'discovery'>> & {
    leadership?: Partial<StateBackend['leadership']>;
    discovery?: Partial<StateBackend['discovery']>;
  } = {},
): StateBackend {
  return {
    name: 'db',
    service: 'db.prod.svc.cluster.local',
    held: { now: 0, longestMs: 0 },
    causes: [],
    tls: [],
    pods: [pod()],
    changes: [],
    ...part,
    leadership: {
      state: 'unconfigured',
      leader: null,
      term: null,
      claimants: [],
      reason: 'the backend has no leader configured',
      since: null,
      highestTerm: null,
      sentinels: null,
      ...part.leadership,
    },
    discovery: {
      question: 'SRV _http._tcp.db.prod.svc.cluster.local.',
      lastAnswer: ago(3000),
      lastAttempt: ago(3000),
      lastError: null,
      nextRefreshAt: null,
      ...part.discovery,
    },
  };
}

/** A sidecar where all is well, one backend `db`; its problems are those given. */
export function state(part: Partial<State> = {}): State {
  return {
    version: '1.2.3',
    at: new Date(WALL_MS).toISOString(),
    started: ago(3_600_000),
    snapshot: 7,
    configHash: '0123456789abcdef',
    draining: false,
    ready: { ok: true, reason: 'all is well' },
    problems: [],
    lastReload: null,
    listeners: [{ name: 'app', port: 8080, connections: 2, fanOutBytes: 0, draining: false }],
    tunnels: [],
    held: { db: 0 },
    failures: [],
    backends: [backend()],
    ...part,
  };
}
