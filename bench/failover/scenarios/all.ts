import type { Scenario } from '../scenario.ts';
import { ETCD_KILL, ETCD_LOAD } from './etcd.ts';
import { PATRONI_KILL, PATRONI_SWITCHOVER } from './patroni.ts';
import { RAFT_FROZEN, RAFT_KILL } from './raft.ts';
import { REDIS_KILL, REDIS_KILL_NEW, REDIS_PLANNED } from './redis.ts';

export const SCENARIOS: readonly Scenario[] = [
  RAFT_KILL,
  ETCD_KILL,
  RAFT_FROZEN,
  REDIS_PLANNED,
  REDIS_KILL,
  REDIS_KILL_NEW,
  PATRONI_SWITCHOVER,
  PATRONI_KILL,
  ETCD_LOAD,
];
