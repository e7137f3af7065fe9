import type { AccessLog } from '../../observe/access-log.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { LocalErrorLog } from '../../platform/local-error.ts';
import type { Logger } from '../../platform/logger.ts';
import type { PeerWatch } from '../../platform/peer-watch.ts';
import type { Pulse } from '../../platform/pulse.ts';
import type { WorkSlices } from '../../platform/work-slices.ts';
import type { TunnelRegistry } from '../forward/tunnel-registry.ts';
import type { UpstreamPools } from '../forward/upstream-pools.ts';
import type { PlacementDeps } from '../placement/placement-deps.ts';

/** What HTTP exchanges use of the data plane. */
export interface HttpDeps extends PlacementDeps {
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly localErrors: LocalErrorLog;
  readonly pools: UpstreamPools;
  readonly tunnels: TunnelRegistry;
  /** This process's name in `Via`. */
  readonly hopName: string;
  /** New requests are answered with `draining` (POST /drain). */
  draining(): boolean;
  readonly accessLog: AccessLog;
  /** Sees clients leave that are not read for now. */
  readonly peers: PeerWatch;
  /** Asked with the time in hand before knowledge is acted on: this process may have stood still. */
  readonly pulse: Pick<Pulse, 'check'>;
  /** Looks at answers that are to be merged, and writes what was merged, a little in each turn. */
  readonly slices: WorkSlices;
}
