import type { OnReadOpts, Socket } from 'node:net';
import type { PodView } from '../../model/pod.ts';
import type { Dial, Dialer, DialFailure, DialUser } from '../../platform/dialer.ts';
import { wasReset } from '../../platform/reset.ts';
import type { InForce } from '../../platform/tls/client.ts';
import type { TlsTerms } from '../../platform/tls/handshake.ts';
import type { TurnEnd, TurnTask } from '../../platform/turn-end.ts';
import { ResponseReader } from '../http1/response-reader.ts';
import { SOCKET_OPTIONS } from '../socket-options.ts';
import { readBeforeDestroy } from './read-before-destroy.ts';
import { bufferFor, giveBack, LEAST_BUFFER, letGo, SMALL_BUFFER, takeBuffer } from './read-buffers.ts';

/** What an upstream connection tells the request that uses it. */
export interface UpstreamUser {
  /** It may be written to: it is open, and what the Pod had sent or closed before has been seen. */
  onReady(): void;
  /**
   * Bytes `start` to `end`. The buffer is used again as soon as this returns: whoever keeps a view of it (a write that the
   * kernel did not take whole) must call `lendBuffer()`.
   */
  onBytes(bytes: Buffer, end: number): void;
  /** The kernel has taken all that was written. */
  onDrain(): void;
  /** The connection is over; `error` is null for a FIN. Called once, never after `release`. */
  onClosed(error: string | null): void;
  /** There is no connection. Called instead of all others. */
  onUnopened(failure: DialFailure): void;
  /** `onClosed` or `onUnopened` has thrown: ends what waits for an answer. */
  crashed(error: unknown): void;
}

/** What happens to connections that nobody uses. */
export interface IdleWatch {
  /** Bytes that no request asked for. */
  poisoned(connection: UpstreamConnection): void;
  closed(connection: UpstreamConnection): void;
  /** Its socket belongs to a tunnel from now on. */
  detached(connection: UpstreamConnection): void;
  /** A mistake of this program met while its bytes were handled. */
  crashed(connection: UpstreamConnection, error: unknown): void;
}

/** What opens a connection, and tells it of the end of a turn. */
export interface ConnectionDeps {
  readonly dialer: Dialer;
  readonly turn: TurnEnd;
}

/** What a mistake of this program says of the connection that it met. */
export const INTERNAL_ERROR = 'internal error';

const NO_BYTES = Buffer.alloc(0);

/**
 * One connection to a Pod, read through `onread` into a buffer of its own. It belongs to one request at a time (`user`), or
 * idles with the reader attached, so that a FIN or bytes nobody asked for are seen before it is used again.
 */
export class UpstreamConnection implements TurnTask, DialUser {
  readonly podId: number;
  /** From when it is `connected`. */
  socket!: Socket;
  readonly reader = new ResponseReader();
  user: UpstreamUser | null;
  connected = false;
  closed = false;
  /** The certificates by which it speaks TLS; null: it is plain. */
  readonly under: InForce | null;
  readonly #tls: TlsTerms | null;
  /** When it must not be used any more (monotonic milliseconds), while it idles. */
  idleUntilMs = 0;
  readonly #watch: IdleWatch;
  readonly #turn: TurnEnd;
  readonly #plain: boolean;
  readonly #dial: Dial;
  #buffer: Buffer = NO_BYTES;
  /** `#buffer` is somebody else's now. */
  #lent = false;
  #wanted = SMALL_BUFFER;
  #error: string | null = null;

  /**
   * @param timeoutMs for opening it, handshake included
   * @param plain read by events, for a connection that becomes a tunnel; one of TLS always is, for Node has no `onread` there
   */
  constructor(
    pod: PodView,
    timeoutMs: number,
    tls: TlsTerms | null,
    user: UpstreamUser,
    watch: IdleWatch,
    { dialer, turn }: ConnectionDeps,
    plain: boolean,
  ) {
    this.podId = pod.id;
    this.user = user;
    this.#watch = watch;
    this.#turn = turn;
    this.#tls = tls;
    this.under = tls === null ? null : tls.client.inForce;
    this.#plain = plain || tls !== null;
    if (!this.#plain) this.#buffer = takeBuffer(SMALL_BUFFER);
    const options = this.#plain ? SOCKET_OPTIONS : { ...SOCKET_OPTIONS, onread: this.#intoBuffer() };
    this.#dial = dialer.dial({ addresses: pod.addresses, port: pod.port, timeoutMs, options, tls }, this);
  }

  #intoBuffer(): OnReadOpts {
    return {
      buffer: () => this.#nextBuffer(),
      callback: (length, buffer) => {
        this.#onBytes(length, buffer as Buffer);
        return true;
      },
    };
  }

