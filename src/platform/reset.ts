import type { Socket } from 'node:net';
import { tcpBelow, wasCutOff } from './tls/below.ts';

/**
 * Ends a connection by a RST, so that its peer cannot take what it has for all that was meant; what waits to be written is
 * dropped. A FIN that is on its way to the kernel goes before it: libuv refuses to reset meanwhile, and Node would then lose the
 * descriptor.
 */
export function reset(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isEnding && !socket.destroyed) socket.once('finish', () => resetNow(socket));
  else resetNow(socket);
}

/**
 * Node resets no socket of TLS, but the connection below one: that is done where the socket destroys it, so that its holder is told as
 * of any other, an error before the end.
 */
function resetNow(socket: Socket): void {
  const tcp = tcpBelow(socket);
  if (tcp === undefined || socket.destroyed) {
    (tcp ?? socket).resetAndDestroy();
    return;
  }
  const { destroy } = tcp;
  tcp.destroy = () => {
    tcp.destroy = destroy;
    return tcp.resetAndDestroy();
  };
  socket.destroy();
}

/** As `reset`, but who holds the socket gets `error`, as when the kernel gives it up. */
export function resetFor(socket: Socket, error: Error): void {
  const destroy = socket.destroy;
  socket.destroy = () => destroy.call(socket, error);
  reset(socket);
}

/**
 * Whether what Node calls the end of a peer's data was a RST, or over TLS an end without close_notify: libuv reports a RST that comes
 * with the last bytes as an end. The kernel knows no peer then. To be asked at 'end'. No, too, where that cannot be told: this side has
 * ended already, or the peer's address was asked for before, for Node keeps it.
 */
export function wasReset(socket: Socket): boolean {
  if (wasCutOff(socket)) return true;
  return !socket.writableEnded && socket.remoteAddress === undefined;
}
