import { createServer, type Server, type Socket } from 'node:net';
import type { ListenerConfig } from '../../model/config.ts';
import type { HttpDeps } from '../exchange/http-deps.ts';
import type { TcpDeps } from '../exchange/tcp-deps.ts';
import { problemAnswer } from '../respond/problem.ts';
import { HttpConnection } from './http-connection.ts';
import { handleTcpConnection } from './tcp-listener.ts';

const KEEPALIVE_MS = 30_000;
const BACKLOG = 1024;
/** For what is written already to reach the client. */
const CUT_MS = 100;

/** A listener's address cannot be bound. The message names the address, the reason and the key to change. */
export class ListenError extends Error {}

export interface ListenerDeps {
  readonly http: HttpDeps;
  readonly tcp: TcpDeps;
}

/** One bound address and the connections that came in by it. */
export class Listener {
  config: ListenerConfig;
  readonly #server: Server;
  readonly #deps: ListenerDeps;
  readonly #http = new Set<HttpConnection>();
  readonly #sockets = new Set<Socket>();
  #accepting = false;
  readonly #early: Socket[] = [];
  #closing = false;
  #port = 0;
  #whenEmpty: (() => void)[] = [];

  private constructor(config: ListenerConfig, deps: ListenerDeps) {
    this.config = config;
    this.#deps = deps;
    this.#server = createServer(
      {
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEPALIVE_MS,
        pauseOnConnect: true,
      },
      (socket) => {
        if (this.#accepting) this.#accept(socket);
        else this.#early.push(socket);
      },
    );
  }

  /** Binds the address; connections wait until `accept`. @throws ListenError */
  static async bind(config: ListenerConfig, deps: ListenerDeps): Promise<Listener> {
    const listener = new Listener(config, deps);
    const { host, port } = config.address;
    try {
      await listener.#listen(host === '' ? '::' : host, port);
    } catch (error) {
      const noIPv6 =
        host === '' &&
        ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes((error as NodeJS.ErrnoException).code ?? '');
      if (!noIPv6) throw listenError(config, error as NodeJS.ErrnoException);
      await listener.#listen('0.0.0.0', port).catch((second) => {
        throw listenError(config, second as NodeJS.ErrnoException);
      });
    }
    listener.#server.on('error', (error) =>
      deps.http.logger.error({ listener: config.name, error: String(error) }, 'accept failed'),
    );
    const address = listener.#server.address();
    listener.#port = address !== null && typeof address === 'object' ? address.port : port;
    return listener;
  }

  /** The port that it listens on, or did: `/state` shows those that drain, too. */
  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  accept(): void {
    this.#accepting = true;
    for (const socket of this.#early.splice(0)) this.#accept(socket);
  }

  /** Stops listening; idle connections end, the others when their exchange has. */
  stop(): void {
    if (this.#closing) return;
    this.#closing = true;
    for (const socket of this.#early.splice(0)) socket.destroy();
    this.#server.close();
    // What has arrived already is read before the idle ones are closed (K4).
    setImmediate(() => setImmediate(() => this.#closeIdle()));
  }

  /** Ends everything that is still open. */
  destroy(): void {
    this.stop();
    for (const connection of [...this.#http]) connection.shutDown();
    for (const socket of this.#sockets) if (this.config.protocol === 'TCP') socket.destroy();
    // A client that does not read takes nothing any more: it must neither keep its connection nor the process.
    setTimeout(() => {
      for (const socket of this.#sockets) socket.resetAndDestroy();
    }, CUT_MS).unref();
  }

  /** Resolves when no connection is left, or at the deadline. */
  async drained(timeoutMs: number): Promise<void> {
    if (this.#sockets.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      // A listener that a reload removed may be waited for by the shutdown as well.
      this.#whenEmpty.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  tick(nowMs: number): void {
    for (const connection of this.#http) connection.tick(nowMs);
  }

  #closeIdle(): void {
    for (const connection of [...this.#http]) connection.close();
  }

  #accept(socket: Socket): void {
    const { http, tcp } = this.#deps;
    const gauge = http.metrics.connections.with(this.config.name);
    if (this.#sockets.size >= this.config.limits.connections) {
      this.#turnAway(socket);
      return;
    }
    gauge.value++;
    this.#sockets.add(socket);
    let connection: HttpConnection | null = null;
    socket.once('close', () => {
      gauge.value--;
      this.#sockets.delete(socket);
      if (connection !== null) this.#http.delete(connection);
      if (this.#sockets.size === 0) for (const wake of this.#whenEmpty.splice(0)) wake();
    });
    if (this.config.protocol === 'TCP') {
      handleTcpConnection(socket, this.config.name, tcp);
      return;
    }
    connection = new HttpConnection(socket, this.config, http);
    this.#http.add(connection);
    socket.resume();
    if (this.#closing) connection.close();
  }

  /** Past `limits.connections`: told so where the protocol has words for it, and closed. */
  #turnAway(socket: Socket): void {
    const { metrics } = this.#deps.http;
    metrics.requestFailures.with('', 'overloaded').value++;
    socket.on('error', () => {});
    if (this.config.protocol === 'TCP') {
      socket.destroy();
      return;
    }
    const detail = `${this.config.limits.connections} connections are open (limits.connections)`;
    const problem = { failure: 'overloaded', detail, rule: '', backend: '', sent: false } as const;
    metrics.requests.with('', '', '503').value++;
    socket.end(problemAnswer(problem, true, false), 'latin1');
    socket.resume();
    setTimeout(() => socket.destroy(), 500).unref();
  }

  #listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog: BACKLOG }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }
}

function listenError(config: ListenerConfig, error: NodeJS.ErrnoException): ListenError {
  const { host, port } = config.address;
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const why: Record<string, string> = {
    EADDRINUSE: `port ${port} is in use by another process; change listeners[].address or stop the other`,
    EACCES: `port ${port} is privileged (below 1024); choose one above, or grant NET_BIND_SERVICE`,
    EADDRNOTAVAIL: `${host} is no address of this host; change listeners[].address`,
  };
  return new ListenError(
    `listener ${config.name} cannot listen on ${address}: ${why[error.code ?? ''] ?? error.message}`,
  );
}
