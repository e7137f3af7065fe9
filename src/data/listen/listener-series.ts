import type { ListenerConfig } from '../../model/config.ts';
import { CONNECTION_ENDS } from '../../model/connection-end.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { Cell } from '../../observe/primitives.ts';
import type { Traffic } from '../inbound-listener.ts';

/** Why a TCP connection ends that never had a Pod. */
const UNPLACED = [
  'no_endpoint',
  'no_leader',
  'leader_conflict',
  'ordinal_unavailable',
  'hold_full',
  'hold_timeout',
  'overloaded',
  'connect_failed',
] as const;

/** What is counted of a listener of one name, bound once: accepting, reading and writing only increment. */
export class ListenerSeries implements Traffic {
  readonly open: Cell;
  readonly accepted: Cell;
  readonly delay: Cell;
  readonly received: Cell;
  readonly sent: Cell;

  constructor(metrics: Metrics, { name, protocol }: ListenerConfig) {
    const { connections, connectionsAccepted, connectionsClosed, acceptDelay, bytes } = metrics;
    this.open = connections.with(name);
    this.accepted = connectionsAccepted.with(name);
    this.delay = acceptDelay.with(name);
    this.received = bytes.with(name, 'received');
    this.sent = bytes.with(name, 'sent');
    // From 0 on.
    for (const reason of protocol === 'TCP' ? [...CONNECTION_ENDS, ...UNPLACED] : CONNECTION_ENDS)
      connectionsClosed.with(name, reason);
  }
}
