import { connect, type Socket } from 'node:net';
import { pause } from '../../helpers/waiting.ts';
import type { Sidecar } from '../cluster/sidecar.ts';
import { machineMs } from '../monotonic.ts';
import type { Random } from '../random.ts';
import type { Keys } from './keys.ts';
import type { History, Operation } from './operation.ts';

/** How long a line may wait for its answer before the client gives the connection up. */
const PATIENCE_MS = 12_000;

/** A client whose connection stays: lines of writes over TCP, or after an upgrade. Each connection that ends is followed by another. */
export class TunnelClient {
  readonly #name: string;
  readonly #via: 'tcp' | 'upgrade';
  readonly #sidecar: Sidecar;
  readonly #random: Random;
  readonly #keys: Keys;
  readonly #history: History;
  #stopped = false;

  constructor(
    name: string,
    via: 'tcp' | 'upgrade',
    sidecar: Sidecar,
    random: Random,
    keys: Keys,
    history: History,
  ) {
    this.#name = name;
    this.#via = via;
    this.#sidecar = sidecar;
    this.#random = random;
    this.#keys = keys;
    this.#history = history;
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      await this.#connection();
      await pause(this.#random.between(20, 120));
    }
  }

  async #connection(): Promise<void> {
    const { host, ports, run } = this.#sidecar;
    const socket = connect({ host, port: this.#via === 'tcp' ? ports.tcp : ports.http, noDelay: true });
    socket.on('error', () => {});
    const gone = new Promise((resolve) => socket.on('close', resolve));
    const answers = new Answers(socket, this.#via === 'upgrade');
    if (this.#via === 'upgrade') {
      const path = `/u/${this.#keys.id()}/tunnel`;
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: db\r\nX-By: ${run}\r\nConnection: Upgrade\r\nUpgrade: chaos\r\n\r\n`,
      );
      if (!(await answers.switched(PATIENCE_MS))) socket.destroy();
    }
    const lines = this.#random.between(3, 40);
    for (let n = 0; n < lines && !this.#stopped && !socket.destroyed; n++) {
      await this.#line(socket, answers, run);
      await pause(this.#random.between(5, 60));
    }
    socket.destroy();
    await gone;
  }

  async #line(socket: Socket, answers: Answers, by: string): Promise<void> {
    const operation: Operation = this.#history.begin({
      id: this.#keys.id(),
      key: this.#keys.key(this.#random),
      kind: 'write',
      via: this.#via,
      client: this.#name,
      by,
      bytes: 0,
      startMs: machineMs(),
    });
    socket.write(`W ${operation.id} ${operation.key} ${by}\n`);
    const answer = await answers.next(PATIENCE_MS);
    operation.endMs = machineMs();
    operation.detail = answer ?? 'closed';
    if (answer === `OK ${operation.id}`) operation.outcome = 'ok';
    else if (answer === `NO ${operation.id}`) operation.outcome = 'fail';
    else if (answer !== null) operation.wrong = `the answer ${answer}`;
    if (answer === null) socket.destroy();
  }
}

/** Lines from a Pod, after the head of its 101 where there is one. */
class Answers {
  #text = '';
  #lines: string[] = [];
  #switched: boolean;
  #wake: (() => void) | null = null;
  #ended = false;

  constructor(socket: Socket, upgrade: boolean) {
    this.#switched = !upgrade;
    socket.on('data', (bytes) => {
      this.#text += bytes.toString('latin1');
      this.#read();
      this.#wake?.();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('end', end);
    socket.on('close', end);
  }

  /** @returns whether the tunnel is open */
  async switched(withinMs: number): Promise<boolean> {
    await this.#until(() => this.#switched, withinMs);
    return this.#switched;
  }

  /** The next line, or null: none came. */
  async next(withinMs: number): Promise<string | null> {
    await this.#until(() => this.#lines.length > 0, withinMs);
    return this.#lines.shift() ?? null;
  }

  #read(): void {
    if (!this.#switched) {
      const end = this.#text.indexOf('\r\n\r\n');
      if (end === -1) return;
      if (!this.#text.startsWith('HTTP/1.1 101 ')) {
        this.#ended = true;
        return;
      }
      this.#text = this.#text.slice(end + 4);
      this.#switched = true;
    }
    const lines = this.#text.split('\n');
    this.#text = lines.pop()!;
    this.#lines.push(...lines);
  }

  #until(check: () => boolean, withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const overdue = setTimeout(resolve, withinMs);
      this.#wake = () => {
        if (!check() && !this.#ended) return;
        clearTimeout(overdue);
        resolve();
      };
      this.#wake();
    });
  }
}
