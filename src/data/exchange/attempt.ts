import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import { writeRequestHead } from '../forward/request-writer.ts';
import type { UpstreamConnection, UpstreamUser } from '../forward/upstream-connection.ts';
import type { PodPool } from '../forward/upstream-pool.ts';
import type { ChunkMode, Piece } from '../http1/chunk-scanner.ts';
import * as names from '../http1/field-names.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseReader } from '../http1/response-reader.ts';

const NEVER = Number.POSITIVE_INFINITY;
/** Bytes that may wait towards a Pod that does not read, before the client is paused. */
const MAX_QUEUED = 64 * 1024;
/** Interim answers (1xx) to one request before the Pod is thought to babble. */
const MAX_INTERIM = 32;
/** Body pieces up to this size travel in one write with the head. */
const JOINED_BODY = 16 * 1024;
const LARGE_BODY = 64 * 1024;

/** Whose attempt it is. After `connectFailed`, `failed`, `finished` and `switched` the attempt is over. */
export interface AttemptOwner {
  /** The protocol that the request asks to upgrade to, or null. */
  readonly upgradeProtocol: string | null;
  /** Whether all of the request's body was handed on: else the connection cannot serve another request. */
  readonly wholeRequest: boolean;
  /** Keeps the connection for this client alone (connection-bound authentication). @returns whether it did */
  bind(connection: UpstreamConnection): boolean;
  /** Asked right before the first byte goes to a fresh connection. */
  mayStillSend(pod: PodView): boolean;
  /** It may not: nothing was sent, pick again. */
  rerouted(): void;
  sendTo(attempt: Attempt): void;
  upstreamDrained(): void;
  connectFailed(attempt: Attempt, reason: string): void;
  interim(attempt: Attempt, reader: ResponseReader): void;
  /** @returns false: the answer is not wanted; the owner has aborted the attempt */
  answered(attempt: Attempt, reader: ResponseReader): boolean;
  relay(attempt: Attempt, reader: ResponseReader, pieces: readonly Piece[]): void;
  relayBody(attempt: Attempt, pieces: readonly Piece[]): void;
  finished(attempt: Attempt, reader: ResponseReader): void;
  failed(attempt: Attempt, kind: 'reset' | 'protocol', detail: string): void;
  switched(attempt: Attempt, reader: ResponseReader, rest: Buffer): void;
}

export interface AttemptOptions {
  /** The connection becomes a tunnel if the Pod agrees: a fresh one, never given back. */
  readonly plain: boolean;
  /** For the whole answer; 0: no limit. */
  readonly timeoutMs: number;
  /** What becomes of a chunked answer. */
  readonly mode: ChunkMode;
}

