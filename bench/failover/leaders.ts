/** How headroute is told to find the leader of each kind of store: `leader` of its backend. Timers are the defaults. */

export const RAFT_STORE_LEADER = {
  type: 'Probe',
  probe: { httpGet: { path: '/leader' }, expect: { status: [200] }, term: { json: '/term' } },
  learn: [{ status: 421 }],
};

export const ETCD_LEADER = { type: 'Probe', preset: 'etcd' };

export const SENTINELS = { service: 'sentinel.prod.svc.cluster.local', port: 'sentinel', master: 'mymaster' };

export const REDIS_LEADER = { type: 'Sentinel', sentinel: SENTINELS };

export const patroniLeader = (restPort: number): object => ({
  type: 'Probe',
  preset: 'patroni',
  probe: { httpGet: { port: restPort } },
});
