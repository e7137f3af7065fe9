import type { ServerResponse } from 'node:http';

/** UTF-16 units per write: encoding some megabytes at once would stall the loop for milliseconds (case M3). */
const PIECE = 64 * 1024;

/** Writes a long text piece by piece, at the client's pace, letting the event loop turn in between. */
export async function writePieces(
  response: ServerResponse,
  parts: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  for await (const part of parts) {
    for (let at = 0; at < part.length; ) {
      const end = endOfPiece(part, at);
      if (response.destroyed) return;
      if (!response.write(part.slice(at, end))) await writable(response);
      else await new Promise((resolve) => setImmediate(resolve));
      at = end;
    }
  }
  response.end();
}

/** Never between the halves of a surrogate pair. */
function endOfPiece(text: string, at: number): number {
  const end = Math.min(text.length, at + PIECE);
  const last = text.charCodeAt(end - 1);
  return end < text.length && last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}

function writable(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
