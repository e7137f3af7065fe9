import type { OutcomeSink } from '../../boundary/outcome-sink.ts';
import type { SnapshotCell } from '../../boundary/snapshot-cell.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Dialer } from '../../platform/dialer.ts';
import type { Logger } from '../../platform/logger.ts';
import type { PeerWatch } from '../../platform/peer-watch.ts';
import type { Pulse } from '../../platform/pulse.ts';
import type { Random } from '../../platform/random.ts';
import type { HoldQueue } from '../forward/hold-queue.ts';
import type { TunnelRegistry } from '../forward/tunnel-registry.ts';
import type { UpstreamPools } from '../forward/upstream-pools.ts';
import type { RenamedBackends } from '../renamed-backends.ts';
import type { RequestView } from '../request-view.ts';
import type { RuleRuntimes } from './rule-runtime.ts';

/** What a TCP exchange uses of the data plane. */
export interface TcpDeps {
  readonly cell: SnapshotCell;
  readonly outcomes: OutcomeSink;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: Clock;
  /** As `HttpDeps.pulse`. */
  readonly pulse: Pick<Pulse, 'check'>;
  readonly random: Random;
  readonly pools: UpstreamPools;
  readonly tunnels: TunnelRegistry;
  readonly rules: RuleRuntimes;
  readonly renamed: RenamedBackends;
  readonly peers: PeerWatch;
  readonly dialer: Dialer;
  readonly selfPodName: string;
  holdQueue(backend: string): HoldQueue;
}

/** A TCP connection has no method, path or field: rules of a TCP listener have no matches, and no key but `self`. */
export const NO_REQUEST: RequestView = { method: '', path: '', query: '', host: '', header: () => undefined };
