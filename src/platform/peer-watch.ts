import type { Socket } from 'node:net';
import { type Clock, systemClock, type Timer } from './clock.ts';
import { runGuarded } from './guard.ts';
import { connectionKey, linuxTables, peerKeys, type Row, RowScanner, type TableSource } from './tcp-table.ts';

const POLL_MS = 250;
/** A new connection is looked at sooner, but not each by itself. */
const FIRST_LOOK_MS = 25;
/** Later than this nobody is noticed, whatever a look costs. */
const MAX_POLL_MS = 2000;
/** Looks take one part in so many of the event loop's time, and one in so many of a core's: the kernel writes the table. */
const LOOP_SHARE = 50;
const CORE_SHARE = 5;

interface Watched {
  /** By `connectionKey`. */
  readonly key: string;
  readonly socket: Socket;
  readonly port: number;
  /** The peer's side of it, and its port there. */
  readonly peerPort: number;
  readonly peerKeys: readonly string[];
  readonly onGone: () => void;
  /**
   * Whether the kernel's table ever showed it: then its absence means a reset. So it does where the table shows our
   * listener, for it is of this network namespace then.
   */
  seen: boolean;
  /** The look that was the last when the watch began, perhaps under way. */
  readonly since: number;
  /** The last look that showed it. */
  look: number;
  /** Looks in a row that should have shown it and did not. */
  absences: number;
  /** A look showed that the peer has sent a FIN. */
  ended: boolean;
}

export interface PeerWatchOptions {
  /** The time between two looks, and from the beginning of a watch to the first; else the first is soon. */
  readonly pollMs: number;
  /** Whether a FIN counts. Where it does not, one that has been sent but not read, with bytes before it, is waited for, too. */
  readonly finIsEnd: boolean;
}

/**
 * Notices that a peer has closed its side although nothing is read from the connection: Node sees a FIN or RST only by
 * reading. Asks Linux's table of connections; where there is none (other systems, a sealed /proc) nobody is ever gone.
 * The table is no snapshot: it is written while connections come and go, and a row may be passed over. So a row in CLOSE_WAIT
 * counts at once, and absence when a second look confirms it.
 *
 * A FIN stays with the peer's kernel while there is no room here for the bytes before it. A peer of this network namespace, as the
 * application beside a sidecar is, has a row of its own, which says FIN-WAIT-1 then.
 */
export class PeerWatch {
  /** By `connectionKey`. */
  readonly #watched = new Map<string, Watched>();
  /** By the keys of the peers' own rows. */
  readonly #byPeer = new Map<string, Watched>();
  /** How many rows are looked for on each local port. */
  readonly #ports = new Map<number, number>();
  readonly #clock: Clock;
  readonly #tables: TableSource;
  readonly #options: PeerWatchOptions | null;
  #looks = 0;
  #checking: Promise<void> | null = null;
  #timer: Timer | null = null;
  #timerAtMs = 0;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  /** How long after a look the next may begin. */
  #restMs = 0;

  constructor(
    clock: Clock = systemClock,
    tables: TableSource = linuxTables,
    options: PeerWatchOptions | null = null,
  ) {
    this.#clock = clock;
    this.#tables = tables;
    this.#options = options;
  }

