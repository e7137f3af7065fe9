import { connect, type Socket } from 'node:net';
import { Changes } from './waiting.ts';
import { type Message, readHead, readMessage, statusOf } from './wire.ts';

export type Ending = 'fin' | 'reset';

/** A TCP client that says exactly what it is told and keeps every byte that it gets. Text is latin1. */
export class RawClient {
  readonly socket: Socket;
  /** Everything received. */
  all: Buffer = Buffer.alloc(0);
  /** How many of `all` were taken by `response()`. */
  taken = 0;
  ending: Ending | null = null;
  readonly #changes = new Changes();
  #parts: Buffer[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (data) => {
      this.#parts.push(data);
      this.#changes.changed();
    });
    socket.on('end', () => {
      // A RST in the same moment as the last bytes is an end for libuv; the kernel knows no peer then.
      this.ending ??= socket.remoteAddress === undefined && !socket.writableEnded ? 'reset' : 'fin';
      this.#changes.changed();
    });
    socket.on('error', () => {
      this.ending ??= 'reset';
      this.#changes.changed();
    });
    socket.on('close', () => {
      this.ending ??= 'reset';
      this.#changes.changed();
    });
  }

  static connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawClient(socket));
      });
    });
  }

  #gather(): Buffer {
    if (this.#parts.length > 0) {
      this.all = Buffer.concat([this.all, ...this.#parts]);
      this.#parts = [];
    }
    return this.all.subarray(this.taken);
  }

  /** What was received and not taken yet. */
  get rest(): Buffer {
    return this.#gather();
  }

  send(data: string | Buffer): void {
    if (this.socket.writable)
      this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  }

  /** Sends piece after piece, each in a segment of its own as far as the kernel goes. */
  async sendPieces(pieces: Iterable<string | Buffer>): Promise<void> {
    for (const piece of pieces) {
      this.send(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** FIN. */
  end(): void {
    this.socket.end();
  }

  /** RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  until<T>(
    check: (rest: Buffer, client: this) => T | undefined | null | false,
    what: string,
    withinMs = 3000,
  ): Promise<T> {
    return this.#changes.until(
      () => check(this.#gather(), this),
      () =>
        `${what}; ending ${this.ending}, got ${JSON.stringify(this.rest.toString('latin1').slice(0, 400))}`,
      withinMs,
    );
  }

  /** Waits until just this text came, and takes it. */
  async hears(text: string): Promise<void> {
    await this.until((rest) => rest.toString('latin1') === text, `"${text}"`);
    this.taken += text.length;
  }

  /** Sends a text, and waits until just that came back. */
  async echoes(text: string): Promise<void> {
    this.send(text);
    await this.hears(text);
  }

  /** The next message, interim (1xx) or final, strictly read and taken. */
  async message(method = 'GET', withinMs = 3000): Promise<Message & { status: number }> {
    const message = await this.until(
      (rest) => {
        const read = readMessage(rest, 'response', method, this.ending === 'fin');
        if (read === null && this.ending !== null)
          throw new Error(
            `ended by ${this.ending} after ${JSON.stringify(rest.toString('latin1').slice(0, 300))}`,
          );
        return read;
      },
      'a response',
      withinMs,
    );
    this.taken += message.raw.length;
    return { ...message, status: statusOf(message) };
  }

  /** The next final response; interim ones are skipped. */
  async response(method = 'GET', withinMs = 3000): Promise<Message & { status: number }> {
    for (;;) {
      const message = await this.message(method, withinMs);
      if (message.status >= 200 || message.status === 101) return message;
    }
  }

  /** The next response's head, while its body may still come. Not taken. */
  head(withinMs = 3000): Promise<{ status: number; line: string; length: number }> {
    return this.until(
      (rest) => {
        const head = readHead(rest, 'response');
        return head === null ? null : { status: statusOf(head), line: head.line, length: head.length };
      },
      'a response head',
      withinMs,
    );
  }

  /** Sends a request and gives the final response. */
  exchange(
    request: string | Buffer,
    method?: string,
    withinMs = 3000,
  ): Promise<Message & { status: number }> {
    this.send(request);
    const text = typeof request === 'string' ? request : request.toString('latin1', 0, 10);
    return this.response(method ?? text.split(' ')[0], withinMs);
  }

  closed(withinMs = 3000): Promise<Ending> {
    return this.until(() => this.ending, 'the connection to end', withinMs);
  }

  destroy(): void {
    this.socket.destroy();
  }
}
