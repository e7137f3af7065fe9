import { createServer, type Server, type Socket } from 'node:net';
import type { HostPort, ListenerConfig } from '../../model/config.ts';
import { resizeBacklog, waitingConnections } from '../../platform/backlog.ts';
import { type BindAddress, bind } from '../../platform/bind.ts';
import { crashed } from '../../platform/guard.ts';
import { type LocalErrorLog, localErrorOf } from '../../platform/local-error.ts';
import type { Logger } from '../../platform/logger.ts';
import type { TurnEnd } from '../../platform/turn-end.ts';
import { ACCEPTED_OPTIONS } from '../socket-options.ts';
import { AcceptQueue, BACKLOG } from './accept-queue.ts';

/** Where a failed accept is told. Without a descriptor libuv drops the client and goes on, mostly without a word. */
export interface AcceptLog {
  readonly logger: Logger;
  readonly localErrors: LocalErrorLog;
}

/** A bound address. Connections wait until somebody takes them, so that it can change hands without losing one. */
export class BoundAddress {
  /** The literal address, whatever name the configuration has for it. */
  readonly host: string;
  readonly port: number;
  /** What waits in the kernel. */
  readonly queue: AcceptQueue;
  readonly #server: Server;
  #taker: ((socket: Socket) => void) | null = null;
  readonly #waiting: Socket[] = [];
  #refuses = false;

  private constructor(server: Server, { host, port }: BindAddress, turn: TurnEnd) {
    this.#server = server;
    this.host = host;
    this.port = port;
    const kernel = {
      resize: (backlog: number): void => void resizeBacklog(server, backlog),
      waiting: () => waitingConnections(port),
    };
    this.queue = new AcceptQueue(kernel, turn);
    server.on('connection', (socket: Socket) => {
      try {
        this.queue.accepted();
        if (this.#taker === null) this.#waiting.push(socket);
        else this.#taker(socket);
      } catch (error) {
        crashed('client', error);
        socket.destroy();
      }
    });
  }

  /** @throws Error of `bind` */
  static async bind(
    config: ListenerConfig,
    { logger, localErrors }: AcceptLog,
    turn: TurnEnd,
  ): Promise<BoundAddress> {
    const server = createServer(ACCEPTED_OPTIONS);
    const bound = new BoundAddress(server, await listen(server, config.address, config.name), turn);
    server.on('error', (error: NodeJS.ErrnoException) => {
      const local = localErrorOf(error.code);
      if (local === null) logger.error({ port: bound.port, error: String(error) }, 'accept failed');
      else localErrors.report('accept', local);
    });
    return bound;
  }

  /** Who gets the connections from now on, those that wait first; null: they wait. */
  take(taker: ((socket: Socket) => void) | null): void {
    this.#taker = taker;
    if (taker !== null) for (const socket of this.#waiting.splice(0)) taker(socket);
  }

  /** The kernel refuses new connections until `listenAgain`; those that somebody took go on. */
  refuse(): void {
    this.#refuses = true;
    this.close();
  }

  /** Takes back `refuse`, at the same port. @throws Error of `bind`: another process may have it now */
  async listenAgain(config: ListenerConfig): Promise<void> {
    if (!this.#refuses) return;
    await listen(this.#server, { ...config.address, port: this.port }, config.name);
    this.#refuses = false;
  }

  /** Stops listening; connections that nobody took are dropped. */
  close(): void {
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    this.#server.close();
  }
}

function listen(server: Server, address: HostPort, listener: string): Promise<BindAddress> {
  return bind(server, { ...address, backlog: BACKLOG }, `listeners[${listener}].address`);
}
