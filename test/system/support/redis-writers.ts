import { RedisClient, type RedisServer } from './redis.ts';

/** Asked for in one command. */
const BATCH = 500;

/** Clients that write one id after another, each over a connection that is kept for as long as it lives. */
export class RedisWriters {
  /** Ids whose write was answered +OK, and when (performance.now()). */
  readonly acknowledged: { readonly id: string; readonly atMs: number }[] = [];
  /** Answers that are none. */
  readonly refused: string[] = [];
  readonly #address: string;
  readonly #writers: Promise<void>[];
  readonly #open = new Set<RedisClient>();
  #stopped = false;

  constructor(address: string, size: number) {
    this.#address = address;
    this.#writers = Array.from({ length: size }, (_, n) => this.#write(n));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const client of this.#open) client.close();
    await Promise.all(this.#writers);
  }

  /** The longest time between two acknowledged writes, whoever made them. @param sinceMs performance.now() */
  longestGapMs(sinceMs: number): number {
    let lastMs = sinceMs;
    let longestMs = 0;
    for (const { atMs } of this.acknowledged) {
      if (atMs < sinceMs) continue;
      longestMs = Math.max(longestMs, atMs - lastMs);
      lastMs = atMs;
    }
    return longestMs;
  }

  /** Acknowledged ids that a server does not have. */
  async lost(server: RedisServer): Promise<string[]> {
    const lost: string[] = [];
    const ids = this.acknowledged.map(({ id }) => id);
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
          if (answer === '+OK') this.acknowledged.push({ id, atMs: performance.now() });
          else this.refused.push(answer);
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      } catch {
        // The connection ended: the outcome of that write is unknown, the next goes over another one.
      }
      this.#open.delete(client);
      client.close();
    }
  }
}