  opened(socket: Socket): void {
    this.socket = socket;
    this.connected = true;
    if (this.#plain) socket.on('data', (chunk: Buffer) => this.#onBytes(chunk.length, chunk));
    readBeforeDestroy(socket, () => this.closed);
    socket.on('drain', () => this.#guard(() => this.user?.onDrain()));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = error.code ?? error.message;
    });
    // A Pod that has ended its side answers nothing more: whatever is unread has been handed on before this.
    socket.on('end', () => {
      if (wasReset(socket)) this.#error ??= 'ECONNRESET';
      this.#guard(() => this.#over());
    });
    socket.on('close', () => this.#guard(() => this.#over()));
    this.#guard(() => this.user?.onReady());
  }

  unopened(failure: DialFailure): void {
    this.#end((user) => user.onUnopened(failure));
  }

  /**
   * Gives an idle connection to `user`, who is told at the end of the turn: what the Pod sent or closed while it idled comes
   * before the request, and cannot be taken for its answer. All requests of a turn are written in a row, which also costs
   * less (docs/performance.md).
   */
  use(user: UpstreamUser): void {
    this.user = user;
    this.#turn.add(this);
  }

  turnEnded(): void {
    try {
      // Reset while it idled: Node destroys the socket at once but says so only after this.
      if (this.socket.destroyed) this.#over();
      else this.user?.onReady();
    } catch (error) {
      this.#crashed(error);
    }
  }

  /**
   * The view handed to `onBytes` last stays in use: its buffer is the caller's, to be given back or let go of when it no longer
   * is. The next bytes go to another one.
   */
  lendBuffer(): Buffer {
    this.#lent = true;
    return this.#buffer;
  }

  /** Other certificates are in force by now: it serves no further request. */
  get isOutdated(): boolean {
    return this.#tls !== null && this.#tls.client.inForce !== this.under;
  }

  /** @param bytes how many are left of the body that is read; 0: it is over */
  expectBody(bytes: number): void {
    this.#wanted = bufferFor(bytes);
  }

  /** Takes the socket out for a tunnel; its bytes are the caller's from now on. Only for `plain` connections. */
  detach(): Socket {
    this.closed = true;
    this.user = null;
    for (const event of ['data', 'drain', 'end', 'close', 'error']) this.socket.removeAllListeners(event);
    this.#watch.detached(this);
    return this.socket;
  }

  destroy(): void {
    this.user = null;
    if (this.connected) this.socket.destroy();
    else if (!this.closed) this.#dial.cancel();
    this.#over();
  }

  /**
   * Asked for right after each read, also where the connection is paused then. Behind a lent buffer comes the least one, for as long
   * as the client may not read: a stalled download costs one large buffer, not two.
   */
  #nextBuffer(): Buffer {
    let size = this.#wanted;
    if (this.#lent) {
      this.#lent = false;
      size = LEAST_BUFFER;
    } else {
      if (this.#buffer.length === size || this.closed) return this.#buffer;
      giveBack(this.#buffer);
    }
    this.#buffer = takeBuffer(size);
    return this.#buffer;
  }

  #onBytes(length: number, buffer: Buffer): void {
    try {
      if (this.user !== null) this.user.onBytes(buffer, length);
      else if (!this.closed) this.#watch.poisoned(this);
    } catch (error) {
      this.#crashed(error);
    }
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#crashed(error);
    }
  }

  #crashed(error: unknown): void {
    this.#watch.crashed(this, error);
    this.#error = INTERNAL_ERROR;
    this.socket.destroy();
    if (!this.closed) this.#guard(() => this.#over());
  }

  #over(): void {
    this.#end((user) => user.onClosed(this.#error));
  }

  #end(tell: (user: UpstreamUser) => void): void {
    if (this.closed) return;
    this.closed = true;
    if (!this.#lent) letGo(this.#buffer);
    const { user } = this;
    this.user = null;
    if (this.connected && !this.socket.destroyed) this.socket.destroy();
    this.#watch.closed(this);
    try {
      if (user !== null) tell(user);
    } catch (error) {
      this.#watch.crashed(this, error);
      user!.crashed(error);
    }
  }
}
