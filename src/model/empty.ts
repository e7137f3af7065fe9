import type { Config } from './config.ts';
import type { RoutingSnapshot } from './snapshot.ts';

/** The snapshot before the first look-up: the configuration's listeners are not in it yet and no backend has a Pod. */
export function emptySnapshot(config: Config, configHash: string): RoutingSnapshot {
  return { version: 0, config, configHash, backends: new Map(), listeners: [] };
}
