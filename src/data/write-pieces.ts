import type { Socket } from 'node:net';
import type { Piece } from './http1/chunk-scanner.ts';

/** A piece up to this size is copied to travel with what goes before it: a second system call costs more. */
const JOINED_BYTES = 16 * 1024;

/**
 * Writes a head (or `''`) and pieces of a body in as few writes as pay (docs/performance.md).
 * @returns whether a piece's own memory is still in use by the socket
 */
export function writePieces(socket: Socket, head: string, pieces: readonly Piece[]): boolean {
  let inUse = false;
  let text = head;
  for (const piece of pieces) {
    if (typeof piece === 'string') text += piece;
    else if (piece.length <= JOINED_BYTES && (text !== '' || pieces.length > 1))
      text += piece.toString('latin1');
    else {
      if (text !== '') socket.write(text, 'latin1');
      text = '';
      // Behind bytes that wait already it waits too: as a copy of its own size, not as a view that keeps a whole read buffer.
      const waits = socket.writableLength > 0;
      socket.write(waits ? Buffer.from(piece) : piece);
      inUse ||= !waits && socket.writableLength > 0;
    }
  }
  if (text !== '') socket.write(text, 'latin1');
  return inUse;
}
