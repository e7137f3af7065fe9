import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import { monotonicMs } from '../../platform/clock.ts';
import type { DialFailure } from '../../platform/dialer.ts';
import { idleTimeMs } from '../forward/idle-time.ts';
import { writeRequestHead } from '../forward/request-writer.ts';
import {
  INTERNAL_ERROR,
  type UpstreamConnection,
  type UpstreamUser,
} from '../forward/upstream-connection.ts';
import type { PodPool } from '../forward/upstream-pool.ts';
import type { Piece } from '../http1/chunk-scanner.ts';
import { keepsAlive } from '../http1/connection-options.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { writePieces } from '../write-pieces.ts';
import type { AttemptOptions, AttemptOwner } from './attempt-owner.ts';
import { switchesTo } from './upgrade-request.ts';

const NEVER = Number.POSITIVE_INFINITY;
/** Bytes that may wait towards a Pod that does not read, before the client is paused. */
const MAX_QUEUED = 64 * 1024;
/** Interim answers (1xx) to one request before the Pod is thought to babble. */
const MAX_INTERIM = 32;

/** One try of one request on one Pod: its connection from taking to giving back, and what was seen on it. */
export class Attempt implements UpstreamUser {
  readonly pod: PodView;
  readonly pool: PodPool;
  readonly backend: BackendSnapshot;
  /** Bytes of the request go upstream. */
  sending = false;
  /** When the whole answer is overdue (monotonic milliseconds). */
  deadlineMs = NEVER;
  readonly #owner: AttemptOwner;
  readonly #options: AttemptOptions;
  #connection: UpstreamConnection | null = null;
  #answering = false;
  #relayed = false;
  #interims = 0;
  #over = false;
  #paused = false;
  #counted = false;
  #method = '';

  constructor(
    owner: AttemptOwner,
    pod: PodView,
    pool: PodPool,
    backend: BackendSnapshot,
    options: AttemptOptions,
  ) {
    this.#owner = owner;
    this.pod = pod;
    this.pool = pool;
    this.backend = backend;
    this.#options = options;
  }

  start(): void {
    this.pool.begin();
    this.#takeOrConnect();
  }

  #takeOrConnect(): void {
    this.#connection = this.#options.plain ? null : this.pool.take(this);
    if (this.#connection !== null) return;
    const { connectTimeoutMs } = this.backend.config.connection;
    this.#connection = this.pool.open(this.pod, connectTimeoutMs, this, this.#options.plain);
  }

  /** Where an upstream connection is bound to one client (C08): the attempt uses it if it still lives. */
  startOn(connection: UpstreamConnection): void {
    this.pool.begin();
    connection.use(this);
    this.#connection = connection;
  }

  get connection(): UpstreamConnection | null {
    return this.#connection;
  }

  onReady(): void {
    if (this.#owner.mayStillSend(this.pod)) {
      this.#owner.sendTo(this);
      return;
    }
    this.abort();
    this.#owner.rerouted();
  }

  onUnopened({ kind, reason }: DialFailure): void {
    this.#connection = null;
    if (kind === 'local') {
      this.count('local_error');
      this.pool.localError(reason);
      this.#end();
      this.#owner.notAsked(this, reason);
      return;
    }
    this.count('connect_failed');
    this.pool.failing = true;
    this.#end();
    this.#owner.connectFailed(this, reason);
  }

  /** Writes the head with the body so far. @returns whether the Pod takes more at once */
  send(
    head: RequestHead,
    peer: string,
    hopName: string,
    upgrade: string | null,
    pod: PodView,
    pieces: readonly Piece[],
    without: ReadonlySet<string> | null = null,
  ): boolean {
    this.sending = true;
    this.#method = head.method;
    const connection = this.#connection!;
    connection.reader.begin();
    this.deadlineMs = this.#options.timeoutMs > 0 ? monotonicMs() + this.#options.timeoutMs : NEVER;
    const fallbackHost = pod.dnsName.includes(':') ? `[${pod.dnsName}]` : pod.dnsName;
    const text = writeRequestHead(head, { peer, name: hopName }, { upgrade, without, fallbackHost });
    writePieces(connection.socket, text, pieces);
    return connection.socket.writableLength <= MAX_QUEUED;
  }

  /** @returns whether the Pod takes more at once */
  write(pieces: readonly Piece[]): boolean {
    const { socket } = this.#connection!;
    writePieces(socket, '', pieces);
    return socket.writableLength <= MAX_QUEUED;
  }

  /** Whether the kernel has taken all that was written. */
  get isFlushed(): boolean {
    return this.#connection?.socket.writableLength === 0;
  }

