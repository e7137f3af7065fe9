/**
 * Presets against what real servers answer. Recorded, with the source: etcd 3.7.3, Patroni 3.0.2 and Redis 7.0.15 were run; Consul's
 * is that of 1.10, Vault's statuses are those of its API documentation (/sys/health), rqlite's are the keys of hashicorp/raft's
 * Stats() as rqlite's store.Stats() shows them (integers as numbers).
 */
import { expect, it } from 'vitest';
import type { PresetName } from '../../../src/control/leadership/presets.ts';
import { judgeAnswer } from '../../../src/control/probe/judge-answer.ts';
import { judgeText } from '../../../src/control/probe/judge-text.ts';
import type { LeaderProbeSource } from '../../../src/model/config.ts';
import { configOf, sample } from '../config/sample.ts';

function sourceOf(preset: PresetName): LeaderProbeSource {
  const { leader } = configOf(sample({ backend: { leader: { preset } } })).backends[0]!;
  return leader!.source as LeaderProbeSource;
}

/** `leads`, with the term if it has one, or why not. */
function judged(preset: PresetName, status: number, body: object | string): string {
  const source = sourceOf(preset);
  if (source.probe.type !== 'http') throw new Error('no HTTP');
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const { outcome, reason, term } = judgeAnswer(
    { status, headers: [], body: Buffer.from(text) },
    source.probe.expect,
    source,
    'probe',
  );
  return outcome === 'success' ? `leads ${term ?? ''}`.trim() : reason;
}

const PATRONI = {
  database_system_identifier: '7300000000000000001',
  timeline: 2,
  xlog: { location: 67108960 },
};

it.each([
  ['the leader', 200, { ...PATRONI, role: 'master', state: 'running' }, 'leads'],
  ['the leader of Patroni 4', 200, { ...PATRONI, role: 'primary', state: 'running' }, 'leads'],
  ['a replica', 503, { ...PATRONI, role: 'replica', state: 'running' }, 'probe answered 503'],
  [
    'the next leader, which holds the lock and is not promoted yet',
    200,
    { ...PATRONI, role: 'replica', state: 'running' },
    'probe answered 200, /role is not "primary" or "master"',
  ],
  [
    'the old leader, which refuses connections already',
    200,
    { ...PATRONI, role: 'master', state: 'stopping' },
    'probe answered 200, /state is not "running"',
  ],
  [
    'one that starts',
    200,
    { ...PATRONI, role: 'master', state: 'starting' },
    'probe answered 200, /state is not "running"',
  ],
])('patroni: %s', (_, status, body, outcome) => {
  expect(judged('patroni', status, body)).toBe(outcome);
});

const ETCD = {
  header: {
    cluster_id: '6976361439423311917',
    member_id: '9647885264232485889',
    revision: '1',
    raft_term: '2',
  },
  version: '3.7.3',
  raftIndex: '8',
  raftTerm: '2',
  raftAppliedIndex: '8',
};

it.each([
  ['the leader', { ...ETCD, leader: '9647885264232485889' }, 'leads 2'],
  [
    'a follower, whose leader has another id',
    { ...ETCD, leader: '643160425703415097' },
    'probe answered 200, /leader differs from /header/member_id',
  ],
  [
    'one that is next to the id as a double',
    { ...ETCD, leader: '9647885264232485888' },
    'probe answered 200, /leader differs from /header/member_id',
  ],
  [
    'one without a leader',
    { ...ETCD, errors: ['etcdserver: no leader'] },
    'probe answered 200, without /leader',
  ],
])('etcd: %s', (_, body, outcome) => {
  expect(judged('etcd', 200, body)).toBe(outcome);
});

const consul = (leader: string): object => ({
  Config: { Datacenter: 'dc1', NodeName: 'c-0', Server: true },
  Stats: {
    consul: {
      acl: 'disabled',
      bootstrap: 'true',
      known_datacenters: '1',
      leader,
      leader_addr: '127.0.0.1:8300',
      server: 'true',
    },
    raft: { state: leader === 'true' ? 'Leader' : 'Follower', term: '2' },
  },
});

