import { createServer, type Server, type Socket } from 'node:net';
import { formatAddress } from '../../model/address.ts';
import type { ListenerConfig } from '../../model/config.ts';
import type { Logger } from '../../platform/logger.ts';
import { SOCKET_OPTIONS } from '../socket-options.ts';

/** What the kernel allows by default (net.core.somaxconn): a burst waits here, as Node accepts one connection a turn (docs/performance.md). */
const BACKLOG = 4096;

/** A listener's address cannot be bound. The message names the address, the reason and the key to change. */
export class ListenError extends Error {}

/** A bound address. Connections wait until somebody takes them, so that it can change hands without losing one. */
export class BoundAddress {
  readonly port: number;
  readonly #server: Server;
  #taker: ((socket: Socket) => void) | null = null;
  readonly #waiting: Socket[] = [];

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on('connection', (socket: Socket) => {
      if (this.#taker === null) this.#waiting.push(socket);
      else this.#taker(socket);
    });
  }

  /** An empty host is every address, of both families where the node has IPv6. @throws ListenError */
  static async bind(config: ListenerConfig, logger: Logger): Promise<BoundAddress> {
    const server = createServer({
      ...SOCKET_OPTIONS,
      pauseOnConnect: true,
    });
    const { host, port } = config.address;
    try {
      await listen(server, host === '' ? '::' : host, port);
    } catch (error) {
      const noIPv6 =
        host === '' &&
        ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes((error as NodeJS.ErrnoException).code ?? '');
      if (!noIPv6) throw listenError(config, error as NodeJS.ErrnoException);
      await listen(server, '0.0.0.0', port).catch((second) => {
        throw listenError(config, second as NodeJS.ErrnoException);
      });
    }
    const address = server.address();
    const bound = new BoundAddress(
      server,
      address !== null && typeof address === 'object' ? address.port : port,
    );
    server.on('error', (error) => logger.error({ port: bound.port, error: String(error) }, 'accept failed'));
    return bound;
  }

  /** Who gets the connections from now on, those that wait first; null: they wait. */
  take(taker: ((socket: Socket) => void) | null): void {
    this.#taker = taker;
    if (taker !== null) for (const socket of this.#waiting.splice(0)) taker(socket);
  }

  /** Stops listening; connections that nobody took are dropped. */
  close(): void {
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    this.#server.close();
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function listenError(config: ListenerConfig, error: NodeJS.ErrnoException): ListenError {
  const { host, port } = config.address;
  const address = formatAddress(config.address);
  const why: Record<string, string> = {
    EADDRINUSE: `port ${port} is in use by another process; change listeners[].address or stop the other`,
    EACCES: `port ${port} is privileged (below 1024); choose one above, or grant NET_BIND_SERVICE`,
    EADDRNOTAVAIL: `${host} is no address of this host; change listeners[].address`,
  };
  return new ListenError(
    `listener ${config.name} cannot listen on ${address}: ${why[error.code ?? ''] ?? error.message}`,
  );
}
