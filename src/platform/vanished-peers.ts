import type { Socket } from 'node:net';
import { type Clock, systemClock, type Timer } from './clock.ts';
import { crashed, runGuarded } from './guard.ts';
import { connectionKey, linuxTables, type Row, RowScanner, type TableSource } from './tcp-table.ts';
import { inSlices } from './turn.ts';

/** Between two looks; longer where the table is dear, so that a look takes one part in so many of a core's time, … */
const LOOK_MS = 3000;
const CORE_SHARE = 50;
/** … but no longer than this. */
const MAX_LOOK_MS = 8000;
/** How long the kernel must have asked in vain: with the look after that 38 s at most, under the 40 of SPEC 3. */
const SILENT_MS = 30_000;
/** Fewer attempts of the kernel than this prove nothing: one may have been lost, and so may one answer. */
const LEAST_UNANSWERED = 3;

/** What is known of one socket. */
interface Seen {
  read: number;
  written: number;
  /** So much of what was written is known to have been acknowledged. */
  settled: number;
  /** `connectionKey`, once it was needed. */
  key: string | null;
  silence: Unanswered | null;
}

/** How often the kernel has asked in vain, and for how long at the least: as the row tells, or as looks have seen. */
interface Unanswered {
  readonly count: number;
  readonly ms: number;
}

interface Candidate {
  readonly socket: Socket;
  readonly seen: Seen;
  /** What had been written by the look before. */
  readonly writtenBefore: number;
}

/** The error of a socket whose peer is gone: what the kernel would give after a quarter of an hour. */
export function vanished(): Error {
  return Object.assign(new Error('the peer has vanished: what was sent is not acknowledged'), {
    code: 'ETIMEDOUT',
    syscall: 'read',
  });
}

/**
 * Notices peers that vanished with data on its way to them. TCP's keepalive does not run then, the kernel sends again for a quarter
 * of an hour (tcp(7), tcp_retries2), and Node has no TCP_USER_TIMEOUT. Linux's table of connections tells how often it has sent again
 * in vain. It is read only while some socket was written to and has said nothing since the look before, and once for all of them.
 * A peer that takes no more but answers the kernel's questions for room is not gone. Where there is no table (other systems, a
 * sealed /proc) nobody is noticed.
 */
export class VanishedPeers {
  readonly #sockets: () => Iterable<Socket>;
  readonly #onVanished: (socket: Socket) => void;
  readonly #clock: Clock;
  readonly #tables: TableSource;
  #seen = new Map<Socket, Seen>();
  #lookedAtMs: number;
  #restMs = LOOK_MS;
  #timer: Timer | null = null;
  #closed = false;

  /** @param sockets those that are open. @param onVanished may destroy it */
  constructor(
    sockets: () => Iterable<Socket>,
    onVanished: (socket: Socket) => void,
    clock: Clock = systemClock,
    tables: TableSource = linuxTables,
  ) {
    this.#sockets = sockets;
    this.#onVanished = onVanished;
    this.#clock = clock;
    this.#tables = tables;
    this.#lookedAtMs = clock.nowMs();
    this.#plan();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.clear();
  }

  #plan(): void {
    if (this.#closed) return;
    this.#timer = this.#clock.after(this.#restMs, () => {
      void this.look()
        .catch((error: unknown) => crashed('peer_watch', error))
        .finally(() => this.#plan());
    });
  }

  /** One look at all sockets. */
  async look(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    // A process that was stopped has seen no more than one look could.
    const passedMs = Math.min(nowMs - this.#lookedAtMs, 2 * this.#restMs);
    this.#lookedAtMs = nowMs;
    this.#restMs = LOOK_MS;
    const ports = new Set<number>();
    const candidates = await inSlices(this.#waiting(ports));
    if (candidates.length === 0) return;
    const unanswered = new Map<string, Unanswered>();
    const onRow = (row: Row): void => {
      if (row.state === 'connecting') return;
      const count = row.unanswered();
      if (count > 0) unanswered.set(row.key(), { count, ms: row.unansweredMs() });
    };
    const readAtMs = this.#clock.nowMs();
    const isComplete = await this.#tables(new RowScanner(ports, onRow, () => this.#clock.nowMs()));
    const tookMs = this.#clock.nowMs() - readAtMs;
    this.#restMs = Math.min(Math.max(LOOK_MS, tookMs * CORE_SHARE), MAX_LOOK_MS);
    if (isComplete) await inSlices(this.#compare(candidates, unanswered, passedMs));
  }

  *#compare(
    candidates: readonly Candidate[],
    unanswered: ReadonlyMap<string, Unanswered>,
    passedMs: number,
  ): Generator<void, void> {
    for (const { socket, seen, writtenBefore } of candidates) {
      yield;
      // Asked only where the kernel asks somebody in vain: an address that was asked for hides a later RST (`wasReset`).
      if (unanswered.size > 0) seen.key ??= keyOf(socket);
      const now = unanswered.get(seen.key ?? '');
      if (now === undefined) {
        seen.settled = writtenBefore;
        seen.silence = null;
        continue;
      }
      const before = seen.silence;
      const seenMs = before === null || now.count < before.count ? 0 : before.ms + passedMs;
      seen.silence = { count: now.count, ms: Math.max(now.ms, seenMs) };
      if (seen.silence.ms >= SILENT_MS && now.count >= LEAST_UNANSWERED && !socket.destroyed)
        runGuarded(
          'peer_watch',
          () => this.#onVanished(socket),
          () => socket.destroy(),
        );
    }
  }

  /** Those that were written to and have said nothing since the look before. @param ports theirs are added */
  *#waiting(ports: Set<number>): Generator<void, Candidate[]> {
    const before = this.#seen;
    const now = new Map<Socket, Seen>();
    const candidates: Candidate[] = [];
    for (const socket of this.#sockets()) {
      yield;
      if (socket.destroyed || socket.connecting) continue;
      const { bytesRead, bytesWritten } = socket;
      const seen = before.get(socket) ?? { read: -1, written: 0, settled: 0, key: null, silence: null };
      now.set(socket, seen);
      if (bytesRead !== seen.read) {
        seen.read = bytesRead;
        seen.silence = null;
      } else if (bytesWritten > seen.settled) {
        candidates.push({ socket, seen, writtenBefore: seen.written });
        ports.add(socket.localPort ?? 0);
      }
      seen.written = bytesWritten;
    }
    this.#seen = now;
    return candidates;
  }
}

/** `''` where it is closed already. */
function keyOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  if (!localAddress || !localPort || !remoteAddress || !remotePort) return '';
  return connectionKey(localAddress, localPort, remoteAddress, remotePort);
}
