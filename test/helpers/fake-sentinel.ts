import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { decodeReply, type Reply } from '../../src/control/probe/resp.ts';

/** A Sentinel as far as headroute speaks with one, that says what a test wants it to. */
export class FakeSentinel {
  readonly port: number;
  /** `host port` of the master that it names; null: it knows none. */
  names: string | null;
  /** Without the right AUTH it answers nothing else. */
  password: string | null = null;
  /** It takes connections and answers nothing. */
  hangs = false;
  /** Commands, in capitals, with their arguments. */
  readonly heard: string[] = [];
  #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #subscribers = new Set<Socket>();

  static async start(names: string | null, password: string | null = null): Promise<FakeSentinel> {
    const sentinel = new FakeSentinel(names, await listening(0));
    sentinel.password = password;
    return sentinel;
  }

  private constructor(names: string | null, server: Server) {
    this.names = names;
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
    this.#serve();
  }

  /** How many connections wait for messages. */
  get subscribers(): number {
    return this.#subscribers.size;
  }

  publish(channel: string, text: string): void {
    for (const socket of this.#subscribers) socket.write(bulks('pmessage', channel, channel, text));
  }

  /** Any bytes, to all who wait for messages. */
  send(text: string): void {
    for (const socket of this.#subscribers) socket.write(text);
  }

  /** Resets every connection and takes no more. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#subscribers.clear();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  async restart(): Promise<void> {
    await this.stop();
    this.#server = await listening(this.port);
    this.#serve();
  }

  #serve(): void {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#subscribers.delete(socket);
      });
      let received = Buffer.alloc(0);
      let isIn = this.password === null;
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk]);
        for (let next = decodeReply(received); next !== null; next = decodeReply(received)) {
          received = received.subarray(next.end);
          const [name, ...args] = (next.reply as Reply[]).map(String) as [string, ...string[]];
          this.heard.push([name.toUpperCase(), ...args].join(' '));
          if (this.hangs) continue;
          if (name === 'AUTH') isIn = this.password === null || args.at(-1) === this.password;
          socket.write(this.#answer(socket, name, args, isIn));
        }
      });
    });
  }

  #answer(socket: Socket, name: string, args: readonly string[], isIn: boolean): string {
    if (name === 'AUTH' && this.password === null) return '-ERR Client sent AUTH, but no password is set\r\n';
    if (name === 'AUTH') return isIn ? '+OK\r\n' : '-WRONGPASS invalid username-password pair\r\n';
    if (!isIn) return '-NOAUTH Authentication required.\r\n';
    if (name === 'PING') return bulks('pong', '');
    if (name === 'PSUBSCRIBE') {
      this.#subscribers.add(socket);
      return args.map((pattern, n) => `*3\r\n${bulk('psubscribe')}${bulk(pattern)}:${n + 1}\r\n`).join('');
    }
    return this.names === null ? '*-1\r\n' : bulks(...this.names.split(' '));
  }
}

async function listening(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function bulks(...texts: readonly string[]): string {
  return `*${texts.length}\r\n${texts.map(bulk).join('')}`;
}

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
