import type { Socket } from 'node:net';
import { reset } from '../../platform/reset.ts';
import type { RawStream } from '../stream/raw.ts';
import type { PodPool } from './upstream-pool.ts';

/** One end of a tunnel: a socket, and what was read from it already. */
export class RawSide implements RawStream {
  readonly socket: Socket;
  readonly pending: Buffer | null;
  /** Of the Pod; null: it is the client's side. */
  readonly pool: PodPool | null;

  constructor(socket: Socket, pending: Buffer | null, pool: PodPool | null) {
    this.socket = socket;
    this.pending = pending;
    this.pool = pool;
  }

  /** It becomes a part of a tunnel, whose end ends it. */
  joined(): void {}

  reset(): void {
    reset(this.socket);
  }

  close(): void {
    this.socket.on('error', () => {});
    this.socket.destroy();
    this.pool?.end();
  }
}
