import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HostPort } from '../model/config.ts';
import { redactTarget } from '../model/redact.ts';
import { bind } from '../platform/bind.ts';
import { after } from '../platform/clock.ts';
import { runGuarded } from '../platform/guard.ts';
import { LocalErrorLog, localErrorOf } from '../platform/local-error.ts';
import type { Logger } from '../platform/logger.ts';

import { answerProblem, problemText } from './problem.ts';

const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** Prometheus keeps its connection between scrapes; most scrape every 60 s or more often. */
const KEEP_ALIVE_MS = 75_000;
/** Without a byte in either direction: a client that does not read its answer. Longer than KEEP_ALIVE_MS. */
const INACTIVITY_MS = 80_000;
const MAX_CONNECTIONS = 256;
const CLOSE_GRACE_MS = 1_000;
/** How long a refused client may go on sending, so that it can read the refusal instead of a reset. */
const LINGER_MS = 500;

export interface GuardedServer {
  readonly address: HostPort;
  close(): Promise<void>;
}

export interface GuardedOptions {
  readonly address: HostPort;
  /** The configuration key of the address. */
  readonly key: string;
  readonly maxHeaderBytes: number;
  readonly logger: Logger;
  readonly headersTimeoutMs?: number;
  readonly maxConnections?: number;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/**
 * An HTTP server for probes and people: bounded in head size, time and connections, and nothing that a client sends or
 * a handler throws ends the process. At the limit the oldest connection gives way, not the new one, so that a client
 * that hoards connections cannot keep the kubelet's probe out.
 *
 * @throws Error where the address cannot be bound (see `bind`)
 */
export async function startGuardedServer(options: GuardedOptions, handle: Handler): Promise<GuardedServer> {
  const { logger, key } = options;
  const server = createServer(
    {
      maxHeaderSize: options.maxHeaderBytes,
      headersTimeout: options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 500,
      // Node refuses a missing Host without a body; `answer` does it in words.
      requireHostHeader: false,
    },
    (request, response) => void answer(request, response),
  );
  server.timeout = INACTIVITY_MS;
  const connections = new Connections(server, options.maxConnections ?? MAX_CONNECTIONS);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) =>
    runGuarded(
      'admin',
      () => refuse(error, socket),
      () => socket.destroy(),
    ),
  );
  server.on('connect', (_request: IncomingMessage, socket: Duplex) =>
    runGuarded(
      'admin',
      () => refuseWith(socket, 405, 'CONNECT is not served'),
      () => socket.destroy(),
    ),
  );

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {});
    connections.busy(request.socket, response);
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    // No route reads a body: what one brings is not worth keeping the connection for.
    if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined)
      response.setHeader('Connection', 'close');
    try {
      if (request.httpVersionMinor > 0 && request.headers.host === undefined)
        answerProblem(response, 400, 'a Host field is missing');
      else await handle(request, response);
    } catch (error) {
      const path = redactTarget(request.url ?? '');
      logger.error({ err: error, server: key, path }, 'an admin request failed');
      if (response.headersSent) response.destroy();
      else answerProblem(response, 500, 'the request could not be answered; the log says why');
    }
  }

  const bound = await bind(server, options.address, key);
  const localErrors = new LocalErrorLog(logger);
  server.on('error', (error: NodeJS.ErrnoException) => {
    const local = localErrorOf(error.code);
    if (local === null) logger.error({ err: error, server: key }, 'an admin server reported an error');
    else localErrors.report(`accept (${key})`, local);
  });
  return { address: bound, close: () => close(server, connections) };
}

/** The open connections, oldest first, and those with a request under way. */
class Connections {
  readonly #open = new Set<Socket>();
  readonly #busy = new Set<Socket>();
  #closing = false;

  constructor(server: Server, limit: number) {
    server.on('connection', (socket) => {
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
      if (this.#open.size <= limit) return;
      const [oldest] = this.#open;
      this.#open.delete(oldest!);
      oldest!.destroy();
    });
  }

  busy(socket: Socket, response: ServerResponse): void {
    this.#busy.add(socket);
    response.once('close', () => {
      this.#busy.delete(socket);
      if (this.#closing) socket.destroySoon();
    });
  }

  /** Ends what is idle now, and the rest once its answer is out. */
  closeIdle(): void {
    this.#closing = true;
    for (const socket of this.#open) if (!this.#busy.has(socket)) socket.destroy();
  }
}

const refused = new WeakSet<Duplex>();

function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'HPE_HEADER_OVERFLOW') refuseWith(socket, 431, 'the request head is too large');
  else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    refuseWith(socket, 408, 'the request took too long to arrive');
  else if (error.code === 'ECONNRESET') socket.destroy();
  else refuseWith(socket, 400, 'this is not an HTTP request');
}

function refuseWith(socket: Duplex, status: number, detail: string): void {
  if (refused.has(socket)) return;
  refused.add(socket);
  socket.on('error', () => {});
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = problemText(status, detail);
  const allow = status === 405 ? 'Allow: GET, HEAD, POST\r\n' : '';
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json\r\n${allow}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
  socket.removeAllListeners('data');
  socket.on('data', () => {});
  after(LINGER_MS, () => socket.destroy());
}

function close(server: Server, connections: Connections): Promise<void> {
  return new Promise((resolve) => {
    const cut = after(CLOSE_GRACE_MS, () => server.closeAllConnections());
    server.close(() => {
      cut.clear();
      resolve();
    });
    connections.closeIdle();
  });
}
