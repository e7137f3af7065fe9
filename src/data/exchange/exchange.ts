import type { Socket } from 'node:net';
import type { UpstreamConnection } from '../forward/upstream-connection.ts';
import type { Piece } from '../http1/chunk-scanner.ts';
import type { FanOutMemory } from './fan-out-memory.ts';

/** What an exchange that begins anew takes along. */
export interface Carried {
  /** When the request came (monotonic milliseconds). */
  readonly startedMs: number;
  /** Whether a byte of it went to a Pod. */
  readonly sent: boolean;
  /** Its body as far as it is here. */
  readonly body: readonly Piece[];
  readonly complete: boolean;
}

/** The client's connection, as an exchange uses it. */
export interface Downstream {
  readonly socket: Socket;
  /** Address of the peer. */
  readonly peer: string;
  /** Whether the connection will close after the present answer whatever it is (shutdown). */
  readonly closing: boolean;
  /** What the fan-outs of its listener hold. */
  readonly fanOutMemory: FanOutMemory;
  /** Reads no more of the request's body until `resume`. */
  pause(): void;
  resume(): void;
  /** The exchange is over and its answer written. @param keep the connection may serve another request */
  finished(keep: boolean): void;
  /** The answer broke off: ends the connection so that it cannot look whole. @param reset a FIN would look like its end */
  cut(reset: boolean): void;
  /** The upstream connection that is this client's alone, or null. */
  readonly bound: UpstreamConnection | null;
  bind(connection: UpstreamConnection): void;
  /** A reload gave the request another kind of rule, or none: it begins anew, as if its head had just come. */
  restart(request: Carried): void;
  /** Hands the socket over to a tunnel. @returns the bytes read but not used */
  detach(): Buffer | null;
}

/** One request and its answer, as the client's connection drives it. */
export interface Exchange {
  /** When `expire` is due (monotonic milliseconds). */
  readonly deadlineMs: number;
  /** Whether the exchange waits for the rest of the request's body (`timeouts.body` runs). */
  readonly awaitsBody: boolean;
  /** Bytes of the request's body; views of a buffer that is not used again. */
  body(pieces: readonly Piece[], complete: boolean): void;
  bodyFailed(failure: 'body_invalid' | 'body_timeout', detail: string): void;
  /** The client ended or reset its connection. */
  clientGone(): void;
  /** The client's socket has taken all that was written. */
  clientDrained(): void;
  expire(nowMs: number): void;
  /** The shutdown's time is over: answer what can be answered, cut the rest. */
  shutDown(): void;
}
