import type { Scenario } from '../scenario.ts';
import { ETCD_KILL, ETCD_LOAD } from './etcd.ts';
import { RAFT_FROZEN, RAFT_KILL } from './raft.ts';

export const SCENARIOS: readonly Scenario[] = [RAFT_KILL, RAFT_FROZEN, ETCD_KILL, ETCD_LOAD];
