import { monotonicMs } from '../../platform/clock.ts';
import type { DialFailure } from '../../platform/dialer.ts';
import { guarded } from '../../platform/guard.ts';
import { looksLikeTls } from '../../platform/tls/failure.ts';
import type { TlsTerms } from '../../platform/tls/handshake.ts';
import type { ChunkMode } from '../http1/chunk-scanner.ts';
import { isConnectionBound } from '../http1/connection-bound.ts';
import { keepsAlive } from '../http1/connection-options.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { switchesTo, upgradeOf } from '../http1/upgrade.ts';
import { NO_FIELDS, type Piece } from '../stream/message.ts';
import type { RawStream } from '../stream/raw.ts';
import type { Ask, Lent, Taken, Upstream, UpstreamEvents } from '../stream/upstream.ts';
import { writePieces } from '../write-pieces.ts';
import { idleTimeMs } from './idle-time.ts';
import { RawSide } from './raw-side.ts';
import { giveBack, letGo } from './read-buffers.ts';
import { writeRequestHead } from './request-writer.ts';
import { INTERNAL_ERROR, UpstreamConnection, type UpstreamUser } from './upstream-connection.ts';
import type { PodPool } from './upstream-pool.ts';

/** Bytes that may wait towards a Pod that does not read, before the client is paused. */
const MAX_QUEUED = 64 * 1024;
/** Interim answers (1xx) to one request before the Pod is thought to babble. */
const MAX_INTERIM = 32;

/**
 * How far it has got:
 * - `opening`: a connection is opened, or an idle one is looked at once more; nothing was sent;
 * - `asked`: bytes of the request went to it;
 * - `answering`: the final head has come and is being told;
 * - `relaying`: it was told;
 * - `switched`: the Pod has answered with a 101, and the connection is to be taken over;
 * - `over`: it has told of its end, was aborted or taken over.
 */
type State = 'opening' | 'asked' | 'answering' | 'relaying' | 'switched' | 'over';

/** One try of one request on one Pod, over HTTP/1.1: its connection from taking to giving back, and what was seen on it. */
export class H1Upstream implements Upstream, UpstreamUser {
  readonly #ask: Ask;
  readonly #request: RequestHead;
  readonly #events: UpstreamEvents;
  readonly #pool: PodPool;
  readonly #hopName: string;
  readonly #tls: TlsTerms | null;
  /** What it asks to upgrade to: then the connection becomes a tunnel if the Pod agrees, a fresh one that is never given back. */
  readonly #upgrade: string | null;
  #state: State = 'opening';
  #connection: UpstreamConnection | null = null;
  /** All of the request's body was handed on: else the connection cannot serve another request. */
  #isWhole = false;
  #isPaused = false;
  /** When its head was sent (monotonic milliseconds); 0: it was not. */
  #sentMs = 0;
  #interims = 0;
  /** What came behind a 101. */
  #rest: Buffer | null = null;

  /** @param tls how the Pod is spoken to; null: plain. @param hopName this process's name in `Via` */
  constructor(
    ask: Ask,
    request: RequestHead,
    events: UpstreamEvents,
    pool: PodPool,
    tls: TlsTerms | null,
    hopName: string,
  ) {
    this.#ask = ask;
    this.#request = request;
    this.#events = events;
    this.#pool = pool;
    this.#hopName = hopName;
    this.#tls = tls;
    this.#upgrade = ask.gathered === null ? upgradeOf(request) : null;
    pool.begin();
    const connection = this.#bound();
    if (connection === null) this.#takeOrConnect();
    else {
      connection.use(this);
      this.#connection = connection;
    }
  }

