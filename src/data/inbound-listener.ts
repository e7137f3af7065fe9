import type { ConnectionEnd } from '../model/connection-end.ts';
import type { ListenerSnapshot } from '../model/snapshot.ts';
import type { Cell } from '../observe/primitives.ts';

/** Bytes from clients and to them, whatever they are a part of. */
export interface Traffic {
  readonly received: Cell;
  readonly sent: Cell;
}

/** The listener that a connection came in by. It is the same through a reload that gives it another name or other rules. */
export interface InboundListener {
  /** Its configuration and routes now; of one that was removed, the last that it had. */
  readonly snapshot: ListenerSnapshot;
  /** A reload removed it: its connections are finishing. */
  readonly removed: boolean;
  /** It ends all that is open: the sidecar shuts down, or the time is over that its connections had to finish. */
  readonly ending: boolean;
  /** Under the name that it has now. */
  readonly traffic: Traffic;
}

/** Why its connections end that it ends; null: it does not. */
export function endOfListener({ removed, ending }: InboundListener): ConnectionEnd | null {
  if (!ending) return null;
  return removed ? 'removed' : 'shutdown';
}
