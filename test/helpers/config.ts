import type { BackendConfig, Config, ListenerConfig, RuleConfig } from '../../src/model/config.ts';

/** A backend `db` with SPEC 2's defaults (test/control/config/grammar.test.ts holds it to them) and no leader. */
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
      static: null,
    },
    health: {
      probe: { type: 'tcpSocket', port: null },
      periodMs: 2000,
      timeoutMs: 1000,
      failureThreshold: 3,
      successThreshold: 1,
    },
    leader: null,
    tls: null,
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

/** An HTTP listener `db` on a free port of 127.0.0.1, with SPEC 2's defaults and no rules. */
export function listenerConfig(part: Partial<ListenerConfig> = {}): ListenerConfig {
  return {
    name: 'db',
    address: { host: '127.0.0.1', port: 0 },
    protocol: 'HTTP',
    limits: { headBytes: 65_536, headers: 100, connections: 10_000, fanOutBytes: 67_108_864 },
    debugHeaders: false,
    timeouts: { headMs: 10_000, idleMs: 75_000, bodyMs: 30_000 },
    rules: [],
    ...part,
  };
}

/** A configuration with SPEC 2's defaults, without backends and listeners. */
export function configWith(part: Partial<Config> = {}): Config {
  return {
    backends: [],
    listeners: [],
    selfPodName: '',
    admin: { host: '', port: 9180 },
    debug: { host: '127.0.0.1', port: 9181 },
    log: { level: 'info', access: false },
    metrics: { podLabel: true },
    shutdownTimeoutMs: 25_000,
    ...part,
  };
}
