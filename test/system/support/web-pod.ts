import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

/** A Pod that answers its own name on every address given. */
export class WebPod {
  readonly name: string;
  readonly #servers: Server[] = [];
  served = 0;

  static async start(name: string, port: number, hosts: readonly string[]): Promise<WebPod> {
    const pod = new WebPod(name);
    for (const host of hosts) {
      const server = createServer((_request, response) => {
        pod.served++;
        response.end(name);
      });
      pod.#servers.push(server.listen(port, host));
      await once(server, 'listening');
    }
    return pod;
  }

  private constructor(name: string) {
    this.name = name;
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#servers.map(async (server) => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }),
    );
  }
}
