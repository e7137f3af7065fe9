import type { Socket } from 'node:net';
import { guarded } from '../../platform/guard.ts';
import { reset, wasReset } from '../../platform/reset.ts';
import { readBeforeDestroy } from '../forward/read-before-destroy.ts';
import type { UnreadPeers } from '../forward/unread-peers.ts';

type Side = 'client' | 'upstream';

/** Which side ended first, and which broke off by an error (a reset, a keepalive that failed); null: neither did. */
export interface TunnelEnd {
  readonly first: Side | 'cut';
  readonly broken: { readonly side: Side; readonly code: string } | null;
}

/** Two sockets that are joined. */
export interface Joint {
  /** Ends both at once. */
  cut(): void;
  /** Takes nothing more from the client; what the Pod says goes on to it. */
  pause(): void;
  /** Takes from the client again, after `pause`. */
  resume(): void;
}

/**
 * Joins two half-open capable sockets: bytes both ways under back-pressure, a FIN passed on as a FIN while the other way
 * stays open. Any other end is a reset to the other side, as a cut is to both: what breaks off must not look whole.
 *
 * @param peers notices a client that is gone while nothing is read from it
 * @param done called once, when both are closed or about to be
 * @returns what may be done to both meanwhile
 */
export function joinSockets(
  client: Socket,
  upstream: Socket,
  peers: UnreadPeers,
  done: (end: TunnelEnd) => void,
): Joint {
  let first: TunnelEnd['first'] | null = null;
  let finished = false;
  let clientGone = false;
  const finish = (broken: TunnelEnd['broken']): void => {
    if (finished) return;
    finished = true;
    done({ first: first ?? 'cut', broken });
  };
  const resetBoth = (): void => {
    reset(client);
    reset(upstream);
  };
  const oneWay = (from: Socket, to: Socket, side: Side): void => {
    readBeforeDestroy(from, () => finished);
    const onEnd = (): void => {
      first ??= side;
      if (!wasReset(from)) return;
      from.destroy();
      reset(to);
      finish({ side, code: 'ECONNRESET' });
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      first ??= side;
      reset(to);
      finish({ side, code: error.code ?? error.message });
    };
    const onClose = (): void => {
      // Without both FINs it was destroyed: the other way can go no further either.
      if (!clientGone && (!from.readableEnded || !from.writableFinished)) reset(to);
      if (to.destroyed) finish(null);
    };
    from.once('end', guarded('tcp', onEnd, resetBoth));
    from.on('error', guarded('tcp', onError, resetBoth));
    from.once('close', guarded('tcp', onClose, resetBoth));
    from.pipe(to);
  };
  oneWay(client, upstream, 'client');
  oneWay(upstream, client, 'upstream');
  peers.watch(client, () => {
    first ??= 'client';
    clientGone = true;
    client.destroy();
    // Nobody takes an answer any more. What it had said to its end goes on to the Pod; what it had not is broken off.
    if (client.readableEnded) upstream.destroySoon();
    else reset(upstream);
    finish({ side: 'client', code: 'ECONNRESET' });
  });
  return {
    cut() {
      first ??= 'cut';
      reset(client);
      reset(upstream);
      finish(null);
    },
    pause: () => client.unpipe(upstream),
    resume: () => client.pipe(upstream),
  };
}