  /** Calls once the kernel has taken all that was written; never if the connection ends before. */
  whenFlushed(done: () => void): void {
    this.#connection?.socket.write('', (error) => {
      if (!error) done();
    });
  }

  onDrain(): void {
    this.#owner.upstreamDrained();
  }

  onBytes(bytes: Buffer, end: number): void {
    const connection = this.#connection!;
    const { reader } = connection;
    let at = this.#answering ? 0 : this.#readHeads(connection, bytes, end);
    if (at < 0) return;
    const pieces: Piece[] = [];
    if (!reader.complete) {
      at = reader.readBody(bytes, at, end, pieces);
      if (at < 0) {
        this.#failed('protocol', reader.error);
        return;
      }
      // Of unknown length, and more of it waits.
      if (end === bytes.length && reader.framing !== 'length') connection.expectBody(this.#options.mostRead);
    }
    if (!this.#relayed) {
      this.#relayed = true;
      this.#owner.relay(this, reader, pieces);
    } else if (pieces.length > 0) this.#owner.relayBody(this, pieces);
    if (reader.complete && !this.#over) this.#complete(connection, at < end);
  }

  /** Reads heads up to the final one. @returns the index of the body's first byte, or -1: not yet, or over */
  #readHeads(connection: UpstreamConnection, bytes: Buffer, end: number): number {
    const { reader } = connection;
    if (!this.sending) {
      // They came while it idled and say nothing about this request, which another connection takes.
      this.#connection = null;
      this.pool.poisoned(connection);
      this.#takeOrConnect();
      return -1;
    }
    let at = 0;
    for (;;) {
      at = reader.readHead(bytes, at, end);
      if (at === 0) return -1;
      if (at < 0) return this.#failed('protocol', reader.error);
      const { status } = reader.head;
      if (status === 101) return this.#switch(bytes.subarray(at, end));
      if (status >= 200) {
        if (!this.#owner.answered(this, reader)) return -1;
        this.#answering = true;
        reader.beginBody(this.#method, this.#options.mode);
        connection.expectBody(Math.min(reader.remaining, this.#options.mostRead));
        return at;
      }
      if (++this.#interims > MAX_INTERIM)
        return this.#failed('protocol', `more than ${MAX_INTERIM} interim answers`);
      this.#owner.interim(this, reader);
      reader.next();
      if (at === end) return -1;
    }
  }

  onClosed(error: string | null): void {
    const connection = this.#connection!;
    this.#connection = null;
    const { reader } = connection;
    // After a mistake another connection would most likely meet it again.
    if (!this.sending && error !== INTERNAL_ERROR) {
      // It ended while it idled: nothing was sent, and nothing has failed.
      this.#takeOrConnect();
      return;
    }
    if (this.#answering && reader.framing === 'close' && error === null) {
      reader.complete = true;
      this.#succeeded();
      this.#end();
      this.#owner.finished(this, reader);
      return;
    }
    const what = error === null ? 'closed the connection' : `connection broke (${error})`;
    const when = this.#answering || reader.inHead ? 'amid its answer' : 'before it answered';
    this.#failed('reset', `${what} ${when}`);
  }

  crashed(error: unknown): void {
    this.#owner.crashed(error);
  }

  /** Lets go of the connection without an outcome: the client left, another Pod answered first, a timeout. */
  abort(): void {
    const connection = this.#connection;
    this.#connection = null;
    connection?.destroy();
    if (this.sending && !this.#counted) this.count('cancelled');
    this.#end();
  }

  /** As `UpstreamConnection.lendBuffer`; null: there is none to give back. */
  lendBuffer(): Buffer | null {
    return this.#connection?.lendBuffer() ?? null;
  }

  /** The client takes no more for now. */
  pause(): void {
    if (this.#connection === null || this.#over) return;
    this.#paused = true;
    this.#connection.socket.pause();
  }

  /** The client has taken all that was written to it. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#connection?.socket.resume();
  }

  count(result: string): void {
    this.#counted = true;
    this.pool.result(result).value++;
  }

  #succeeded(): void {
    this.#counted = true;
    this.pool.ok.value++;
    if (!this.pool.failing) return;
    this.pool.failing = false;
    this.pool.reportOk();
  }

  #complete(connection: UpstreamConnection, surplus: boolean): void {
    const { reader } = connection;
    this.#succeeded();
    this.#connection = null;
    connection.expectBody(0);
    if (this.#paused) connection.socket.resume();
    if (surplus) this.pool.poisoned(connection);
    else this.#giveBack(connection, keepsAlive(reader.head) && reader.framing !== 'close');
    this.#end();
    this.#owner.finished(this, reader);
  }

  /** A connection may be used again only after a whole request and a whole answer. */
  #giveBack(connection: UpstreamConnection, reusable: boolean): void {
    const isWhole = this.#owner.wholeRequest && connection.socket.writableLength === 0;
    if (!reusable || !isWhole || this.#options.plain) connection.destroy();
    else if (this.#owner.bind(connection)) {
      // Nobody uses it until its client asks again: what comes meanwhile is unsolicited, and its end concerns no request.
      connection.user = null;
    } else {
      const idleMs = idleTimeMs(connection.reader.head, this.backend.config.connection.idleTimeoutMs);
      this.pool.release(connection, idleMs, monotonicMs());
    }
  }

  #switch(rest: Buffer): -1 {
    const connection = this.#connection!;
    const { head } = connection.reader;
    if (!switchesTo(this.#owner.upgradeProtocol, head))
      return this.#failed('protocol', 'a 101 to a protocol that was not asked for');
    this.count('ok');
    this.#over = true;
    this.#owner.switched(this, connection.reader, Buffer.from(rest));
    return -1;
  }

  #failed(kind: 'reset' | 'protocol', detail: string): -1 {
    const connection = this.#connection;
    this.#connection = null;
    connection?.destroy();
    this.count(kind);
    this.pool.failing = true;
    this.#end();
    this.#owner.failed(this, kind, detail);
    return -1;
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.pool.end();
  }
}
