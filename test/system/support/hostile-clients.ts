import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Many connections of clients that do not behave; errors and ends of them are expected. */
export class Crowd {
  readonly sockets: Socket[] = [];
  /** Bytes read over all of them. */
  received = 0;
  /** Those that have ended, however. */
  ended = 0;
  readonly #address: { host: string; port: number };

  /** @param address host:port */
  constructor(address: string) {
    const [host, port] = address.split(':');
    this.#address = { host: host!, port: Number(port) };
  }

  /**
   * Opens connections, `atOnce` at a time: a listener's backlog is not what is tested.
   * @param greet what each does once it is connected
   */
  async join(count: number, greet: (socket: Socket) => void = () => {}, atOnce = 200): Promise<void> {
    for (let left = count; left > 0; left -= atOnce)
      await Promise.all(Array.from({ length: Math.min(left, atOnce) }, () => this.#one(greet)));
  }

  async #one(greet: (socket: Socket) => void): Promise<void> {
    const socket = connect(this.#address);
    this.sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      this.received += chunk.length;
    });
    socket.once('close', () => {
      this.ended++;
    });
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
    greet(socket);
  }

  async leave(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(this.sockets.map((socket) => socket.closed || once(socket, 'close')));
    this.sockets.length = 0;
  }
}

/** Later than any bound that a test sets: what comes late is measured. */
const GIVE_UP_MS = 60_000;

/** Asks again and again, as a client that has nothing to do with the attack: each time over a new connection. */
export class Bystander {
  /** Milliseconds of each answer. */
  readonly took: number[] = [];
  readonly failed: string[] = [];
  readonly #url: string;
  #going = true;
  readonly #done: Promise<void>;

  constructor(url: string) {
    this.#url = url;
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    while (this.#going) {
      const began = performance.now();
      try {
        const options = { headers: { connection: 'close' }, signal: AbortSignal.timeout(GIVE_UP_MS) };
        const response = await fetch(this.#url, options);
        const body = await response.text();
        if (response.status !== 200) this.failed.push(`${response.status} ${body}`);
      } catch (error) {
        this.failed.push(String(error));
      }
      this.took.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#done;
  }
}
