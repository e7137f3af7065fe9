import { type Answer, KvClient } from './kv-client.ts';

/** What became of one write; times are those of performance.now(). */
export interface Write {
  readonly key: string;
  readonly sentMs: number;
  readonly doneMs: number;
  /** The answer, or the error of the connection. */
  readonly outcome: Answer | Error;
}

/** Writes one key after the other, each once and never again: whether a write may be repeated is not its business. */
export class Writer {
  /** Answered with 200, in order. */
  readonly acknowledged: Write[] = [];
  /** All others that ended. */
  readonly failed: Write[] = [];
  readonly #client: KvClient;
  readonly #prefix: string;
  readonly #pauseMs: number;
  #going = true;
  readonly #done: Promise<void>;

  /** @param pauseMs between an answer and the next write */
  constructor(address: string, prefix: string, pauseMs: number) {
    this.#client = new KvClient(address);
    this.#prefix = prefix;
    this.#pauseMs = pauseMs;
    this.#done = this.#run();
  }

  get writes(): readonly Write[] {
    return [...this.acknowledged, ...this.failed];
  }

  /** Ends after the write in flight was answered. */
  async stop(): Promise<void> {
    this.#going = false;
    await this.#done;
    this.#client.close();
  }

  async #run(): Promise<void> {
    for (let n = 0; this.#going; n++) {
      const key = `${this.#prefix}${n}`;
      const sentMs = performance.now();
      const outcome = await this.#client.put(key, `value of ${key}`).catch((error: Error) => error);
      const succeeded = !(outcome instanceof Error) && outcome.status === 200;
      (succeeded ? this.acknowledged : this.failed).push({ key, sentMs, doneMs: performance.now(), outcome });
      await new Promise((resolve) => setTimeout(resolve, this.#pauseMs));
    }
  }
}
