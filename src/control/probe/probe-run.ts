import type { ProbeResult } from './probe-result.ts';

/**
 * How the probes of one Pod have been ending, as people are told of it: what the last one found, and since when without a break it has
 * been that kind of thing.
 */
export class ProbeRun {
  /** As `ProbeResult.kind`, or its outcome; null: none has ended yet. */
  #kind: string | null = null;
  #before: string | null = null;
  #last: ProbeResult | null = null;
  #sinceMs = 0;

  /** @param nowMs monotonic milliseconds @returns whether it is another kind of thing than before */
  take(result: ProbeResult, nowMs: number): boolean {
    const kind = result.kind ?? result.outcome;
    const changed = kind !== this.#kind;
    if (changed) {
      this.#sinceMs = nowMs;
      this.#before = this.#kind;
    }
    this.#kind = kind;
    this.#last = result;
    return changed;
  }

  /** Another one that goes on from here. */
  copy(): ProbeRun {
    const copy = new ProbeRun();
    copy.#kind = this.#kind;
    copy.#last = this.#last;
    copy.#sinceMs = this.#sinceMs;
    return copy;
  }

  get kind(): string | null {
    return this.#kind;
  }

  /** The kind before this one; null: there was none. */
  get before(): string | null {
    return this.#before;
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  get last(): ProbeResult | null {
    return this.#last;
  }
}

/** What a probe found, with what the Pod said. */
export function resultWords({ reason, said }: ProbeResult): string {
  return said == null ? reason : `${reason}: ${said}`;
}
