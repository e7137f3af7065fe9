import type { BackendConfig, RuleConfig } from '../../src/model/config.ts';

/** A backend `db` with SPEC 2's defaults and no leader. */
export function backendConfig(part: Partial<BackendConfig> = {}): BackendConfig {
  return {
    name: 'db',
    service: 'db.prod.svc.cluster.local',
    port: 'http',
    discovery: {
      nameservers: null,
      refreshMinMs: 1000,
      refreshMaxMs: 30_000,
      absence: 2,
      emptyHoldMs: 30_000,
      queryTimeoutMs: 2000,
      statefulSet: null,
    },
    health: {
      probe: { type: 'tcpSocket', port: null },
      periodMs: 2000,
      timeoutMs: 1000,
      failureThreshold: 3,
      successThreshold: 1,
    },
    leader: null,
    connection: { connectTimeoutMs: 1000, idleTimeoutMs: 60_000, maxPerPod: 1024, onUnready: 'Keep' },
    ejection: null,
    ...part,
  };
}

/** A Balance rule for everything. */
export function ruleConfig(part: Partial<RuleConfig> = {}): RuleConfig {
  return {
    name: 'all',
    hostnames: [],
    matches: [],
    backendRefs: [{ name: 'db', weight: 1 }],
    selection: { type: 'Balance', over: 'Ready', algorithm: 'RoundRobin' },
    timeouts: { requestMs: 0, backendRequestMs: 0 },
    retry: { attempts: 2, codes: [], backoffMs: 5, budget: null },
    ...part,
  };
}
