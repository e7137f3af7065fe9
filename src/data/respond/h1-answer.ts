import type { Socket } from 'node:net';
import type { Failure } from '../../model/failure.ts';
import { keepsAlive } from '../http1/connection-options.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { ResponseReader } from '../http1/response-reader.ts';
import type { AnswerSink, Written } from '../stream/client.ts';
import type { ComposedHead, Fields, Piece, ResponseMessage } from '../stream/message.ts';
import type { ProblemDetails } from '../stream/problem.ts';
import type { RawStream } from '../stream/raw.ts';
import type { BodySource } from '../stream/upstream.ts';
import { writeAnswer } from './answer-writer.ts';
import { composedHead } from './composed-answer.ts';
import { problemAnswer } from './problem.ts';
import { type AnswerOptions, writeResponseHead } from './response-writer.ts';

/** The connection that answers go over. */
export interface AnswerConnection {
  readonly socket: Socket;
  /** Whether it will close after the present answer whatever that is (shutdown). */
  readonly closing: boolean;
  /** Whether the present request is here as a whole. */
  readonly requestComplete: boolean;
  /** So many bytes were written. */
  wrote(bytes: number): void;
  /** The answer is written. @param keep the connection may serve another request */
  finished(keep: boolean): void;
  /** The answer broke off: ends the connection so that it cannot look whole. @param reset a FIN would look like its end */
  cut(reset: boolean): void;
  /** Hands the socket over to a tunnel. */
  detach(): RawStream;
}

const INTERIM: AnswerOptions = { clientMinor: 1, close: false, chunked: false, switching: false, extra: '' };

/** Answers of one HTTP/1 connection, one after another: heads rewritten for this hop, bodies as they come. */
export class H1Answer implements AnswerSink {
  readonly #connection: AnswerConnection;
  #request!: RequestHead;
  /** A 100 has been said. */
  #continued = false;
  /** The connection may serve another request afterwards. */
  #keeps = false;
  /** The client finds the end of the body by the end of the connection. */
  #endsByClose = false;
  #source: BodySource | null = null;
  /** Of a composed answer, until its first byte goes. */
  #head = '';

  constructor(connection: AnswerConnection) {
    this.#connection = connection;
  }

  /** To the next request. */
  expect(request: RequestHead): void {
    this.#request = request;
    this.#continued = false;
    this.#endsByClose = false;
    this.#source = null;
    this.#head = '';
  }

  /**
   * HTTP/1.0 knows no interim answers (RFC 9110 section 15.2). One 100 is all that an expectation asks for, whatever further
   * attempts' Pods say (section 10.1.1): clients send the body once more on a second (B8).
   */
  interim(message: ResponseMessage | null): void {
    if (this.#request.minor === 0) return;
    if (message === null || message.status === 100) {
      if (this.#continued) return;
      this.#continued = true;
    }
    const text =
      message === null ? 'HTTP/1.1 100 Continue\r\n\r\n' : writeResponseHead(h1(message).head, INTERIM);
    this.#connection.socket.write(text, 'latin1');
    this.#connection.wrote(text.length);
  }

  begin(message: ResponseMessage, source: BodySource, pieces: readonly Piece[], debug: Fields): number {
    const { head, framing } = h1(message);
    const extra = linesOf(debug);
    if (head.status === 101) {
      const text = writeResponseHead(head, { ...INTERIM, switching: true, extra });
      this.#connection.socket.write(text, 'latin1');
      this.#connection.wrote(text.length);
      return text.length;
    }
    const { minor } = this.#request;
    const chunked = head.chunked && minor === 1;
    this.#source = source;
    this.#endsByClose = framing === 'close' || (framing === 'chunked' && !chunked);
    this.#keeps = this.#mayKeep && !this.#endsByClose;
    const options = { clientMinor: minor, close: !this.#keeps, chunked, switching: false, extra };
    return this.#relay(writeResponseHead(head, options), pieces);
  }

  /** Whether the client wants its connection kept, and can go on. */
  get #mayKeep(): boolean {
    const { closing, requestComplete } = this.#connection;
    return keepsAlive(this.#request) && requestComplete && !closing;
  }

  compose(head: ComposedHead, length: number): void {
    this.#keeps = this.#mayKeep;
    const { method, minor } = this.#request;
    const options = { isHead: method === 'HEAD', close: !this.#keeps, clientMinor: minor };
    this.#head = composedHead(head, length, options);
  }

  write(pieces: readonly Piece[], taken?: (isBroken: boolean) => void): number {
    if (taken === undefined) return this.#relay('', pieces);
    const { socket } = this.#connection;
    const head = this.#head;
    this.#head = '';
    let bytes = head.length;
    socket.cork();
    if (head !== '') socket.write(head, 'latin1');
    for (const piece of pieces) {
      bytes += piece.length;
      socket.write(piece, 'latin1');
    }
    socket.write('', (error) => taken(error != null));
    socket.uncork();
    this.#connection.wrote(bytes);
    return bytes;
  }

  #relay(head: string, pieces: readonly Piece[]): number {
    const { socket } = this.#connection;
    let bytes = head.length;
    for (let i = 0; i < pieces.length; i++) bytes += pieces[i]!.length;
    const inUse = writeAnswer(socket, head, pieces);
    if (socket.writableLength > 0) this.#wait(inUse);
    this.#connection.wrote(bytes);
    return bytes;
  }

  /** The kernel takes no more: each further read would cost memory for as long as the client does not read (SPEC 6). */
  #wait(inUse: boolean): void {
    const source = this.#source!;
    source.pause();
    const lent = inUse ? source.lend() : null;
    this.#connection.socket.write('', (error) => {
      lent?.giveBack(!error);
      source.resume();
    });
  }

  /** Trailers go on in the chunks of the body; who gets no chunks gets none. */
  end(_trailers: Fields): void {
    this.#connection.finished(this.#keeps);
  }

  fail(problem: ProblemDetails, debug: Fields): Written {
    const keep = this.#mayKeepAfter(problem.failure);
    const text = problemAnswer(problem, !keep, this.#request.method === 'HEAD', linesOf(debug));
    this.#connection.socket.write(text, 'latin1');
    this.#connection.wrote(text.length);
    this.#keeps = keep;
    return { status: Number(text.slice(9, 12)), bytes: text.length };
  }

  /** What HTTP/1.0 calls kept must be said, and after a failure there is little to keep it for. */
  #mayKeepAfter(failure: Failure): boolean {
    return this.#request.minor === 1 && this.#mayKeep && failure !== 'draining';
  }

  breakOff(): void {
    this.#connection.cut(this.#endsByClose);
  }

  /** The client has ended its side, and must not take what came of the answer for all of it. */
  clientGone(): void {
    if (this.#endsByClose) this.breakOff();
  }

  takeOver(): RawStream {
    return this.#connection.detach();
  }
}

/** Answers come by the protocol that the request went out by. */
function h1(message: ResponseMessage): ResponseReader {
  if (message instanceof ResponseReader) return message;
  throw new TypeError('an answer that is no HTTP/1 answer');
}

function linesOf(fields: Fields): string {
  let lines = '';
  if (fields.length === 0) return lines;
  for (const [name, value] of fields) lines += `${name}: ${value}\r\n`;
  return lines;
}
