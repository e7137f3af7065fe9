import type { ComposedHead, Fields, Piece, ResponseMessage } from './message.ts';
import type { ProblemDetails } from './problem.ts';
import type { RawStream } from './raw.ts';
import type { Asker, BodySource } from './upstream.ts';

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

/** The client of one request, as an exchange uses it. */
export interface Client extends Asker {
  /** Its address and port, for people. */
  readonly address: string;
  readonly answer: AnswerSink;
  /** Reads no more of the request's body until `resume`. */
  pause(): void;
  resume(): void;
  /**
   * Looks whether it is still there, as far as its end may lie behind bytes that are not read.
   * @param isThere called once: at once where nothing hides its end, never if it is gone
   */
  confirm(isThere: () => void): void;
  /** A reload gave the request another kind of rule, or none: it begins anew, as if its head had just come. */
  restart(request: Carried): void;
  /** Ends its connection so that nothing on it can look whole. */
  abort(): void;
}

/** An answer of headroute's own, as it was written. */
export interface Written {
  readonly status: number;
  readonly bytes: number;
}

/** Where the answer to one request goes. What returns a number returns how many bytes it handed to the client. */
export interface AnswerSink {
  /** An interim answer; null: `100 Continue`, said here. Clients that know none get none. */
  interim(head: ResponseMessage | null): void;
  /** A Pod's answer, or a 101, with what there is of its body. @param source what the body comes from @param debug further fields */
  begin(head: ResponseMessage, source: BodySource, pieces: readonly Piece[], debug: Fields): number;
  /** An answer made here; its head goes with the first `write`. @param length of its body */
  compose(head: ComposedHead, length: number): void;
  /**
   * More of the body.
   * @param taken called once the kernel has all of it, or never will: the pieces are the caller's. Without, they are the source's, which is
   *   paused while the client takes no more
   */
  write(pieces: readonly Piece[], taken?: (isBroken: boolean) => void): number;
  /** The answer is whole: the connection may serve another request. @param trailers that are no part of the body already */
  end(trailers: Fields): void;
  /** A failure of headroute's own instead of an answer. */
  fail(problem: ProblemDetails, debug: Fields): Written;
  /** The answer broke off: it cannot look whole. */
  breakOff(): void;
  /** After a 101: the bytes are the caller's from now on. */
  takeOver(): RawStream;
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
  expire(nowMs: number): void;
  /** The shutdown's time is over: answer what can be answered, cut the rest. */
  shutDown(): void;
}
