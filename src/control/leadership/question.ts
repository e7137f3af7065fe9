import { isDeepStrictEqual } from 'node:util';
import type { BackendConfig, LeaderConfig } from '../../model/config.ts';

/** Whether anybody is asked who leads. */
export function hasLeader(config: BackendConfig): config is BackendConfig & { leader: LeaderConfig } {
  return config.leader !== null;
}

/** As Sentinels call it; null: none is listened to. */
export function masterOf({ leader }: BackendConfig): string | null {
  return leader?.source.type === 'Sentinel' ? leader.source.master : null;
}

/** Whether the source in force asks just what another configuration wants to be asked. */
export function sameQuestion(before: BackendConfig, after: BackendConfig): boolean {
  if (!isDeepStrictEqual(before.leader?.source, after.leader?.source)) return false;
  // Name servers are asked as `discovery` says, and counted under the backend's name.
  const type = after.leader?.source.type;
  return (
    (type !== 'DNS' && type !== 'Sentinel') ||
    (before.name === after.name && isDeepStrictEqual(before.discovery, after.discovery))
  );
}