  /** The connection that is this client's alone (C08), if it leads to this Pod and still lives. */
  #bound(): UpstreamConnection | null {
    const { asker, pod, gathered } = this.#ask;
    if (gathered !== null) return null;
    const { bound } = asker;
    return bound instanceof UpstreamConnection && bound.podId === pod.id && !bound.closed ? bound : null;
  }

  #takeOrConnect(): void {
    const isPlain = this.#upgrade !== null;
    const tls = this.#tls;
    this.#connection = isPlain ? null : this.#pool.take(this, tls === null ? null : tls.client.inForce);
    if (this.#connection !== null) return;
    const { pod, snapshot } = this.#ask;
    const { connectTimeoutMs } = snapshot.config.connection;
    this.#connection = this.#pool.open(pod, connectTimeoutMs, tls, this, isPlain);
  }

  onReady(): void {
    this.#events.opened();
  }

  onUnopened({ kind, reason, tls }: DialFailure): void {
    this.#connection = null;
    if (tls !== undefined) this.#pool.tlsFailed(tls);
    const isLocal = kind === 'local';
    if (isLocal) this.#pool.localError(reason);
    else this.#pool.failing = true;
    this.#end(isLocal ? 'local_error' : 'connect_failed');
    this.#events.unopened(isLocal ? 'local' : 'pod', reason);
  }

  send(pieces: readonly Piece[], isLast: boolean): Taken | 'closed' {
    const connection = this.#connection;
    if (connection === null || !connection.connected || connection.closed) return 'closed';
    const { asker, pod, gathered } = this.#ask;
    this.#state = 'asked';
    this.#sentMs = monotonicMs();
    connection.reader.begin();
    const fallbackHost = pod.dnsName.includes(':') ? `[${pod.dnsName}]` : pod.dnsName;
    const options = { upgrade: this.#upgrade, without: gathered?.without ?? null, fallbackHost };
    const hop = { peer: asker.peer, name: this.#hopName };
    return this.#write(writeRequestHead(this.#request, hop, options), pieces, isLast);
  }

  write(pieces: readonly Piece[], isLast: boolean): Taken {
    return this.#write('', pieces, isLast);
  }

  #write(head: string, pieces: readonly Piece[], isLast: boolean): Taken {
    this.#isWhole = isLast;
    const { socket } = this.#connection!;
    writePieces(socket, head, pieces);
    const { writableLength } = socket;
    return writableLength === 0 ? 'all' : writableLength <= MAX_QUEUED ? 'waits' : 'full';
  }

  whenFlushed(done: () => void): void {
    this.#connection?.socket.write('', (error) => {
      if (!error) done();
    });
  }

  onDrain(): void {
    this.#events.drained();
  }

  onBytes(bytes: Buffer, end: number): void {
    const connection = this.#connection!;
    const { reader } = connection;
    let at = this.#isAnswering ? 0 : this.#readHeads(connection, bytes, end);
    if (at < 0) return;
    const pieces: Piece[] = [];
    if (!reader.complete) {
      at = reader.readBody(bytes, at, end, pieces);
      if (at < 0) {
        this.#failed('protocol', reader.error);
        return;
      }
      // Of unknown length, and more of it waits.
      if (end === bytes.length && reader.framing !== 'length') connection.expectBody(this.#mostRead);
    }
    if (this.#state === 'answering') {
      this.#state = 'relaying';
      this.#events.received(pieces);
    } else if (pieces.length > 0) this.#events.received(pieces);
    if (reader.complete && this.#isAnswering) this.#complete(connection, at < end);
  }

  get #isAnswering(): boolean {
    return this.#state === 'answering' || this.#state === 'relaying';
  }

  get #mostRead(): number {
    return this.#ask.gathered?.mostRead ?? Number.POSITIVE_INFINITY;
  }

  /** Chunks go on as chunks where the client knows them. */
  get #mode(): ChunkMode {
    return this.#ask.gathered !== null || this.#request.minor === 0 ? 'data' : 'framed';
  }

  /** Reads heads up to the final one. @returns the index of the body's first byte, or -1: not yet, or over */
  #readHeads(connection: UpstreamConnection, bytes: Buffer, end: number): number {
    const { reader } = connection;
    if (this.#state === 'opening') {
      // They came while it idled and say nothing about this request, which another connection takes.
      this.#connection = null;
      this.#pool.poisoned(connection);
      this.#takeOrConnect();
      return -1;
    }
    let at = 0;
    for (;;) {
      at = reader.readHead(bytes, at, end);
      if (at === 0) return -1;
      if (at < 0) return this.#failed('protocol', this.#spokeTls(bytes) ?? reader.error);
      const { status } = reader.head;
      if (status === 101) return this.#switch(bytes.subarray(at, end));
      if (status >= 200) {
        reader.beginBody(this.#request.method, this.#mode);
        this.#state = 'answering';
        this.#pool.answered(status);
        this.#events.head(reader);
        if (!this.#isAnswering) return -1;
        connection.expectBody(Math.min(reader.remaining, this.#mostRead));
        return at;
      }
      if (++this.#interims > MAX_INTERIM)
        return this.#failed('protocol', `more than ${MAX_INTERIM} interim answers`);
      this.#events.head(reader);
      reader.next();
      if (at === end) return -1;
    }
  }

  /** What to say of an answer in TLS to plain text; null: it is none. */
  #spokeTls(bytes: Buffer): string | null {
    if (this.#tls !== null || !looksLikeTls(bytes)) return null;
    this.#pool.tlsFailed('tls_expected');
    return 'TLS, and plain text was sent: write tls under the backend';
  }

  onClosed(error: string | null): void {
    const { reader } = this.#connection!;
    this.#connection = null;
    // After a mistake another connection would most likely meet it again.
    if (this.#state === 'opening' && error !== INTERNAL_ERROR) {
      // It ended while it idled: nothing was sent, and nothing has failed.
      this.#takeOrConnect();
      return;
    }
    if (this.#isAnswering && reader.framing === 'close' && error === null) {
      reader.complete = true;
      this.#succeeded(monotonicMs());
      this.#events.ended(NO_FIELDS);
      return;
    }
    const what = error === null ? 'closed the connection' : `connection broke (${error})`;
    const when = this.#isAnswering || reader.inHead ? 'amid its answer' : 'before it answered';
    this.#failed('reset', `${what} ${when}`);
  }

  crashed(error: unknown): void {
    this.#events.crashed(error);
  }

  abort(result?: string): void {
    const connection = this.#connection;
    this.#connection = null;
    connection?.destroy();
    this.#end(result ?? (this.#state === 'opening' ? null : 'cancelled'));
  }

  lend(): Lent | null {
    const buffer = this.#connection?.lendBuffer();
    if (buffer === undefined) return null;
    return { giveBack: (isUnused) => (isUnused ? giveBack(buffer) : letGo(buffer)) };
  }

  pause(): void {
    if (this.#connection === null || this.#state === 'over') return;
    this.#isPaused = true;
    this.#connection.socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#connection?.socket.resume();
  }

  takeOver(): RawStream {
    this.#pool.result('ok').value++;
    this.#state = 'over';
    const connection = this.#connection!;
    this.#connection = null;
    return new RawSide(connection.detach(), this.#rest, this.#pool);
  }

  #succeeded(nowMs: number): void {
    this.#pool.ok.value++;
    if (this.#pool.failing) {
      this.#pool.failing = false;
      this.#pool.reportOk();
    }
    this.#end(null, nowMs);
  }

  #complete(connection: UpstreamConnection, surplus: boolean): void {
    const { reader } = connection;
    const nowMs = monotonicMs();
    this.#connection = null;
    connection.expectBody(0);
    if (this.#isPaused) connection.socket.resume();
    if (surplus) this.#pool.poisoned(connection);
    else this.#giveBack(connection, keepsAlive(reader.head) && reader.framing !== 'close', nowMs);
    this.#succeeded(nowMs);
    this.#events.ended(reader.trailers);
  }

  /** A connection may be used again only after a whole request and a whole answer. */
  #giveBack(connection: UpstreamConnection, isReusable: boolean, nowMs: number): void {
    if (this.#tls !== null && isReusable && this.#isWhole && connection.socket.writableLength > 0) {
      // Over TLS an answer may come before Node has told that the kernel took the request: it does in this turn.
      connection.user = null;
      setImmediate(
        guarded('pod', () => this.#settle(connection, connection.socket.writableLength === 0, nowMs)),
      );
    } else this.#settle(connection, isReusable, nowMs);
  }

  #settle(connection: UpstreamConnection, isReusable: boolean, nowMs: number): void {
    if (connection.closed) return;
    const isWhole = this.#isWhole && connection.socket.writableLength === 0;
    if (!isReusable || !isWhole || this.#upgrade !== null) connection.destroy();
    else if (this.#bind(connection)) {
      // Nobody uses it until its client asks again: what comes meanwhile is unsolicited, and its end concerns no request.
      connection.user = null;
    } else {
      const idleMs = idleTimeMs(connection.reader.head, this.#ask.snapshot.config.connection.idleTimeoutMs);
      this.#pool.release(connection, idleMs, nowMs);
    }
  }

  /** Keeps the connection for this client alone, if that is how it authenticates. @returns whether it did */
  #bind(connection: UpstreamConnection): boolean {
    const { asker, gathered } = this.#ask;
    if (gathered !== null) return false;
    if (asker.bound === connection) return true;
    if (!isConnectionBound(this.#request, connection.reader.head)) return false;
    asker.bound?.destroy();
    asker.bound = connection;
    return true;
  }

  #switch(rest: Buffer): -1 {
    const { reader } = this.#connection!;
    if (!switchesTo(this.#upgrade, reader.head))
      return this.#failed('protocol', 'a 101 to a protocol that was not asked for');
    this.#state = 'switched';
    this.#pool.answered(101);
    if (rest.length > 0) this.#rest = Buffer.from(rest);
    this.#events.head(reader);
    return -1;
  }

  #failed(kind: 'reset' | 'protocol', detail: string): -1 {
    const connection = this.#connection;
    this.#connection = null;
    connection?.destroy();
    this.#pool.failing = true;
    this.#end(kind);
    this.#events.broken(kind, detail);
    return -1;
  }

  /** @param result what it counts as; null: nothing, or it is counted already */
  #end(result: string | null, nowMs = monotonicMs()): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    if (result !== null) this.#pool.result(result).value++;
    // Whoever was not waited for to the end has not had so long.
    if (this.#sentMs > 0 && result !== 'cancelled') this.#pool.took(nowMs - this.#sentMs);
    this.#pool.end();
  }
}
