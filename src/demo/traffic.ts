import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { WritesSeen } from './verify.ts';

/** The ids of this application's writes. */
export const OWN_WRITE = /^w\d+$/;

const WRITERS = 6;
const READERS = 6;
/** Pause of one client between two requests. */
const THINK_MS = 10;
/** A write that took longer than this had been held. */
const HELD_MS = 150;

/** An application that writes and reads through the sidecar, and remembers what it was told. */
export class Traffic implements WritesSeen {
  readonly acknowledged = new Map<string, string>();
  readonly unknown = new Set<string>();
  readonly refused = new Set<string>();
  /** Reads answered, by Pod. */
  readonly reads = new Map<string, number>();
  /** Writes answered, by Pod. */
  readonly writes = new Map<string, number>();
  readsFailed = 0;
  readonly failures = new Map<string, number>();
  /** The longest that a write waited for its acknowledgement, and how many waited for a leader, in total. */
  slowestMs = 0;
  heldWrites = 0;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: WRITERS + READERS });
  readonly #target: { host: string; port: number };
  readonly #loops: Promise<void>[] = [];
  #stopped = false;
  #nextId = 0;
  #waiting = 0;

  /** @param address host:port of the sidecar's listener */
  constructor(address: string) {
    const [host, port] = address.split(':');
    this.#target = { host: host!, port: Number(port) };
  }

  /** Writes sent and not answered at this moment. */
  get waiting(): number {
    return this.#waiting;
  }

  get readCount(): number {
    return [...this.reads.values()].reduce((sum, count) => sum + count, 0);
  }

  start(): void {
    for (let i = 0; i < WRITERS; i++) this.#loops.push(this.#loop(() => this.#write()));
    for (let i = 0; i < READERS; i++) this.#loops.push(this.#loop(() => this.#read()));
  }

  /** Sends no more; resolves when all that was sent has an answer. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
    this.#agent.destroy();
  }

  async #loop(send: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      await send();
      await new Promise((resolve) => setTimeout(resolve, THINK_MS));
    }
  }

  async #write(): Promise<void> {
    const id = `w${this.#nextId++}`;
    const startMs = performance.now();
    this.#waiting += 1;
    const answer = await this.#send('POST', `/write?id=${id}`, `value of ${id}`);
    this.#waiting -= 1;
    const tookMs = performance.now() - startMs;
    const pod = answer.status === 200 ? podOf(answer.body) : null;
    if (pod !== null) {
      this.acknowledged.set(id, pod);
      count(this.writes, pod);
      this.slowestMs = Math.max(this.slowestMs, tookMs);
      if (tookMs > HELD_MS) this.heldWrites += 1;
      return;
    }
    count(this.failures, answer.failure);
    if (answer.sent) this.unknown.add(id);
    else this.refused.add(id);
  }

  async #read(): Promise<void> {
    const answer = await this.#send('GET', '/read', '');
    const pod = answer.status === 200 ? podOf(answer.body) : null;
    if (pod !== null) count(this.reads, pod);
    else this.readsFailed += 1;
  }

  async #send(method: string, path: string, body: string): Promise<Answer> {
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const options = { ...this.#target, method, path, agent: this.#agent };
        const outgoing = request(options, resolve).on('error', reject);
        outgoing.end(body);
      });
      return {
        status: response.statusCode ?? 0,
        body: await text(response),
        failure: String(response.headers['x-headroute-failure'] ?? response.statusCode),
        // A Pod's own refusal (421) executed nothing; everything else counts as sent unless headroute says otherwise.
        sent: response.headers['x-headroute-sent'] !== 'false' && response.statusCode !== 421,
      };
    } catch (error) {
      return { status: 0, body: '', failure: String((error as NodeJS.ErrnoException).code), sent: true };
    }
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly failure: string;
  readonly sent: boolean;
}

function podOf(body: string): string | null {
  try {
    const { pod } = JSON.parse(body) as { pod?: unknown };
    return typeof pod === 'string' ? pod : null;
  } catch {
    return null;
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
