import { pause } from '../../helpers/waiting.ts';
import type { Sidecar } from '../cluster/sidecar.ts';
import { machineMs } from '../monotonic.ts';
import type { Random } from '../random.ts';
import { Connection } from './connection.ts';
import { judge } from './judge.ts';
import type { Keys } from './keys.ts';
import type { History, Operation } from './operation.ts';

/** Longer than `timeouts.request`: whoever waits longer was forgotten. */
export const PATIENCE_MS = 24_000;

/** How often each style of request is taken. */
export interface Mix {
  readonly plain: number;
  readonly chunked: number;
  readonly expect: number;
  readonly pipelined: number;
  readonly halfClosing: number;
  readonly aborting: number;
  /** The body comes in pieces, over a second or two. */
  readonly slow: number;
}

export const USUAL: Mix = {
  plain: 60,
  chunked: 10,
  expect: 6,
  pipelined: 8,
  halfClosing: 3,
  aborting: 5,
  slow: 3,
};

/** What a client sends. */
export interface Behaviour {
  readonly mix: Mix;
  /** The largest body (bytes). */
  readonly largest: number;
}

/** One client that speaks HTTP, one turn after another, until it is told to stop. */
export class HttpClient {
  readonly #name: string;
  readonly #sidecar: Sidecar;
  readonly #random: Random;
  readonly #keys: Keys;
  readonly #history: History;
  readonly #behaviour: Behaviour;
  #connection: Connection | null = null;
  #stopped = false;

  constructor(
    name: string,
    sidecar: Sidecar,
    random: Random,
    keys: Keys,
    history: History,
    behaviour: Behaviour,
  ) {
    this.#name = name;
    this.#sidecar = sidecar;
    this.#random = random;
    this.#keys = keys;
    this.#history = history;
    this.#behaviour = behaviour;
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#connection?.isOpen === false || this.#random.chance(0.1)) this.#leave();
      const style = this.#random.weighted(this.#behaviour.mix as unknown as Record<keyof Mix, number>);
      await this.#turn(style);
      // A sidecar that is being restarted refuses: as real clients do, wait before asking again.
      if (this.#connection?.isOpen === false) await pause(this.#random.between(30, 150));
      await pause(this.#random.between(3, 40));
    }
    this.#leave();
  }

  async #turn(style: keyof Mix): Promise<void> {
    const connection = this.#open();
    const [first] = this.#begin(connection, style);
    const awaited = [connection.answer(PATIENCE_MS)];
    const operations = [first];
    connection.forgetContinues();
    switch (style) {
      case 'plain':
      case 'chunked':
        connection.write(bytesOf(first, style === 'chunked', this.#answerFields()));
        break;
      case 'expect': {
        connection.write(bytesOf(first, false, 'Expect: 100-continue\r\n', false));
        const before = connection.answers;
        await connection.continued(1500);
        if (connection.answers === before) connection.write(Buffer.alloc(first.bytes, first.id));
        break;
      }
      case 'pipelined': {
        const [second] = this.#begin(connection, style);
        operations.push(second);
        awaited.push(connection.answer(PATIENCE_MS));
        connection.write(Buffer.concat([bytesOf(first, false), bytesOf(second, false)]));
        break;
      }
      case 'halfClosing':
        connection.socket.end(bytesOf(first, false));
        first.goneMs = machineMs();
        break;
      case 'aborting':
        connection.write(bytesOf(first, false));
        setTimeout(
          () => {
            if (first.endMs !== null) return;
            first.goneMs = machineMs();
            connection.destroy();
          },
          this.#random.between(0, 60),
        );
        break;
      case 'slow':
        await this.#trickle(connection, first);
        break;
    }
    for (const [n, got] of (await Promise.all(awaited)).entries()) {
      judge(operations[n]!, got);
      if (got.end === 'timeout') operations[n]!.wrong = `no answer in ${PATIENCE_MS} ms`;
    }
    if (connection.continues > 1) first.wrong = `${connection.continues} times 100 Continue`;
    if (connection.garbage !== null) first.wrong = connection.garbage;
    if (connection.unasked > 0) first.wrong = 'an answer more than requests';
    if (style === 'expect' || style === 'halfClosing') this.#leave();
  }

  #begin(connection: Connection, style: keyof Mix): [Operation] {
    const kind = (style === 'plain' || style === 'pipelined') && this.#random.chance(0.35) ? 'read' : 'write';
    return [
      this.#history.begin({
        id: this.#keys.id(),
        key: this.#keys.key(this.#random),
        kind,
        via: 'http',
        client: this.#name,
        by: connection.by,
        bytes: kind === 'read' ? 0 : this.#bodyBytes(style),
        startMs: machineMs(),
      }),
    ];
  }

  #bodyBytes(style: keyof Mix): number {
    return Math.min(this.#behaviour.largest, this.#size(style));
  }

  #size(style: keyof Mix): number {
    const random = this.#random;
    if (style === 'slow') return random.between(20_000, 60_000);
    const size = random.weighted({ none: 15, small: 50, middle: 25, large: 8, huge: 2 });
    if (size === 'none') return 0;
    if (size === 'small') return random.between(1, 1000);
    if (size === 'middle') return random.between(1000, 64 * 1024);
    return size === 'large' ? random.between(64, 300) * 1024 : random.between(300, 2000) * 1024;
  }

  #answerFields(): string {
    const form = this.#random.weighted({ length: 60, chunked: 25, close: 15 });
    const bytes = this.#random.chance(0.2) ? this.#random.between(1000, 200_000) : 0;
    return `X-Answer-Form: ${form}\r\nX-Answer-Bytes: ${bytes}\r\n`;
  }

  /** A body piece by piece, as long as anybody takes it. */
  async #trickle(connection: Connection, operation: Operation): Promise<void> {
    const bytes = bytesOf(operation, true);
    const step = Math.ceil(bytes.length / this.#random.between(20, 60));
    for (let at = 0; at < bytes.length && connection.isOpen; at += step) {
      connection.write(bytes.subarray(at, at + step));
      await pause(30);
    }
  }

  #open(): Connection {
    if (this.#connection?.isOpen) return this.#connection;
    const { host, ports, run } = this.#sidecar;
    this.#connection = new Connection(host, ports.http, run);
    return this.#connection;
  }

  #leave(): void {
    this.#connection?.destroy();
    this.#connection = null;
  }
}

/** A request as bytes; its body is its id, over and over. */
export function bytesOf(operation: Operation, chunked: boolean, fields = '', withBody = true): Buffer {
  const { id, key, kind, by, bytes } = operation;
  const line = kind === 'read' ? `GET /r/${id}/${key}` : `POST /w/${id}/${key}`;
  const framing =
    kind === 'read' ? '' : chunked ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${bytes}\r\n`;
  const head = Buffer.from(`${line} HTTP/1.1\r\nHost: db\r\nX-By: ${by}\r\n${fields}${framing}\r\n`);
  if (!withBody || kind === 'read') return head;
  const body = Buffer.alloc(bytes, id);
  if (!chunked) return Buffer.concat([head, body]);
  const parts: Buffer[] = [head];
  for (let at = 0; at < bytes; at += 8000) {
    const part = body.subarray(at, at + 8000);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
  }
  parts.push(Buffer.from('0\r\n\r\n'));
  return Buffer.concat(parts);
}