it.each([
  ['the leader', 200, consul('true'), 'leads'],
  ['a follower', 200, consul('false'), 'probe answered 200, /Stats/consul/leader is not "true"'],
  [
    'a client agent, which has no such key',
    200,
    { Stats: { consul: { server: 'false' } } },
    'probe answered 200, without /Stats/consul/leader',
  ],
  ['one that wants a token', 403, 'Permission denied', 'probe answered 403'],
])('consul: %s', (_, status, body, outcome) => {
  expect(judged('consul', status, body)).toBe(outcome);
});

it.each([
  ['active', 200, 'leads'],
  ['standby', 429, 'probe answered 429'],
  ['disaster-recovery secondary', 472, 'probe answered 472'],
  ['performance standby', 473, 'probe answered 473'],
  ['standby without a way to the active one', 474, 'probe answered 474'],
  ['not initialized', 501, 'probe answered 501'],
  ['sealed', 503, 'probe answered 503'],
  ['removed from the cluster', 530, 'probe answered 530'],
])('vault: %s', (_, status, outcome) => {
  expect(judged('vault', status, { initialized: true, sealed: false, standby: status !== 200 })).toBe(
    outcome,
  );
});

const rqlite = (raft: object): object => ({
  store: { addr: 'r-0:4002', raft: { num_peers: 2, voter: true, ...raft } },
});

it.each([
  ['the leader', rqlite({ state: 'Leader', term: 3 }), 'leads 3'],
  [
    'the leader of an older release, which writes numbers as texts',
    rqlite({ state: 'Leader', term: '3' }),
    'leads 3',
  ],
  [
    'a follower',
    rqlite({ state: 'Follower', term: 3 }),
    'probe answered 200, /store/raft/state is not "Leader"',
  ],
  [
    'a candidate',
    rqlite({ state: 'Candidate', term: 4 }),
    'probe answered 200, /store/raft/state is not "Leader"',
  ],
  [
    'one whose store is not open',
    { store: { open: false } },
    'probe answered 200, without /store/raft/state',
  ],
])('rqlite: %s', (_, body, outcome) => {
  expect(judged('rqlite', 200, body)).toBe(outcome);
});

const ID = '8371445ee47b12d1e3b06dd71b43f1c3f9d9d8a4';
const OLD = 'c1a8f0c2c2e0b1a3e4e7d19a2b5c6d7e8f901234';
const redis = (role: string, previous: string): string => {
  const lines = [
    '# Replication',
    `role:${role}`,
    ...(role === 'slave'
      ? ['master_host:10.0.0.1', 'master_port:6379', 'master_link_status:up']
      : ['connected_slaves:2']),
    'master_failover_state:no-failover',
    `master_replid:${ID}`,
    `master_replid2:${previous}`,
    'master_repl_offset:1234',
    '',
  ].join('\r\n');
  return `$${lines.length}\r\n${lines}\r\n`;
};

it.each([
  ['a master that was never promoted', redis('master', '0'.repeat(40)), { id: ID, previous: null }],
  ['a promoted one', redis('master', OLD), { id: ID, previous: OLD }],
  ['a replica', redis('slave', '0'.repeat(40)), undefined],
  ['one that loads its data', '-LOADING Redis is loading the dataset in memory\r\n', undefined],
  ['one that wants a password', '-NOAUTH Authentication required.\r\n', undefined],
])('redis: %s', (_, answer, lineage) => {
  const source = sourceOf('redis');
  if (source.probe.type !== 'tcp') throw new Error('no tcp');
  const result = judgeText(Buffer.from(answer), source.probe, source, null);
  expect(result.outcome).toBe(lineage === undefined ? 'failure' : 'success');
  expect(result.lineage).toEqual(lineage);
});
