/**
 * Metric cells as plain numbers. A cell is bound once (per rule, Pod, …) and the hot path only increments `value`;
 * rendering walks them (observe/render.ts). prom-client's bound children cost 5 µs a request more (docs/performance.md).
 */

/** One series of a counter or gauge. */
export interface Cell {
  readonly labels: readonly string[];
  value: number;
}

/** One series of a histogram: counts per bucket (not cumulative; the last is +Inf), and their sum. */
export interface HistogramCell {
  readonly labels: readonly string[];
  readonly counts: number[];
  sum: number;
}

/** A family of counters or gauges, by label values. */
export class CellFamily {
  readonly #cells = new Map<string, Cell>();

  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labelNames: readonly string[];

  constructor(name: string, type: 'counter' | 'gauge', help: string, labelNames: readonly string[]) {
    this.name = name;
    this.type = type;
    this.help = help;
    this.labelNames = labelNames;
  }

  /** The cell with these label values, made on first use. Not for the hot path: bind once. */
  with(...labels: string[]): Cell {
    const key = JSON.stringify(labels);
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = { labels, value: 0 };
      this.#cells.set(key, cell);
    }
    return cell;
  }

  /** Drops the series that `gone` picks. */
  remove(gone: (labels: readonly string[]) => boolean): void {
    for (const [key, cell] of this.#cells) if (gone(cell.labels)) this.#cells.delete(key);
  }

  cells(): Iterable<Cell> {
    return this.#cells.values();
  }
}

/** A family of histograms with fixed upper bounds. */
export class HistogramFamily {
  readonly type = 'histogram';
  readonly #cells = new Map<string, HistogramCell>();

  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Upper bounds in seconds, ascending, without +Inf. */
  readonly bounds: readonly number[];

  constructor(name: string, help: string, labelNames: readonly string[], bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.bounds = bounds;
  }

  with(...labels: string[]): HistogramCell {
    const key = JSON.stringify(labels);
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = { labels, counts: new Array<number>(this.bounds.length + 1).fill(0), sum: 0 };
      this.#cells.set(key, cell);
    }
    return cell;
  }

  /** Adds one observation, in seconds. */
  observe(cell: HistogramCell, seconds: number): void {
    const { bounds } = this;
    let i = 0;
    while (i < bounds.length && seconds > bounds[i]!) i++;
    cell.counts[i]!++;
    cell.sum += seconds;
  }

  remove(gone: (labels: readonly string[]) => boolean): void {
    for (const [key, cell] of this.#cells) if (gone(cell.labels)) this.#cells.delete(key);
  }

  cells(): Iterable<HistogramCell> {
    return this.#cells.values();
  }
}
