import type { Socket } from 'node:net';
import type { PeerWatch } from '../../platform/peer-watch.ts';
import { RawSide } from '../forward/raw-side.ts';
import type { RawClient } from '../stream/raw.ts';
import { addressOf } from './address-of.ts';

/** A client of a TCP listener. Destroying its socket ends what it is a part of, at whatever step. */
export class TcpClient extends RawSide implements RawClient {
  readonly address: string;
  readonly #peers: PeerWatch;

  constructor(socket: Socket, peers: PeerWatch) {
    super(socket, null, null);
    this.address = addressOf(socket);
    this.#peers = peers;
    socket.on('error', () => {});
  }

  watch(onGone: () => void): () => void {
    return this.#peers.watch(this.socket, onGone);
  }

  whenClosed(done: () => void): void {
    this.socket.once('close', done);
  }
}
