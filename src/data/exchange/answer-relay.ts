import type { Socket } from 'node:net';
import { giveBack, letGo } from '../forward/read-buffers.ts';
import type { Piece } from '../http1/chunk-scanner.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { ResponseReader } from '../http1/response-reader.ts';
import { writeAnswer } from '../respond/answer-writer.ts';
import { writeResponseHead } from '../respond/response-writer.ts';
import type { Attempt } from './attempt.ts';

/** One Pod's answer on its way to the client: heads rewritten for this hop, the body as it comes. */
export class AnswerRelay {
  /** Bytes of the final answer handed to the client's socket. */
  bytesSent = 0;
  /** The client's connection may serve another request afterwards. */
  keepsClient = false;
  /** The client finds the end of the body by the end of the connection. */
  endsByClose = false;
  #continued = false;
  readonly #socket: Socket;
  readonly #clientMinor: number;

  constructor(socket: Socket, clientMinor: number) {
    this.#socket = socket;
    this.#clientMinor = clientMinor;
  }

  /**
   * HTTP/1.0 knows no interim answers (RFC 9110 section 15.2). One 100 is all that an expectation asks for, whatever further
   * attempts' Pods say (section 10.1.1): clients send the body once more on a second (B8).
   */
  interim(head: ResponseHead): void {
    if (this.#clientMinor === 0) return;
    if (head.status === 100) {
      if (this.#continued) return;
      this.#continued = true;
    }
    const options = { clientMinor: 1, close: false, chunked: false, switching: false, extra: '' };
    this.#socket.write(writeResponseHead(head, options), 'latin1');
  }

  /** A 101: what follows is a tunnel's. */
  switching(head: ResponseHead, extra: string): void {
    const options = { clientMinor: 1, close: false, chunked: false, switching: true, extra };
    const text = writeResponseHead(head, options);
    this.bytesSent += text.length;
    this.#socket.write(text, 'latin1');
  }

  /** The final head, with what there is of the body. @param mayKeep as far as the request and the listener go */
  begin(
    attempt: Attempt,
    { head, framing }: ResponseReader,
    pieces: readonly Piece[],
    mayKeep: boolean,
    extra: string,
  ): void {
    const chunked = head.chunked && this.#clientMinor === 1;
    this.endsByClose = framing === 'close' || (framing === 'chunked' && !chunked);
    this.keepsClient = mayKeep && !this.endsByClose;
    const options = {
      clientMinor: this.#clientMinor,
      close: !this.keepsClient,
      chunked,
      switching: false,
      extra,
    };
    this.#write(attempt, writeResponseHead(head, options), pieces);
  }

  body(attempt: Attempt, pieces: readonly Piece[]): void {
    this.#write(attempt, '', pieces);
  }

  #write(attempt: Attempt, head: string, pieces: readonly Piece[]): void {
    this.bytesSent += head.length;
    for (const piece of pieces) this.bytesSent += piece.length;
    const inUse = writeAnswer(this.#socket, head, pieces);
    if (this.#socket.writableLength === 0) return;
    // The kernel takes no more: each further read would cost memory for as long as the client does not read (SPEC 6).
    attempt.pause();
    const lent = inUse ? attempt.lendBuffer() : null;
    this.#socket.write('', (error) => {
      if (lent !== null) {
        if (error) letGo(lent);
        else giveBack(lent);
      }
      attempt.resume();
    });
  }
}
