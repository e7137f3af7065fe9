import type { Socket } from 'node:net';
import { monotonicMs } from '../../platform/clock.ts';
import type { InputGate } from './input-gate.ts';

/** After an early answer the rest of the request is read for so long, or so far, that the client can read the answer. */
const LINGER_MS = 500;
const LINGER_BYTES = 1024 * 1024;

/**
 * The end of a connection that closes after its answer: this side ends, what still comes is read and dropped. A socket
 * closed with unread input would be reset, and the reset could reach the client before it has read the answer.
 */
export class Linger {
  deadlineMs: number;
  readonly #socket: Socket;
  readonly #gate: InputGate;
  /** How long what is written may wait for a client that reads slowly. */
  readonly #flushMs: number;
  #dropped = 0;
  #flushing = false;

  constructor(socket: Socket, gate: InputGate, flushMs: number) {
    this.#socket = socket;
    this.#gate = gate;
    this.#flushMs = flushMs;
    this.deadlineMs = monotonicMs() + LINGER_MS;
    gate.resume();
    socket.end();
  }

  drop(bytes: number): void {
    this.#dropped += bytes;
    if (this.#dropped > LINGER_BYTES) this.#gate.pause();
  }

  expire(): void {
    const isUnread = this.#socket.writableLength > 0 && this.#dropped <= LINGER_BYTES;
    if (isUnread && !this.#flushing) {
      this.#flushing = true;
      this.deadlineMs = monotonicMs() + this.#flushMs;
    } else this.#socket.destroy();
  }
}
