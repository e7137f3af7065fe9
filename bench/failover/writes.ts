/** One worker's way to the store. */
export interface WriteClient {
  /**
   * Has the id applied once; tries once.
   * @returns the node that acknowledged it
   * @throws WriteFailed
   */
  write(id: string): Promise<string>;
  close(): void;
}

/** `no`: surely not applied. `unknown`: it may have been. Neither may be counted as lost. */
export type Applied = 'no' | 'unknown';

export class WriteFailed extends Error {
  readonly applied: Applied;

  constructor(applied: Applied, message: string) {
    super(message);
    this.applied = applied;
  }
}

/** What became of one write; times are those of performance.now(). */
export interface Write {
  readonly id: string;
  readonly sentMs: number;
  readonly doneMs: number;
  /** Who acknowledged it. */
  readonly node: string | null;
  readonly failed: WriteFailed | null;
}

/** How long a client waits for one answer. */
export const CLIENT_TIMEOUT_MS = 5000;