  /**
   * Calls `onGone` once when the peer has sent a RST, or a FIN if that counts. The first look is soon, and one for all that are watched in one
   * turn. @returns a function that ends the watch.
   */
  watch(socket: Socket, onGone: () => void): () => void {
    const { localAddress, localPort, remoteAddress, remotePort } = socket;
    // Closed already; who holds it is told by its 'close'.
    if (!localAddress || !localPort || !remoteAddress || !remotePort) return () => {};
    const key = connectionKey(localAddress, localPort, remoteAddress, remotePort);
    const before = this.#watched.get(key);
    if (before !== undefined) this.#forget(key, before);
    const watched: Watched = {
      key,
      socket,
      port: localPort,
      peerPort: remotePort,
      peerKeys:
        this.#options?.finIsEnd === false ? [] : peerKeys(localAddress, localPort, remoteAddress, remotePort),
      onGone,
      since: this.#looks,
      seen: false,
      look: 0,
      absences: 0,
      ended: false,
    };
    this.#watched.set(key, watched);
    this.#lookFor(localPort, 1);
    for (const peer of watched.peerKeys) {
      this.#byPeer.set(peer, watched);
      this.#lookFor(remotePort, 1);
    }
    this.#lookAt(
      this.#options === null
        ? this.#lookedAtMs + Math.max(FIRST_LOOK_MS, this.#restMs)
        : this.#clock.nowMs() + this.#options.pollMs,
    );
    // The peer has used its port again, so its former connection is no more.
    if (before !== undefined && before.socket !== socket)
      runGuarded('peer_watch', before.onGone, () => before.socket.destroy());
    return () => this.#forget(key, watched);
  }

  /** Looks at every watched connection now. Calls at the same time share one look. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = null;
      if (this.#watched.size > 0)
        this.#lookAt(this.#lookedAtMs + Math.max(this.#options?.pollMs ?? POLL_MS, this.#restMs));
    });
    return this.#checking;
  }

  #forget(key: string, watched: Watched): void {
    if (this.#watched.get(key) !== watched) return;
    this.#watched.delete(key);
    this.#lookFor(watched.port, -1);
    for (const peer of watched.peerKeys) {
      if (this.#byPeer.get(peer) === watched) this.#byPeer.delete(peer);
      this.#lookFor(watched.peerPort, -1);
    }
    if (this.#watched.size > 0) return;
    this.#timer?.clear();
    this.#timer = null;
  }

  #lookFor(port: number, change: 1 | -1): void {
    const rows = (this.#ports.get(port) ?? 0) + change;
    if (rows === 0) this.#ports.delete(port);
    else this.#ports.set(port, rows);
  }

  /** An earlier look that is planned already will do. */
  #lookAt(atMs: number): void {
    if (this.#timer !== null && this.#timerAtMs <= atMs) return;
    this.#timer?.clear();
    this.#timerAtMs = atMs;
    this.#timer = this.#clock.after(Math.max(0, atMs - this.#clock.nowMs()), () => {
      this.#timer = null;
      void this.check();
    });
  }

  async #check(): Promise<void> {
    // An absence is confirmed at once: whoever asked wants to know now.
    if (await this.#look()) await this.#look();
  }

  /** @returns whether the absence of some connection needs to be confirmed */
  async #look(): Promise<boolean> {
    const look = ++this.#looks;
    const listening = new Set<number>();
    const gone: Watched[] = [];
    const onRow = (row: Row): void => {
      if (row.state === 'listen') {
        listening.add(row.port);
        return;
      }
      const key = row.key();
      const watched = this.#watched.get(key);
      if (watched === undefined) {
        const peer = row.state === 'fin-wait-1' ? this.#byPeer.get(key) : undefined;
        if (peer !== undefined) gone.push(peer);
        return;
      }
      if (row.state === 'close-wait') {
        if (this.#options?.finIsEnd === false) watched.ended = true;
        else gone.push(watched);
      }
      watched.seen = true;
      watched.look = look;
      watched.absences = 0;
    };
    const scanner = new RowScanner(this.#ports, onRow, () => this.#clock.nowMs());
    const fromMs = this.#clock.nowMs();
    const complete = await this.#tables(scanner);
    this.#lookedAtMs = this.#clock.nowMs();
    const rest = Math.max(scanner.spentMs * LOOP_SHARE, (this.#lookedAtMs - fromMs) * CORE_SHARE);
    this.#restMs = Math.min(rest, MAX_POLL_MS);
    let doubtful = false;
    for (const watched of complete ? this.#watched.values() : []) {
      if (watched.look === look || watched.since === look) continue;
      if (!watched.seen && !listening.has(watched.port)) continue;
      if (watched.ended && !watched.socket.readableEnded) continue;
      if (++watched.absences > 1) gone.push(watched);
      else doubtful = true;
    }
    for (const watched of gone) {
      if (this.#watched.get(watched.key) !== watched) continue;
      this.#forget(watched.key, watched);
      runGuarded('peer_watch', watched.onGone, () => watched.socket.destroy());
    }
    return doubtful;
  }
}
