import type { Socket } from 'node:net';
import { NO_REQUEST, type TcpDeps } from '../exchange/tcp-deps.ts';
import { TcpExchange } from '../exchange/tcp-exchange.ts';
import type { InboundListener } from '../inbound-listener.ts';
import { matcherFor } from '../match/matcher.ts';
import { chooseBackend } from '../pick/choose-backend.ts';

/**
 * Serves one accepted connection of a TCP listener. The server must make its sockets with `allowHalfOpen`,
 * `pauseOnConnect`, `noDelay` and keepalive; counting connections against `limits.connections` is its business too.
 * Destroying the socket ends the exchange at whatever step it is.
 */
export function handleTcpConnection(client: Socket, listener: InboundListener, deps: TcpDeps): void {
  deps.pulse.check(deps.clock.nowMs());
  const rule = matcherFor(listener.snapshot).match(NO_REQUEST);
  if (rule === null) {
    client.on('error', () => {});
    client.destroy();
    return;
  }
  const backend = chooseBackend(rule.backendRefs, deps.random);
  new TcpExchange(client, listener, rule, backend ?? '', deps).start();
}
