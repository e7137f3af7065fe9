import type { Socket } from 'node:net';
import { unplaced } from '../exchange/connection-observer.ts';
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
  const startedMs = deps.clock.nowMs();
  deps.pulse.check(startedMs);
  const decision = decideConnection(deps, listener.snapshot);
  if ('backend' in decision) {
    new Tunnel(client, listener, decision.rule, decision.backend, deps).start();
    return;
  }
  if (decision.failure !== null) {
    const { failure, detail, rule = null } = decision;
    deps.metrics.requestFailures.with(rule ?? '', failure).value++;
    const facts = unplaced({ listener, address: client.address, startedMs, rule }, failure, detail);
    for (const observer of deps.connections) observer.ended(facts);
  }
  client.close();
}

/** Closes a connection past `limits.connections`. It is counted by the caller. */
export function turnAwayTcp(
  socket: Socket,
  listener: InboundListener,
  detail: string,
  { peers, clock, connections }: Pick<TcpListenDeps, 'peers' | 'clock' | 'connections'>,
): void {
  const client = new TcpClient(socket, peers);
  const { address } = client;
  const facts = unplaced({ listener, address, startedMs: clock.nowMs(), rule: null }, 'overloaded', detail);
  for (const observer of connections) observer.ended(facts);
  client.close();
}
