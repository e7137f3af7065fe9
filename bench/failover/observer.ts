import { pause } from './pause.ts';

/** A node, and how to ask it itself whether it could serve writes now. */
export interface Observed {
  readonly name: string;
  canWrite(): Promise<boolean>;
  /** What it keeps open is closed, and what it waits for ends. */
  close?(): void;
}

/** Between two questions to a node: the figures are as fine as this. */
const EVERY_MS = 5;

/**
 * Asks each node past the proxies, at its own pace, so that a dead one holds nobody back. This tells what a proxy added to an
 * outage from what the election took.
 */
export class Observer {
  /** When each first said that it could (performance.now()). */
  readonly firstMs = new Map<string, number>();
  readonly #nodes: readonly Observed[];
  readonly #loops: Promise<void>[];
  #going = true;

  constructor(nodes: readonly Observed[]) {
    this.#nodes = nodes;
    this.#loops = nodes.map((node) => this.#watch(node));
  }

  async stop(): Promise<void> {
    this.#going = false;
    for (const node of this.#nodes) node.close?.();
    await Promise.all(this.#loops);
  }

  async #watch(node: Observed): Promise<void> {
    while (this.#going) {
      if (await node.canWrite().catch(() => false)) {
        this.firstMs.set(node.name, performance.now());
        return;
      }
      await pause(EVERY_MS);
    }
  }
}
