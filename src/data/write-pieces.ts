import type { Socket } from 'node:net';
import type { Piece } from './stream/message.ts';

/** A piece up to this size is copied to travel with what goes before it: a second system call costs more. */
const JOINED_BYTES = 16 * 1024;

/**
 * Writes a head (or `''`) and pieces of a body in as few writes as pay (docs/performance.md).
 * @returns whether a piece's own memory is still in use by the socket
 */
export function writePieces(socket: Socket, head: string, pieces: readonly Piece[]): boolean {
  // Behind bytes that wait already pieces wait too: as copies of their own size, not as views that keep a whole read buffer.
  const waits = socket.writableLength > 0;
  let lent = false;
  let corked = false;
  let text = head;
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i]!;
    if (typeof piece === 'string') text += piece;
    else if (piece.length <= JOINED_BYTES && (text !== '' || pieces.length > 1))
      text += piece.toString('latin1');
    else {
      if (!corked && (text !== '' || pieces.length > 1)) {
        // What goes before and after it leaves with it, in one system call.
        socket.cork();
        corked = true;
      }
      if (text !== '') socket.write(text, 'latin1');
      text = '';
      socket.write(waits ? Buffer.from(piece) : piece);
      lent ||= !waits;
    }
  }
  if (text !== '') socket.write(text, 'latin1');
  if (corked) socket.uncork();
  return lent && socket.writableLength > 0;
}
