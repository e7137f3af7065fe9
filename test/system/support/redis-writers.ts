import { eventually } from './eventually.ts';
import { RedisClient, type RedisServer } from './redis.ts';

/** Asked for in one command. */
const BATCH = 500;

export interface Write {
  readonly id: string;
  /** When it was answered (performance.now()). */
  readonly atMs: number;
  readonly answer: string;
}

/** Clients that write one id after another, each over a connection that is kept for as long as it lives, whatever it answers. */
export class RedisWriters {
  /** Those that were answered. */
  readonly writes: Write[] = [];
  readonly #address: string;
  readonly #pauseMs: number;
  readonly #writers: Promise<void>[];
  readonly #open = new Set<RedisClient>();
  #stopped = false;

  /** @param pauseMs between an answer and the next write */
  constructor(address: string, size: number, pauseMs: number) {
    this.#address = address;
    this.#pauseMs = pauseMs;
    this.#writers = Array.from({ length: size }, (_, n) => this.#write(n));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const client of this.#open) client.close();
    await Promise.all(this.#writers);
  }

  /** Writes that were answered +OK since a moment. */
  acknowledged(sinceMs = 0): Write[] {
    return this.writes.filter(({ atMs, answer }) => atMs >= sinceMs && answer === '+OK');
  }

  /** Answers since a moment that are no +OK. */
  refused(sinceMs = 0): Write[] {
    return this.writes.filter(({ atMs, answer }) => atMs >= sinceMs && answer !== '+OK');
  }

  /** Waits until every writer has written since that moment. */
  served(sinceMs: number): Promise<unknown> {
    const since = (): Set<string> => new Set(this.acknowledged(sinceMs).map(({ id }) => id.split(':')[0]!));
    return eventually(async () => since().size === this.#writers.length, 'every writer is served');
  }

  /** The longest time between two acknowledged writes, whoever made them. @param sinceMs performance.now() */
  longestGapMs(sinceMs: number): number {
    let lastMs = sinceMs;
    let longestMs = 0;
    for (const { atMs } of this.acknowledged(sinceMs)) {
      longestMs = Math.max(longestMs, atMs - lastMs);
      lastMs = atMs;
    }
    return longestMs;
  }

  /** Acknowledged ids that a server does not have. */
  async lost(server: RedisServer): Promise<string[]> {
    const lost: string[] = [];
    const ids = this.acknowledged().map(({ id }) => id);
    for (let at = 0; at < ids.length; at += BATCH) {
      const batch = ids.slice(at, at + BATCH);
      if ((await server.ask(`EXISTS ${batch.join(' ')}`)) === `:${batch.length}`) continue;
      for (const id of batch) if ((await server.ask(`EXISTS ${id}`)) !== ':1') lost.push(id);
    }
    return lost;
  }

  async #write(writer: number): Promise<void> {
    for (let n = 0; !this.#stopped; ) {
      const client = await RedisClient.connect(this.#address).catch(() => null);
      if (client === null) continue;
      this.#open.add(client);
      try {
        while (!this.#stopped) {
          const id = `w${writer}:${n++}`;
          const answer = await client.ask(`SET ${id} 1`);
          this.writes.push({ id, atMs: performance.now(), answer });
          await new Promise((resolve) => setTimeout(resolve, this.#pauseMs));
        }
      } catch {
        // The connection ended: the outcome of that write is unknown, the next goes over another one.
      }
      this.#open.delete(client);
      client.close();
    }
  }
}
