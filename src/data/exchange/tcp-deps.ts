import type { Metrics } from '../../observe/metrics.ts';
import type { Dialer } from '../../platform/dialer.ts';
import type { Logger } from '../../platform/logger.ts';
import type { PeerWatch } from '../../platform/peer-watch.ts';
import type { Pulse } from '../../platform/pulse.ts';
import type { TunnelRegistry } from '../forward/tunnel-registry.ts';
import type { UpstreamPools } from '../forward/upstream-pools.ts';
import type { PlacementDeps } from '../placement/placement-deps.ts';

/** What a TCP exchange uses of the data plane. */
export interface TcpDeps extends PlacementDeps {
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** As `HttpDeps.pulse`. */
  readonly pulse: Pick<Pulse, 'check'>;
  readonly pools: UpstreamPools;
  readonly tunnels: TunnelRegistry;
  readonly peers: PeerWatch;
  readonly dialer: Dialer;
}
