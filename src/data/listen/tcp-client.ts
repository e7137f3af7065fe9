import type { Socket } from 'node:net';
import { formatAddress, plainAddress } from '../../model/address.ts';
import { peerAddress } from '../../platform/peer-address.ts';
import type { PeerWatch } from '../../platform/peer-watch.ts';
import { RawSide } from '../forward/raw-side.ts';
import type { RawClient } from '../stream/raw.ts';

/** A client of a TCP listener. Destroying its socket ends what it is a part of, at whatever step. */
export class TcpClient extends RawSide implements RawClient {
  readonly address: string;
  readonly #peers: PeerWatch;

  constructor(socket: Socket, peers: PeerWatch) {
    super(socket, null, null);
    const peer = peerAddress(socket);
    this.address = peer === null ? '' : formatAddress({ host: plainAddress(peer.host), port: peer.port });
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
