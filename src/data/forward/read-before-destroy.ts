import type { Socket } from 'node:net';
import { after } from '../../platform/clock.ts';

/** How long is waited for what a peer may have said before it closed. */
const UNREAD_MS = 100;

/**
 * A peer may say something and close with a part of what it was sent unread: its words come with a RST behind them (RFC 9112
 * section 9.6). A write that fails for it would destroy the socket, and what waits in the kernel with it. So the end is put off
 * until reading has found it, or nothing has come for a moment.
 *
 * @param isOver nobody reads it any more
 */
export function readBeforeDestroy(socket: Socket, isOver: () => boolean): void {
  const destroy = socket.destroy.bind(socket);
  let isPutOff = false;
  const putOff = (error: Error): void => {
    isPutOff = true;
    // A stream that has failed takes nothing more by itself.
    socket.push = (chunk: Buffer | null): boolean => {
      if (chunk === null) destroy(error);
      else socket.emit('data', chunk);
      return true;
    };
    after(UNREAD_MS, () => destroy(error));
  };
  socket.destroy = (error?: Error): Socket => {
    if ((error as NodeJS.ErrnoException | undefined)?.syscall !== 'write' || isOver()) return destroy(error);
    if (!isPutOff) putOff(error!);
    return socket;
  };
}
