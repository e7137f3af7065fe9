import type { SnapshotCell } from '../boundary/snapshot-cell.ts';
import type { RoutingSnapshot } from '../model/snapshot.ts';
import { runGuarded } from '../platform/guard.ts';

/**
 * Joins what changes within one turn of the event loop into one snapshot. Not later than that: a loss of leadership must
 * reach the data plane before its next request.
 */
export class ControlLoop {
  #armed: NodeJS.Immediate | null = null;

  readonly #cell: SnapshotCell;
  readonly #build: (previous: RoutingSnapshot) => RoutingSnapshot;

  /** @param build the next snapshot, or `previous` itself where nothing changed. */
  constructor(cell: SnapshotCell, build: (previous: RoutingSnapshot) => RoutingSnapshot) {
    this.#cell = cell;
    this.#build = build;
  }

  /** Something may have changed. A snapshot that cannot be made is tried again at the next change. */
  touch(): void {
    this.#armed ??= setImmediate(() => runGuarded('control', () => this.flush()));
  }

  /** Publishes now. */
  flush(): void {
    this.cancel();
    this.#cell.publish(this.#build(this.#cell.current()));
  }

  cancel(): void {
    if (this.#armed !== null) clearImmediate(this.#armed);
    this.#armed = null;
  }
}
