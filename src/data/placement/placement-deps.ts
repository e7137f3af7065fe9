import type { OutcomeSink } from '../../boundary/outcome-sink.ts';
import type { SnapshotCell } from '../../boundary/snapshot-cell.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import type { RenamedBackends } from '../renamed-backends.ts';
import type { HoldQueue } from './hold-queue.ts';
import type { RuleRuntimes } from './rule-runtime.ts';

/** What placing uses of the data plane. */
export interface PlacementDeps {
  readonly cell: SnapshotCell;
  readonly outcomes: OutcomeSink;
  readonly clock: Clock;
  readonly random: Random;
  /** Requests and tunnels that are with a Pod now. */
  readonly upstreams: { inFlight(podId: number): number };
  readonly rules: RuleRuntimes;
  readonly renamed: RenamedBackends;
  holdQueue(backend: string): HoldQueue;
}
