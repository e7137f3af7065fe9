import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Sends the same request over one connection, the next when the answer is whole: what is counted does not depend on timing. */
export class SerialClient {
  readonly #socket: Socket;
  #left = 0;
  #done: () => void = () => {};
  #failed: (error: Error) => void = () => {};

  static async connect(port: number): Promise<SerialClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new SerialClient(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', (error) => this.#failed(error));
    socket.on('close', () => this.#failed(new Error('headroute closed the connection')));
    socket.on('data', (chunk) => {
      if (this.#left === 0) {
        const head = chunk.toString('latin1', 0, Math.min(chunk.length, 2048));
        if (!head.startsWith('HTTP/1.1 200 ')) return this.#failed(new Error(head));
        const end = head.indexOf('\r\n\r\n') + 4;
        this.#left = end + Number(/content-length: (\d+)/i.exec(head)![1]);
      }
      this.#left -= chunk.length;
      if (this.#left === 0) this.#done();
    });
  }

  async send(request: string, times: number): Promise<void> {
    for (let n = 0; n < times; n++) {
      await new Promise<void>((resolve, reject) => {
        this.#done = resolve;
        this.#failed = reject;
        this.#socket.write(request, 'latin1');
      });
    }
  }

  close(): void {
    this.#failed = () => {};
    this.#socket.destroy();
  }
}
