import type { OutcomeSink } from '../../boundary/outcome-sink.ts';
import type { SnapshotCell } from '../../boundary/snapshot-cell.ts';
import type { AccessLog } from '../../observe/access-log.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { LocalErrorLog } from '../../platform/local-error.ts';
import type { Logger } from '../../platform/logger.ts';
import type { PeerWatch } from '../../platform/peer-watch.ts';
import type { Pulse } from '../../platform/pulse.ts';
import type { Random } from '../../platform/random.ts';
import type { WorkSlices } from '../../platform/work-slices.ts';
import type { TunnelRegistry } from '../forward/tunnel-registry.ts';
import type { UpstreamPools } from '../forward/upstream-pools.ts';
import type { HoldQueue } from '../placement/hold-queue.ts';
import type { RuleRuntimes } from '../placement/rule-runtime.ts';
import type { RenamedBackends } from '../renamed-backends.ts';

/** What HTTP exchanges use of the data plane. */
export interface HttpDeps {
  readonly cell: SnapshotCell;
  readonly outcomes: OutcomeSink;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly localErrors: LocalErrorLog;
  readonly random: Random;
  readonly pools: UpstreamPools;
  readonly tunnels: TunnelRegistry;
  readonly rules: RuleRuntimes;
  readonly renamed: RenamedBackends;
  /** This process's name in `Via`. */
  readonly hopName: string;
  holdQueue(backend: string): HoldQueue;
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
