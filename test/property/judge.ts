import { createServer, type Server } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';

/** A whole request as llhttp (node:http, insecureHTTPParser off) understood it. */
export interface Judged {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

/** Early ends, and methods: llhttp knows a list, while any token is one (RFC 9110 section 9.1). */
const TOLERATED = new Set(['HPE_INVALID_EOF_STATE', 'HPE_INVALID_METHOD']);

/**
 * An independent reader of requests: node:http behind a tap. Every whole request is answered with 200 and its method.
 * Without a listener for upgrades node:http takes
 * them for ordinary requests. `rejected` counts what llhttp refused, without connections that merely ended early.
 */
export class Judge {
  readonly requests: Judged[] = [];
  readonly rejected: string[] = [];
  /** A method that llhttp does not know ended a connection. */
  unknownMethod = false;
  /** Raw bytes of each connection. */
  readonly streams: Buffer[][] = [];
  readonly #http: Server;
  readonly #tap: TcpServer;
  readonly #sockets = new Set<Socket>();
  port = 0;

  private constructor() {
    this.#http = createServer(
      { insecureHTTPParser: false, requireHostHeader: true, keepAliveTimeout: 0 },
      (req, res) => {
        const parts: Buffer[] = [];
        req.on('data', (data) => parts.push(data));
        req.on('end', () => {
          this.requests.push({
            method: req.method!,
            target: req.url!,
            body: Buffer.concat(parts).toString('latin1'),
          });
          res.setHeader('X-Judge', req.method!);
          res.end('judged');
        });
        req.on('error', () => {});
      },
    );
    this.#http.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (error.code === 'HPE_INVALID_METHOD') this.unknownMethod = true;
      if (error.code?.startsWith('HPE_') && !TOLERATED.has(error.code))
        this.rejected.push(`${error.code} ${error.message}`);
      socket.destroy();
    });
    this.#http.on('checkContinue', (req, res) => {
      res.writeContinue();
      this.#http.emit('request', req, res);
    });
    this.#tap = createTcpServer((socket) => {
      const parts: Buffer[] = [];
      this.streams.push(parts);
      const inner = connect((this.#http.address() as AddressInfo).port, '127.0.0.1');
      for (const one of [socket, inner]) {
        this.#sockets.add(one);
        one.setNoDelay(true);
        one.on('error', () => {});
        one.on('close', () => this.#sockets.delete(one));
      }
      socket.on('data', (data) => {
        parts.push(data);
        inner.write(data);
      });
      inner.on('data', (data) => socket.write(data));
      socket.on('end', () => inner.end());
      inner.on('end', () => socket.end());
      socket.on('close', () => inner.destroy());
      inner.on('close', () => socket.destroy());
    });
  }

  static async start(): Promise<Judge> {
    const judge = new Judge();
    await new Promise<void>((resolve) => judge.#http.listen(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => judge.#tap.listen(0, '127.0.0.1', resolve));
    judge.port = (judge.#tap.address() as AddressInfo).port;
    return judge;
  }

  reset(): void {
    this.unknownMethod = false;
    this.requests.length = 0;
    this.rejected.length = 0;
    this.streams.length = 0;
  }

  close(): void {
    this.#tap.close();
    this.#http.close();
    this.#http.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
  }
}
