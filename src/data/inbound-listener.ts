import type { ListenerSnapshot } from '../model/snapshot.ts';

/** The listener that a connection came in by. It is the same through a reload that gives it another name or other rules. */
export interface InboundListener {
  /** Its configuration and routes now; of one that was removed, the last that it had. */
  readonly snapshot: ListenerSnapshot;
  /** A reload removed it: its connections are finishing. */
  readonly removed: boolean;
}
