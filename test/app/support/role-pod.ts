import { once } from 'node:events';
import { createServer as createHttp, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import type { Scope } from './stage.ts';

/** What an HTTP Pod answers to one path. */
export interface Said {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A Pod that answers probes as it is told, and every other request with its name. */
export class RolePod {
  readonly name: string;
  health: Said = { status: 200 };
  leader: Said = { status: 503, body: 'follower' };
  /** Accepts connections, reads, and says nothing: a stopped process, as its peers see it. */
  isFrozen = false;
  readonly #server: HttpServer;
  #port = 0;

  private constructor(name: string) {
    this.name = name;
    this.#server = createHttp((request, response) => {
      if (this.isFrozen) return;
      const said =
        request.url === '/healthz'
          ? this.health
          : request.url?.startsWith('/leader')
            ? this.leader
            : { status: 200, body: name };
      response.writeHead(said.status, said.headers).end(said.body ?? '');
    });
  }

  static async start(scope: Scope, name: string): Promise<RolePod> {
    const pod = new RolePod(name);
    pod.#server.listen(0, '127.0.0.1');
    await once(pod.#server, 'listening');
    pod.#port = (pod.#server.address() as AddressInfo).port;
    scope.onTestFinished(() => pod.close());
    return pod;
  }

  /** Nobody listens there any more, as after a crash. Can be called twice. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get port(): number {
    return this.#port;
  }
}

/** A server that answers whatever it is sent with one text, as Redis does to who has not said its password. */
export async function textPod(
  scope: Scope,
  name: string,
  answer: string,
): Promise<{ readonly name: string; readonly port: number }> {
  const sockets = new Set<Socket>();
  const server: Server = createTcp((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => socket.write(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { name, port: (server.address() as AddressInfo).port };
}
