import type { PeerWatch } from '../../platform/peer-watch.ts';
import type { WorkSlices } from '../../platform/work-slices.ts';
import type { PlacementDeps } from '../placement/placement-deps.ts';
import type { RawUpstreams, Tunnels } from '../stream/raw.ts';
import type { Upstreams } from '../stream/upstream.ts';
import type { ConnectionObserver } from './connection-observer.ts';
import type { RequestObserver } from './request-observer.ts';

/** What exchanges of requests use of the data plane. */
export interface ExchangeDeps extends PlacementDeps {
  readonly upstreams: Upstreams;
  readonly tunnels: Tunnels;
  /** Looks at answers that are to be merged, and writes what was merged, a little in each turn. */
  readonly slices: WorkSlices;
  /** This process's name in `Via`. */
  readonly hopName: string;
  /** New requests are answered with `draining` (POST /drain). */
  draining(): boolean;
  readonly observer: RequestObserver;
  /** Of what is upgraded. */
  readonly connections: readonly ConnectionObserver[];
}

/** What TCP connections use of it. */
export interface TunnelDeps extends PlacementDeps {
  readonly upstreams: RawUpstreams;
  readonly tunnels: Tunnels;
  readonly connections: readonly ConnectionObserver[];
  /** Sees clients leave that are not read for now. */
  readonly peers: Pick<PeerWatch, 'check'>;
}
