import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { OVER_TLS, onWire, resetWire } from './pod-wire.ts';
import { Changes, pause } from './waiting.ts';
import { type Message, readHead, readMessage, requestOf, values } from './wire.ts';

export type PodRequest = Message & { method: string; target: string };

/** What a Pod does. The default answers every request with 200 and its target as body. */
export interface PodScript {
  onConnect?(connection: PodConnection): void;
  /** Once for each head; a body may still come. */
  onHead?(connection: PodConnection, request: { method: string; target: string }): void;
  /** Once for each whole request. */
  onRequest?(connection: PodConnection, request: PodRequest): void;
}

/** One connection to the Pod with every byte that came over it. */
export class PodConnection {
  readonly #parts: Buffer[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #parsed = 0;
  #headSeen = false;
  readonly requests: PodRequest[] = [];
  ended = false;
  closed = false;
  raw = false;

  readonly socket: Socket;
  readonly pod: RawPod;
  readonly index: number;

  constructor(socket: Socket, pod: RawPod, index: number) {
    this.socket = socket;
    this.pod = pod;
    this.index = index;
    socket.setNoDelay(true);
    socket.on('data', (data) => {
      this.#parts.push(data);
      pod.total += data.length;
      if (!this.raw) this.#parse();
      pod.changes.changed();
    });
    socket.on('end', () => {
      this.ended = true;
      pod.changes.changed();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      pod.changes.changed();
    });
  }

  get received(): Buffer {
    if (this.#parts.length > 0) this.#bytes = Buffer.concat([this.#bytes, ...this.#parts.splice(0)]);
    return this.#bytes;
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  #parse(): void {
    try {
      for (;;) {
        const rest = this.received.subarray(this.#parsed);
        if (rest.length === 0) return;
        if (!this.#headSeen) {
          const head = readHead(rest, 'request');
          if (head === null) return;
          this.#headSeen = true;
          this.pod.script.onHead?.(this, requestOf(head));
        }
        const message = readMessage(rest, 'request');
        if (message === null) return;
        const request: PodRequest = { ...message, ...requestOf(message) };
        this.#parsed += message.raw.length;
        this.#headSeen = false;
        this.requests.push(request);
        this.pod.requests.push(request);
        if (this.pod.script.onRequest) this.pod.script.onRequest(this, request);
        else if (!this.pod.script.onHead && !this.pod.script.onConnect) this.answer(request.target, request);
        // After an upgrade the bytes are the tunnel's.
        if (this.raw) return;
      }
    } catch (error) {
      this.pod.violations.push(error as Error);
      this.raw = true;
    }
  }

  /** The other side has ended it, by FIN or reset, or it is closed. */
  get over(): boolean {
    return this.ended || this.closed;
  }

  write(data: string | Buffer): void {
    if (this.socket.writable)
      this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  }

  /** A plain 200 with Content-Length (no body for HEAD). */
  answer(body: string, request?: { method: string }, extra = ''): void {
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body, 'latin1')}\r\n${extra}\r\n`;
    this.write(request?.method === 'HEAD' ? head : head + body);
  }

  /** FIN after what was written. */
  end(data?: string | Buffer): void {
    if (data !== undefined) this.write(data);
    this.socket.end();
  }

  reset(): void {
    resetWire(this.socket);
  }
}

/** A Pod that is a tap: a TCP server with a script that keeps all it receives and judges it strictly. */
export class RawPod {
  readonly changes = new Changes();
  readonly connections: PodConnection[] = [];
  /** Whole requests in order over all connections. */
  readonly requests: PodRequest[] = [];
  /** Where what reached this Pod was not a canonical request. */
  readonly violations: Error[] = [];
  /** Bytes received over all connections. */
  total = 0;
  script: PodScript;
  #server: Server | null = null;
  port = 0;

  private constructor(script: PodScript) {
    this.script = script;
  }

  static async start(script: PodScript = {}, port = 0): Promise<RawPod> {
    const pod = new RawPod(script);
    await pod.listen(port);
    return pod;
  }

  listen(port = this.port): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (tcp) => {
      onWire(tcp, (socket) => {
        const connection = new PodConnection(socket, this, this.connections.length);
        this.connections.push(connection);
        this.script.onConnect?.(connection);
        this.changes.changed();
      });
    });
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        this.port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  /** Stops listening: later connections are refused. Open ones stay. */
  refuse(): void {
    this.#server?.close();
    this.#server = null;
  }

  get last(): PodConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('no connection yet');
    return connection;
  }

  get open(): number {
    return this.connections.filter((c) => !c.over).length;
  }

  until<T>(check: (pod: this) => T | undefined | null | false, what: string, withinMs = 3000): Promise<T> {
    return this.changes.until(
      () => check(this),
      () => `${what}; Pod got ${JSON.stringify(this.connections.map((c) => c.text.slice(0, 300)))}`,
      withinMs,
    );
  }

  /** The nth whole request (from 1). */
  async request(n = 1, withinMs = 3000): Promise<PodRequest> {
    const request = await this.until((pod) => pod.requests[n - 1], `request ${n}`, withinMs);
    // Node tells some turns later that the kernel has taken what was written over TLS.
    if (OVER_TLS) await pause(20);
    return request;
  }

  /** Waits until the connection with this index is over. */
  async connectionOver(index = 0, withinMs?: number): Promise<void> {
    await this.until((pod) => pod.connections[index]?.over, `connection ${index} to end`, withinMs);
  }

  close(): void {
    this.refuse();
    for (const connection of this.connections) connection.socket.destroy();
  }
}

/** Values of a request's field. */
export function fieldValues(request: PodRequest, name: string): string[] {
  return values(request, name);
}
