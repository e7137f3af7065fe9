import type { Socket } from 'node:net';
import { formatAddress, plainAddress } from '../../model/address.ts';
import { peerAddress } from '../../platform/peer-address.ts';

/** The client's address and port for people; `''` where it is gone already. */
export function addressOf(socket: Socket): string {
  const peer = peerAddress(socket);
  return peer === null ? '' : formatAddress({ host: plainAddress(peer.host), port: peer.port });
}
