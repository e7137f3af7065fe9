import type { Socket } from 'node:net';
import { Tunnel } from '../exchange/tunnel.ts';
import type { InboundListener } from '../inbound-listener.ts';
import { decideConnection } from '../placement/decide.ts';
import type { TcpListenDeps } from './listen-deps.ts';
import { TcpClient } from './tcp-client.ts';

/**
 * Serves one accepted connection of a TCP listener. The server must make its sockets with `allowHalfOpen`,
 * `pauseOnConnect`, `noDelay` and keepalive; counting connections against `limits.connections` is its business too.
 * Destroying the socket ends the exchange at whatever step it is.
 */
export function handleTcpConnection(socket: Socket, listener: InboundListener, deps: TcpListenDeps): void {
  const client = new TcpClient(socket, deps.peers);
  deps.pulse.check(deps.clock.nowMs());
  const decision = decideConnection(deps, listener.snapshot);
  if ('backend' in decision) {
    new Tunnel(client, listener, decision.rule, decision.backend, deps).start();
    return;
  }
  if (decision.failure !== null)
    deps.metrics.requestFailures.with(decision.rule ?? '', decision.failure).value++;
  client.close();
}
