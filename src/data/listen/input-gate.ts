import type { Socket } from 'node:net';
import { monotonicMs } from '../../platform/clock.ts';
import type { PeerWatch } from '../../platform/peer-watch.ts';

/** Input stopped for so long is watched for its client's end, which Node sees only by reading. */
const WATCH_AFTER_MS = 100;

/** Stops and starts reading from a client. While it is stopped for long, a client that leaves is noticed all the same. */
export class InputGate {
  readonly #socket: Socket;
  readonly #peers: PeerWatch;
  #pausedAtMs = -1;
  #unwatch: (() => void) | null = null;

  constructor(socket: Socket, peers: PeerWatch) {
    this.#socket = socket;
    this.#peers = peers;
  }

  pause(): void {
    if (this.#pausedAtMs >= 0) return;
    this.#pausedAtMs = monotonicMs();
    this.#socket.pause();
  }

  resume(): void {
    if (this.#pausedAtMs < 0) return;
    this.endWatch();
    this.#pausedAtMs = -1;
    this.#socket.resume();
  }

  /** Called some twenty times a second while a request is in hand. */
  tick(nowMs: number): void {
    if (this.#pausedAtMs >= 0 && nowMs - this.#pausedAtMs > WATCH_AFTER_MS) this.#watch();
  }

  get isPaused(): boolean {
    return this.#pausedAtMs >= 0;
  }

  /** Looks now whether the client has left; then its socket is destroyed before this resolves. */
  check(): Promise<void> {
    this.#watch();
    return this.#peers.check();
  }

  #watch(): void {
    this.#unwatch ??= this.#peers.watch(this.#socket, () => this.#socket.destroy());
  }

  endWatch(): void {
    this.#unwatch?.();
    this.#unwatch = null;
  }
}
