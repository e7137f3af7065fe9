import type { Socket } from 'node:net';

/** Which side ended first, and whether by an error (a reset, a keepalive that failed). */
export interface TunnelEnd {
  readonly first: 'client' | 'upstream' | 'cut';
  readonly error: string | null;
}

/**
 * Joins two half-open capable sockets: bytes both ways under back-pressure, a FIN passed on as a FIN while the other way
 * stays open, a reset passed on as a reset, so that a truncated stream does not look whole.
 *
 * @param done called once, when both are closed or about to be
 * @returns a function that cuts both
 */
export function joinSockets(client: Socket, upstream: Socket, done: (end: TunnelEnd) => void): () => void {
  let first: TunnelEnd['first'] | null = null;
  let finished = false;
  const finish = (error: string | null): void => {
    if (finished) return;
    finished = true;
    done({ first: first ?? 'cut', error });
  };
  const oneWay = (from: Socket, to: Socket, side: 'client' | 'upstream'): void => {
    from.once('end', () => {
      first ??= side;
    });
    from.on('error', (error: NodeJS.ErrnoException) => {
      first ??= side;
      if (error.code === 'ECONNRESET') to.resetAndDestroy();
      else to.destroy();
      finish(error.code ?? error.message);
    });
    from.once('close', () => {
      // Without both FINs it was destroyed: the other way can go no further either.
      if (!from.readableEnded || !from.writableFinished) to.destroy();
      if (to.destroyed) finish(null);
    });
    from.pipe(to);
  };
  oneWay(client, upstream, 'client');
  oneWay(upstream, client, 'upstream');
  return () => {
    first ??= 'cut';
    client.destroy();
    upstream.destroy();
    finish(null);
  };
}
