import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { TLSSocket } from 'node:tls';

/** What Node's handle of a socket has beside its documented methods (docs/adr/0016). */
interface Handle {
  readonly reading?: boolean;
  readStart(): number;
  readStop(): number;
}

const EALREADY = -constants.errno.EALREADY;

/** The TCP connections that TLS is spoken over. */
const below = new WeakMap<Socket, Socket>();
const cutOff = new WeakSet<Socket>();

/** The TCP connection under a socket of TLS; undefined: it is none of ours. */
export function tcpBelow(socket: Socket): Socket | undefined {
  return below.get(socket);
}

/** Whether the peer's data ended without the close_notify that tells its end from a break (RFC 8446, section 6.1). To be asked at 'end'. */
export function wasCutOff(socket: Socket): boolean {
  return cutOff.has(socket);
}

/**
 * Remembers what lies under a socket, and looks from now on how its data ends. Node tells an end by close_notify and one by a FIN
 * alone as the same 'end'. But libuv stops reading a connection at its FIN, and goes on after a close_notify: at that moment its
 * handle can be asked which it is.
 */
export function watchEnd(socket: TLSSocket, tcp: Socket): void {
  below.set(socket, tcp);
  const { push } = socket;
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk === null && !isStillRead(socket, tcp)) cutOff.add(socket);
    return push.call(socket, chunk, encoding);
  };
}

function isStillRead(socket: Socket, tcp: Socket): boolean {
  const above = handleOf(socket);
  const handle = handleOf(tcp);
  if (above === null || handle === null) return false;
  // A FIN is found by reading alone.
  if (above.reading === false) return true;
  const status = handle.readStart();
  if (status === EALREADY) return true;
  if (status === 0) handle.readStop();
  return false;
}

function handleOf(socket: Socket): Handle | null {
  return (socket as { _handle?: Handle | null })._handle ?? null;
}
