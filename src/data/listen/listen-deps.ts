import type { AccessLog } from '../../observe/access-log.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { LocalErrorLog } from '../../platform/local-error.ts';
import type { Logger } from '../../platform/logger.ts';
import type { PeerWatch } from '../../platform/peer-watch.ts';
import type { Pulse } from '../../platform/pulse.ts';
import type { TurnEnd } from '../../platform/turn-end.ts';
import type { ExchangeDeps, TunnelDeps } from '../exchange/exchange-deps.ts';
import type { Admission } from './admission.ts';

/** What listeners of either protocol use. */
interface Shared {
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly localErrors: LocalErrorLog;
  /** Sees clients leave that are not read for now. */
  readonly peers: PeerWatch;
  /** Asked with the time in hand before knowledge is acted on: this process may have stood still. */
  readonly pulse: Pick<Pulse, 'check'>;
}

export interface HttpListenDeps extends ExchangeDeps, Shared {
  readonly accessLog: AccessLog;
}

export interface TcpListenDeps extends Omit<TunnelDeps, 'peers'>, Shared {}

export interface ListenerDeps {
  readonly http: HttpListenDeps;
  readonly tcp: TcpListenDeps;
  /** When requests are begun, and which are refused for having waited. */
  readonly admission: Admission;
  readonly turn: TurnEnd;
}
