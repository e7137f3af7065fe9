import { writeSync } from 'node:fs';
import { after, monotonicMs, sleep, type Timer } from '../platform/clock.ts';
import type { FamilyLike } from './render.ts';

/** Characters that wait for a slow reader; past this, lines are dropped rather than memory filled. */
const MAX_WAITING = 4 * 1024 * 1024;
/** A descriptor has no event that says when it takes bytes again. */
const RETRY_MS = 20;

/**
 * Writes lines to a descriptor that does not block, such as `stderrDescriptor` gives, and never waits for its reader: neither the
 * event loop nor the end of the process may hang on it (cases B6, containerd/containerd#9342). What cannot be written is dropped
 * and counted. The lines of one turn of the loop go out in one write.
 *
 * pino's own destination (sonic-boom) does not do: at the end of the process it writes synchronously and, on EAGAIN, for ever.
 */
export class LineWriter {
  /** Lines dropped: there were too many to keep, or the reader is gone. */
  dropped = 0;
  readonly #fd: number;
  readonly #maxWaiting: number;
  #lines: string[] = [];
  #waiting = 0;
  /** What is left of a write that was taken in part, and how many lines it was. */
  #rest: Buffer | null = null;
  #restLines = 0;
  #armed: NodeJS.Immediate | null = null;
  #retry: Timer | null = null;

  constructor(fd: number, maxWaiting = MAX_WAITING) {
    this.#fd = fd;
    this.#maxWaiting = maxWaiting;
  }

  /** @param line with its line end */
  write(line: string): void {
    if (this.#waiting + line.length > this.#maxWaiting) {
      this.dropped++;
      return;
    }
    this.#waiting += line.length;
    this.#lines.push(line);
    if (this.#retry === null) this.#armed ??= setImmediate(() => this.flush());
  }

  /** Writes what the descriptor takes now. @returns whether nothing is left */
  flush(): boolean {
    if (this.#armed !== null) clearImmediate(this.#armed);
    this.#retry?.clear();
    this.#armed = null;
    this.#retry = null;
    while (this.#rest !== null || this.#lines.length > 0) {
      this.#rest ??= this.#next();
      try {
        const taken = writeSync(this.#fd, this.#rest);
        this.#rest = taken < this.#rest.length ? this.#rest.subarray(taken) : null;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
          this.#retry = after(RETRY_MS, () => this.flush());
          return false;
        }
        // A reader that went away (EPIPE), a full disk behind it: no reason to stop serving.
        this.dropped += this.#restLines;
        this.#rest = null;
      }
    }
    return true;
  }

  /** Resolves once everything is written, or after `withinMs`. */
  async settled(withinMs: number): Promise<void> {
    const untilMs = monotonicMs() + withinMs;
    while (!this.flush() && monotonicMs() < untilMs) await sleep(RETRY_MS);
  }

  #next(): Buffer {
    const text = this.#lines.join('');
    this.#restLines = this.#lines.length;
    this.#lines = [];
    this.#waiting = 0;
    return Buffer.from(text);
  }
}

export function droppedLines(writer: { readonly dropped: number }): FamilyLike {
  return {
    name: 'headroute_log_lines_dropped_total',
    type: 'counter',
    help: 'Log lines that could not be written: nobody read them in time, or at all.',
    labelNames: [],
    cells: () => [{ labels: [], value: writer.dropped }],
  };
}
