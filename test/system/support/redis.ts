import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool, toolEnvironment } from '../../../scripts/servers/location.mjs';
import { Child } from './child.ts';
import { eventually } from './eventually.ts';

/** A real redis-server without persistence, on an address of its own. */
export class RedisServer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'headroute-redis-'));
  #child: Child;

  static async start(name: string, host: string, port: number, master?: RedisServer): Promise<RedisServer> {
    const server = new RedisServer(name, host, port);
    await server.#accepts();
    if (master !== undefined) {
      await server.follow(master);
      await eventually(async () => (await server.ask('ROLE')).includes('connected'), `${name} replicates`);
    }
    return server;
  }

  private constructor(name: string, host: string, port: number) {
    this.name = name;
    this.host = host;
    this.port = port;
    this.#child = this.#run();
  }

  #run(): Child {
    const options = ['--bind', this.host, '--port', String(this.port), '--dir', this.#folder, '--save', ''];
    // Sentinels know a replica by the address that it announces.
    const announced = ['--replica-announce-ip', this.host, '--replica-announce-port', String(this.port)];
    const quick = ['--repl-diskless-sync-delay', '0', '--repl-timeout', '5', '--protected-mode', 'no'];
    return new Child(
      this.name,
      requireTool('redis-server'),
      [...options, ...announced, ...quick],
      toolEnvironment('redis-server'),
    );
  }

  #accepts(): Promise<unknown> {
    return eventually(async () => {
      this.#child.assertRunning();
      return (await this.ask('PING')) === '+PONG';
    }, `${this.name} answers`);
  }

  /** As `askOnce`, not through headroute. */
  ask(command: string): Promise<string> {
    return askOnce(this, command);
  }

  follow(master: RedisServer): Promise<string> {
    return this.ask(`REPLICAOF ${master.host} ${master.port}`);
  }

  lead(): Promise<string> {
    return this.ask('REPLICAOF NO ONE');
  }

  async kill(): Promise<void> {
    await this.#child.end('SIGKILL');
  }

  async restart(): Promise<void> {
    this.#child = this.#run();
    await this.#accepts();
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** One command over a connection of its own; the answer without its last line end. */
export async function askOnce(
  { host, port }: { readonly host: string; readonly port: number },
  command: string,
): Promise<string> {
  const client = await RedisClient.connect(`${host}:${port}`);
  try {
    return await client.ask(command);
  } finally {
    client.close();
  }
}

/** A connection that speaks RESP2, one command at a time. */
export class RedisClient {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  /** When the connection ended (performance.now()), 0 as long as it lives. */
  endedMs = 0;
  readonly ended: Promise<unknown>;
  #wake: () => void = () => {};

  /** @param address host:port */
  static async connect(address: string): Promise<RedisClient> {
    const [host, port] = address.split(':');
    const socket = connect({ host: host!, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new RedisClient(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.ended = new Promise<void>((resolve) =>
      socket.once('close', () => {
        this.endedMs = performance.now();
        resolve();
        this.#wake();
      }),
    );
  }

  /** An inline command. @throws where the connection ends first */
  ask(command: string): Promise<string> {
    this.#socket.write(`${command}\r\n`);
    return this.answer();
  }

  /** A command of any bytes, as an array of bulk strings. */
  askBulk(...parts: readonly Buffer[]): Promise<string> {
    this.#socket.write(`*${parts.length}\r\n`);
    for (const part of parts) {
      this.#socket.write(`$${part.length}\r\n`);
      this.#socket.write(part);
      this.#socket.write('\r\n');
    }
    return this.answer();
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  /** The next answer; what arrives unasked (a published message) is one, too. */
  async answer(): Promise<string> {
    for (;;) {
      const end = endOfAnswer(this.#received, 0);
      if (end > 0) {
        const text = this.#received.toString('latin1', 0, end - 2);
        this.#received = this.#received.subarray(end);
        return text;
      }
      if (this.endedMs > 0) throw new Error('the connection ended');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Index after the answer that starts at `at`, or -1: it is not whole yet. */
function endOfAnswer(bytes: Buffer, at: number): number {
  const line = bytes.indexOf('\r\n', at);
  if (line < 0) return -1;
  const kind = String.fromCharCode(bytes[at]!);
  const count = Number(bytes.toString('latin1', at + 1, line));
  if (kind === '$') {
    const end = count < 0 ? line + 2 : line + 4 + count;
    return end <= bytes.length ? end : -1;
  }
  let end = line + 2;
  if (kind === '*') for (let i = 0; i < count && end > 0; i++) end = endOfAnswer(bytes, end);
  return end;
}
