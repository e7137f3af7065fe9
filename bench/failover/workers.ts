import { pause } from './pause.ts';
import { type Write, type WriteClient, WriteFailed } from './writes.ts';

/** Clients that write without end, each one id after the other and none twice. */
export class Workers {
  /** In the order in which they ended. */
  readonly writes: Write[] = [];
  readonly #prefix: string;
  readonly #pauseMs: number;
  readonly #loops: Promise<void>[];
  #going = true;

  constructor(clients: readonly WriteClient[], prefix: string, pauseMs: number) {
    this.#prefix = prefix;
    this.#pauseMs = pauseMs;
    this.#loops = clients.map((client, n) => this.#run(client, n, (n * pauseMs) / clients.length));
  }

  acknowledged(): Write[] {
    return this.writes.filter(({ failed }) => failed === null);
  }

  /** Ends after the writes in flight. */
  async stop(): Promise<void> {
    this.#going = false;
    await Promise.all(this.#loops);
  }

  async #run(client: WriteClient, worker: number, afterMs: number): Promise<void> {
    // Not all at once: a strike is to meet some on their way and some not.
    await pause(afterMs);
    for (let n = 0; this.#going; n++) {
      const id = `${this.#prefix}${worker}-${n}`;
      const sentMs = performance.now();
      let node: string | null = null;
      let failed: WriteFailed | null = null;
      try {
        node = await client.write(id);
      } catch (error) {
        failed = error instanceof WriteFailed ? error : new WriteFailed('unknown', (error as Error).message);
      }
      this.writes.push({ id, sentMs, doneMs: performance.now(), node, failed });
      await pause(this.#pauseMs);
    }
    client.close();
  }
}
