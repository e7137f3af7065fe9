import type { Socket } from 'node:net';
import type { TcpDeps } from '../exchange/tcp-deps.ts';
import { TcpExchange } from '../exchange/tcp-exchange.ts';
import type { InboundListener } from '../inbound-listener.ts';
import { decideConnection } from '../placement/decide.ts';

/**
 * Serves one accepted connection of a TCP listener. The server must make its sockets with `allowHalfOpen`,
 * `pauseOnConnect`, `noDelay` and keepalive; counting connections against `limits.connections` is its business too.
 * Destroying the socket ends the exchange at whatever step it is.
 */
export function handleTcpConnection(client: Socket, listener: InboundListener, deps: TcpDeps): void {
  deps.pulse.check(deps.clock.nowMs());
  const decision = decideConnection(deps, listener.snapshot);
  if ('backend' in decision) {
    new TcpExchange(client, listener, decision.rule, decision.backend, deps).start();
    return;
  }
  if (decision.failure !== null)
    deps.metrics.requestFailures.with(decision.rule ?? '', decision.failure).value++;
  client.on('error', () => {});
  client.destroy();
}
