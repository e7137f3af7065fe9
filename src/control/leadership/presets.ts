/** Leader probes of well-known servers, written as a user would write them under `leader` (SPEC 2). */

export const PRESET_NAMES = ['patroni', 'consul', 'vault', 'etcd', 'rqlite', 'redis'] as const;

export type PresetName = (typeof PRESET_NAMES)[number];

/** A piece of the configuration's grammar: `probe`, perhaps `learn`. */
export type LeaderPreset = Readonly<Record<string, unknown>>;

const PRESETS: Readonly<Record<PresetName, LeaderPreset>> = {
  /**
   * Patroni's REST API on its own port: GET /primary is 200 on the leader that holds the lock, 503 elsewhere
   * (docs, "REST API"; measured with 3.0.2). `/primary` and not `/leader`: that one is also 200 on a standby cluster's leader,
   * which takes no writes. The status alone is not enough: before it takes writes the new leader answers 200 with the role replica,
   * and the old one, that refuses connections already, with the state stopping. The role is `master` before Patroni 4. The port
   * is PostgreSQL's own, so there are no HTTP answers to learn from.
   */
  patroni: {
    type: 'Probe',
    probe: {
      httpGet: { path: '/primary', port: 8008 },
      expect: {
        status: [200],
        json: [
          { pointer: '/role', equals: ['primary', 'master'] },
          { pointer: '/state', equals: 'running' },
        ],
      },
    },
  },
  /**
   * GET /v1/agent/self needs agent:read where ACLs are on (give X-Consul-Token under probe.httpGet.headers); Stats are texts.
   * (/v1/status/leader names an address and so cannot tell whether the one asked is meant.)
   */
  consul: {
    type: 'Probe',
    probe: {
      httpGet: { path: '/v1/agent/self', port: 8500 },
      expect: { status: [200], json: [{ pointer: '/Stats/consul/leader', equals: 'true' }] },
    },
  },
  /**
   * Vault API, /sys/health: 200 active, 429 standby, 472 disaster-recovery secondary, 473 performance standby, 474 standby without
   * a way to the active one, 501 not initialised, 503 sealed, 530 removed. A standby that does not forward answers 307 with the active node's address.
   */
  vault: {
    type: 'Probe',
    probe: { httpGet: { path: '/v1/sys/health', port: 8200 }, expect: { status: [200] } },
    learn: [{ status: [307], location: true }],
  },
  /**
   * etcd's JSON gateway on the client port (measured with 3.4.23 and 3.7.3): leads iff leader equals its own member id; no
   * leader: no such key. Numbers above 2^53 are decimal texts.
   */
  etcd: {
    type: 'Probe',
    probe: {
      http: {
        method: 'POST',
        path: '/v3/maintenance/status',
        headers: [{ name: 'Content-Type', value: 'application/json' }],
        body: '{}',
      },
      expect: { status: [200], json: [{ pointer: '/leader', equalsPointer: '/header/member_id' }] },
      term: { json: '/raftTerm' },
    },
  },
  /**
   * rqlite, GET /status: store.raft is what hashicorp/raft's Stats() say; state is Leader on the leader, its term beside it. A follower that was told not to forward
   * (?redirect) answers 301 with the leader's address, and has executed nothing.
   */
  rqlite: {
    type: 'Probe',
    probe: {
      httpGet: { path: '/status', port: 4001 },
      expect: { status: [200], json: [{ pointer: '/store/raft/state', equals: 'Leader' }] },
      term: { json: '/store/raft/term' },
    },
    learn: [{ status: [301], location: true }],
  },
  /**
   * INFO replication answers one bulk string of lines (redis.io, INFO; measured with 7.0.15). A replica that is promoted shows the
   * replication id of its former master as `master_replid2`; one that never was shows zeros.
   */
  redis: {
    type: 'Probe',
    probe: {
      tcp: { send: 'INFO replication\r\n', reply: 'RESP', expect: { contains: '\r\nrole:master\r\n' } },
      lineage: { id: { line: 'master_replid' }, previous: { line: 'master_replid2' } },
    },
  },
};

export function leaderPreset(name: PresetName): LeaderPreset {
  return PRESETS[name];
}

export function isPresetName(name: unknown): name is PresetName {
  return typeof name === 'string' && (PRESET_NAMES as readonly string[]).includes(name);
}

/**
 * A preset with what the user gave beside it: mappings are joined key by key, anything else replaces. A request of
 * another kind (`tcp` instead of `httpGet`), or another `send`, replaces the preset's with all that belongs to its answer.
 */
export function withPreset(
  name: PresetName,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const preset = leaderPreset(name);
  const { probe } = given;
  if (!isMapping(probe) || !isMapping(preset.probe)) return join(preset, given);
  const kind = REQUEST_KINDS.find((key) => Object.hasOwn(probe, key));
  if (kind === undefined || (Object.hasOwn(preset.probe, kind) && !asksOtherwise(probe)))
    return join(preset, given);
  const dropped: readonly string[] = [
    ...REQUEST_KINDS,
    'lineage',
    ...(kind === 'tcp' ? ['expect', 'term'] : []),
  ];
  const kept = Object.fromEntries(Object.entries(preset.probe).filter(([key]) => !dropped.includes(key)));
  return join({ ...preset, probe: kept }, given);
}

/** Whether another text is sent than the preset's, so that another answer comes. */
function asksOtherwise({ tcp }: Record<string, unknown>): boolean {
  return isMapping(tcp) && Object.hasOwn(tcp, 'send');
}

const REQUEST_KINDS = ['httpGet', 'http', 'tcp'];

function join(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const joined: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = joined[key];
    joined[key] = isMapping(below) && isMapping(value) ? join(below, value) : value;
  }
  return joined;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
