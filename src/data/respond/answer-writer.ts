import type { Socket } from 'node:net';
import type { Piece } from '../stream/message.ts';
import { writePieces } from '../write-pieces.ts';

/** From this size on a body is not copied at all: the head is written in front of it, where the Pod's own head was. */
const IN_PLACE_BYTES = 2048;

/**
 * Writes a head (or `''`) and pieces of a body to a client.
 * @returns whether a piece's own memory is still in use by the socket
 */
export function writeAnswer(socket: Socket, head: string, pieces: readonly Piece[]): boolean {
  const only = pieces[0];
  if (head !== '' && pieces.length === 1 && typeof only !== 'string' && only!.length > IN_PLACE_BYTES) {
    const whole = withHeadInFront(head, only!);
    if (whole !== null) {
      socket.write(whole);
      return socket.writableLength > 0;
    }
  }
  return writePieces(socket, head, pieces);
}

/**
 * The head and a piece of the body as one buffer without copying the piece: the head is written over the bytes before it,
 * which are those of the Pod's head and have been read. Null where it is longer than they are.
 */
function withHeadInFront(head: string, piece: Buffer): Buffer | null {
  const start = piece.byteOffset - head.length;
  if (start < 0) return null;
  const whole = Buffer.from(piece.buffer, start, head.length + piece.length);
  whole.write(head, 0, 'latin1');
  return whole;
}
