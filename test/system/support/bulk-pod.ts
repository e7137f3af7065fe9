import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';

const PIECE = Buffer.alloc(64 * 1024, 'x');

/** A Pod of large answers: `/bulk` is `bytes` long, sent as fast as it is taken; all else is `ok`. */
export class BulkPod {
  readonly port: number;
  /** Answers of `/bulk` that are not at their end. */
  sending = 0;
  readonly #server: Server;

  static async start(bytes: number): Promise<BulkPod> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new BulkPod(server, bytes);
  }

  private constructor(server: Server, bytes: number) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
    server.on('request', (request, response) => {
      request.resume();
      if (request.url === '/bulk') this.#send(response, bytes);
      else request.on('end', () => response.end('ok'));
    });
  }

  #send(response: ServerResponse, bytes: number): void {
    this.sending++;
    response.once('close', () => this.sending--);
    response.writeHead(200, { 'content-length': bytes });
    let left = bytes;
    const more = (): void => {
      while (left > 0) {
        const piece = left < PIECE.length ? PIECE.subarray(0, left) : PIECE;
        left -= piece.length;
        if (!response.write(piece)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A Pod whose window is zero: it accepts, never reads, never answers. */
export class DeafPod {
  readonly port: number;
  readonly #server: TcpServer;
  readonly #sockets = new Set<Socket>();

  static async start(): Promise<DeafPod> {
    const server = createTcpServer({ pauseOnConnect: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new DeafPod(server);
  }

  private constructor(server: TcpServer) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket));
    });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
