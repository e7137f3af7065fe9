import type { Socket } from 'node:net';
import { type Clock, systemClock, type Timer } from '../../platform/clock.ts';
import { guarded } from '../../platform/guard.ts';
import { PeerWatch } from '../../platform/peer-watch.ts';
import { reset } from '../../platform/reset.ts';
import { linuxTables } from '../../platform/tcp-table.ts';

/** How long a socket is not read before its peer is watched, and how often that is looked at. */
const UNREAD_MS = 5000;
const LOOK_MS = 10_000;

/**
 * Notices that a tunnel's peer is gone for good while nobody reads its socket: since the other side takes no more, or since the
 * peer has ended its own. Node would see it only by reading, or by writing what may never come.
 */
export class UnreadPeers {
  readonly #clock: Clock;
  readonly #unreadMs: number;
  readonly #peers: PeerWatch;

  constructor(clock: Clock = systemClock, unreadMs = UNREAD_MS, lookMs = LOOK_MS) {
    this.#clock = clock;
    this.#unreadMs = unreadMs;
    this.#peers = new PeerWatch(clock, linuxTables, { pollMs: lookMs, finIsEnd: false });
  }

  /** Calls `onGone` once at the most, never after the socket has closed. A FIN alone is no end: the peer may still read. */
  watch(socket: Socket, onGone: () => void): void {
    let timer: Timer | null = null;
    let unwatch = (): void => {};
    const end = (): void => {
      timer?.clear();
      timer = null;
      unwatch();
    };
    const begin = (): void => {
      timer ??= this.#clock.after(this.#unreadMs, () => {
        unwatch = this.#peers.watch(socket, onGone);
      });
    };
    const cut = (): void => reset(socket);
    socket.on('pause', guarded('tcp', begin, cut));
    socket.on('end', guarded('tcp', begin, cut));
    socket.on('resume', guarded('tcp', end, cut));
    socket.once('close', guarded('tcp', end));
  }
}
