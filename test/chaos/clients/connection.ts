import { connect, type Socket } from 'node:net';
import { wasReset } from '../../../src/platform/reset.ts';
import { machineMs } from '../monotonic.ts';
import { type Answer, ResponseParser } from './response-parser.ts';

/** What a client got for a request: an answer, whole or not, or why there is none. */
export interface Got {
  readonly answer: Answer | null;
  /** How the connection ended, if it did. */
  readonly end: 'open' | 'fin' | 'reset' | 'refused' | 'timeout';
}

/** A client's connection, by hand: requests and answers in any order and at any speed. */
export class Connection {
  readonly socket: Socket;
  /** The life of the sidecar that it was opened to. */
  readonly by: string;
  #parser = new ResponseParser();
  #waiting: ((got: Got) => void)[] = [];
  #continued: (() => void) | null = null;
  #end: Got['end'] = 'open';
  #connected = false;
  /** How many answers have been read. */
  answers = 0;
  /** Bytes that came though nothing was asked. */
  unasked = 0;
  /** What came and is no HTTP. */
  garbage: string | null = null;

  constructor(host: string, port: number, by: string) {
    this.by = by;
    this.socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    this.socket.on('connect', () => {
      this.#connected = true;
    });
    this.socket.on('data', (bytes) => this.#take(bytes));
    // A RST that comes with the last bytes is an end to libuv.
    this.socket.on('end', () => this.#over(wasReset(this.socket) ? 'reset' : 'fin'));
    this.socket.on('error', () => this.#over(this.#connected ? 'reset' : 'refused'));
    this.socket.on('close', () => this.#over('fin'));
  }

  get isOpen(): boolean {
    return this.#end === 'open';
  }

  /** The next answer; requests are answered in the order in which this is called. */
  answer(withinMs: number): Promise<Got> {
    if (this.#end !== 'open') return Promise.resolve({ answer: null, end: this.#end });
    return new Promise((resolve) => {
      const overdue = setTimeout(() => this.#over('timeout'), withinMs);
      this.#waiting.push((got) => {
        clearTimeout(overdue);
        resolve(got);
      });
    });
  }

  /** Until a 100 Continue, an answer, the end, or so long. */
  async continued(withinMs: number): Promise<void> {
    const endMs = machineMs() + withinMs;
    await new Promise<void>((resolve) => {
      if (this.#parser.continues > 0 || !this.isOpen) resolve();
      this.#continued = resolve;
      setTimeout(resolve, endMs - machineMs()).unref();
    });
  }

  get continues(): number {
    return this.#parser.continues;
  }

  /** Before another request on it. */
  forgetContinues(): void {
    this.#parser.continues = 0;
  }

  write(bytes: string | Buffer): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  destroy(): void {
    this.socket.destroy();
    this.#over('reset');
  }

  #take(bytes: Buffer): void {
    this.#parser.feed(bytes);
    for (;;) {
      const answer = this.#next();
      if (this.#parser.continues > 0) this.#continued?.();
      if (answer === null) return;
      this.answers++;
      const wanted = this.#waiting.shift();
      if (wanted === undefined) this.unasked++;
      else wanted({ answer, end: 'open' });
      this.#continued?.();
    }
  }

  #next(): Answer | null {
    try {
      return this.#parser.next();
    } catch (error) {
      this.garbage = String(error);
      this.#over('reset');
      return null;
    }
  }

  #over(end: Got['end']): void {
    if (this.#end !== 'open') return;
    this.#end = end;
    this.#continued?.();
    const rest = this.#parser.end(end === 'fin');
    for (const [n, wanted] of this.#waiting.splice(0).entries())
      wanted({ answer: n === 0 ? rest : null, end });
    this.socket.end();
    if (end !== 'fin') this.socket.destroy();
  }
}