/** One try of one request on one Pod: its connection from taking to giving back, and what was seen on it. */
export class Attempt implements UpstreamUser {
  readonly pod: PodView;
  readonly pool: PodPool;
  readonly backend: BackendSnapshot;
  /** Bytes of the request go upstream. */
  sending = false;
  /** When connecting, later the whole answer, is overdue (monotonic milliseconds). */
  deadlineMs = NEVER;
  readonly #owner: AttemptOwner;
  readonly #options: AttemptOptions;
  #connection: UpstreamConnection | null = null;
  #address = 0;
  #answering = false;
  #relayed = false;
  #interims = 0;
  #over = false;
  #paused = false;
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
    const idle = this.#options.plain ? null : this.pool.take(this);
    if (idle !== null) {
      this.#connection = idle;
      this.#owner.sendTo(this);
    } else this.#connect();
  }

  /** Where an upstream connection is bound to one client (C08): the attempt uses it if it still lives. */
  startOn(connection: UpstreamConnection): void {
    this.pool.begin();
    connection.user = this;
    this.#connection = connection;
    this.#owner.sendTo(this);
  }

  get connection(): UpstreamConnection | null {
    return this.#connection;
  }

  #connect(): void {
    const { addresses } = this.pod;
    const { connectTimeoutMs } = this.backend.config.connection;
    const isLast = this.#address === addresses.length - 1;
    this.deadlineMs = performance.now() + (isLast ? connectTimeoutMs : connectTimeoutMs / 2);
    this.#connection = this.pool.open(this.pod, addresses[this.#address]!, this, this.#options.plain);
  }

  onConnect(): void {
    if (this.#owner.mayStillSend(this.pod)) {
      this.#owner.sendTo(this);
      return;
    }
    this.abort();
    this.#owner.rerouted();
  }

  connectTimedOut(): void {
    this.#connectFailed(`no connection within ${this.backend.config.connection.connectTimeoutMs} ms`);
  }

  #connectFailed(reason: string): void {
    const connection = this.#connection;
    this.#connection = null;
    connection?.destroy();
    if (this.#address + 1 < this.pod.addresses.length) {
      this.#address++;
      this.#connect();
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
    this.deadlineMs = this.#options.timeoutMs > 0 ? performance.now() + this.#options.timeoutMs : NEVER;
    const fallbackHost = pod.dnsName.includes(':') ? `[${pod.dnsName}]` : pod.dnsName;
    const text = writeRequestHead(head, { peer, name: hopName }, { upgrade, without, fallbackHost });
    if (pieces.length === 0) {
      connection.socket.write(text, 'latin1');
      return true;
    }
    return this.#writePieces(text, pieces);
  }

  /** @returns whether the Pod takes more at once */
  write(pieces: readonly Piece[]): boolean {
    return this.#writePieces('', pieces);
  }

  #writePieces(head: string, pieces: readonly Piece[]): boolean {
    const { socket } = this.#connection!;
    let text = head;
    for (const piece of pieces) {
      if (typeof piece === 'string') text += piece;
      else if (piece.length <= JOINED_BODY && (text !== '' || pieces.length > 1))
        text += piece.toString('latin1');
      else {
        if (text !== '') socket.write(text, 'latin1');
        text = '';
        socket.write(piece);
      }
    }
    if (text !== '') socket.write(text, 'latin1');
    return socket.writableLength <= MAX_QUEUED;
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
    if (!this.sending) return this.#failed('protocol', 'bytes before it was asked anything');
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
        if (reader.remaining > LARGE_BODY) connection.readLarge(true);
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
    if (!connection.connected) {
      this.#connectFailed(error ?? 'closed at once');
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

  /** Lets go of the connection without an outcome: the client left, another Pod answered first, a timeout. */
  abort(): void {
    const connection = this.#connection;
    this.#connection = null;
    connection?.destroy();
    this.#end();
  }

  keepBuffer(): void {
    this.#connection?.keepBuffer();
  }

  /** The client takes no more for now. */
  pause(): void {
    if (this.#connection === null || this.#over) return;
    this.#paused = true;
    this.#connection.socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#connection?.socket.resume();
  }

  count(result: string): void {
    this.pool.result(result).value++;
  }

  #succeeded(): void {
    this.pool.ok.value++;
    if (!this.pool.failing) return;
    this.pool.failing = false;
    this.pool.reportOk();
  }

  #complete(connection: UpstreamConnection, surplus: boolean): void {
    const { reader } = connection;
    const { head } = reader;
    this.#succeeded();
    this.#connection = null;
    connection.readLarge(false);
    connection.served++;
    if (this.#paused) connection.socket.resume();
    if (surplus) this.pool.poisoned(connection);
    else {
      const isKept =
        head.minor === 1 ? !head.connection.close : head.connection.keepAlive && !head.connection.close;
      this.#giveBack(connection, isKept && reader.framing !== 'close');
    }
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
    } else this.pool.release(connection, this.#idleMs(connection), performance.now());
  }

  /** Shorter than what the Pod announces (`Keep-Alive: timeout`, RFC 9112 section 9.3), so that it never closes first. */
  #idleMs(connection: UpstreamConnection): number {
    const { idleTimeoutMs } = this.backend.config.connection;
    const { head } = connection.reader;
    const i = head.fields.find(names.KEEP_ALIVE);
    if (i < 0) return idleTimeoutMs;
    const announced = /(?:^|[ ,])timeout=(\d{1,6})/i.exec(head.value(i));
    if (announced === null) return idleTimeoutMs;
    const announcedMs = Number(announced[1]) * 1000;
    return Math.min(idleTimeoutMs, Math.max(announcedMs / 2, announcedMs - 1000));
  }

  #switch(rest: Buffer): -1 {
    const connection = this.#connection!;
    const { head } = connection.reader;
    const asked = this.#owner.upgradeProtocol;
    const i = head.fields.find(names.UPGRADE);
    const got = i < 0 ? undefined : head.value(i);
    if (asked === null || !head.connection.upgrade || got === undefined || !offers(asked, got)) {
      return this.#failed('protocol', 'a 101 to a protocol that was not asked for');
    }
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

/** Whether each protocol of the answer was asked for. */
function offers(asked: string, got: string): boolean {
  const offered = new Set(asked.split(',').map((name) => name.trim().toLowerCase()));
  return got.split(',').every((name) => offered.has(name.trim().toLowerCase()));
}
