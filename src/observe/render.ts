import { monotonicMs } from '../platform/clock.ts';
import { afterTurn } from '../platform/turn.ts';
import type { Cell, HistogramCell } from './primitives.ts';

/** What can be rendered: `CellFamily`, `HistogramFamily` and families worked out at a scrape. */
export type FamilyLike =
  | {
      readonly name: string;
      readonly type: 'counter' | 'gauge';
      readonly help: string;
      readonly labelNames: readonly string[];
      cells(): Iterable<Cell>;
    }
  | {
      readonly name: string;
      readonly type: 'histogram';
      readonly help: string;
      readonly labelNames: readonly string[];
      /** Upper bounds, ascending, without +Inf. */
      readonly bounds: readonly number[];
      cells(): Iterable<HistogramCell>;
    };

export interface RenderOptions {
  /** Text to append: complete families of another registry. */
  readonly append?: () => Promise<string>;
  /** A label to leave out of all counters and gauges; null: none. */
  readonly withoutLabel?: string | null;
  /** How long a slice may take before the loop gets its turn; default 1 ms. */
  readonly sliceMs?: number;
  readonly nowMs?: () => number;
  readonly yieldTurn?: () => Promise<void>;
}

/** Two slices fall into the turn that a scrape arrives in, and a collection of what they leave may come on top. */
const SLICE_MS = 1;
/** Series between two looks at the clock; a histogram's has some 18 lines. */
const SERIES_PER_LOOK = 8;

/**
 * Renders families as Prometheus text format 0.0.4, in slices between which the event loop turns: 1,000 rules and 1,000
 * Pods at once would stall it for 100 ms (case M3, prometheus/client_js#543). Every family shows HELP and TYPE, with or
 * without series. A series is rendered at one moment, a family's list of series is taken at one moment (so that none
 * shows twice), the whole is not.
 */
export async function renderMetrics(
  families: () => Iterable<FamilyLike>,
  options: RenderOptions = {},
): Promise<string> {
  const { sliceMs = SLICE_MS, nowMs = monotonicMs, yieldTurn = afterTurn } = options;
  const chunks: string[] = [];
  let parts: string[] = [];
  // Flattened as it grows, on the slice's time: it costs as much as the rendering, and one join of all lines would itself be a stall.
  const flatten = (): void => {
    chunks.push(parts.join(''));
    parts = [];
  };
  let sliceEndMs = nowMs() + sliceMs;
  let untilLook = SERIES_PER_LOOK;
  const label = options.withoutLabel ?? null;
  for (const listed of families()) {
    const family = label === null ? listed : without(listed, label);
    parts.push(`# HELP ${family.name} ${escapeHelp(family.help)}\n# TYPE ${family.name} ${family.type}\n`);
    for (const cell of [...family.cells()]) {
      parts.push(
        family.type === 'histogram'
          ? histogramLines(family, cell as HistogramCell)
          : `${family.name}${labelsOf(family.labelNames, cell.labels)} ${numberText((cell as Cell).value)}\n`,
      );
      untilLook--;
      if (untilLook > 0) continue;
      untilLook = SERIES_PER_LOOK;
      flatten();
      if (nowMs() < sliceEndMs) continue;
      await yieldTurn();
      sliceEndMs = nowMs() + sliceMs;
    }
  }
  flatten();
  await yieldTurn();
  if (options.append !== undefined) chunks.push(await options.append());
  await yieldTurn();
  return chunks.join('');
}

/** All its series have one value of the label. */
function without(family: FamilyLike, label: string): FamilyLike {
  const at = family.labelNames.indexOf(label);
  if (at < 0 || family.type === 'histogram') return family;
  const rest = (labels: readonly string[]): readonly string[] => labels.filter((_, index) => index !== at);
  const { name, type, help } = family;
  return {
    name,
    type,
    help,
    labelNames: rest(family.labelNames),
    *cells() {
      for (const { labels, value } of family.cells()) yield { labels: rest(labels), value };
    },
  };
}

/** Runs `render` once for all who ask while it runs: scrapes at the same time share one text. */
export function shared(render: () => Promise<string>): () => Promise<string> {
  let running: Promise<string> | null = null;
  return () => {
    running ??= render().finally(() => {
      running = null;
    });
    return running;
  };
}

function histogramLines(
  { name, labelNames, bounds }: { name: string; labelNames: readonly string[]; bounds: readonly number[] },
  { labels, counts, sum }: HistogramCell,
): string {
  const inner = labelPairs(labelNames, labels);
  const before = inner === '' ? `${name}_bucket{le="` : `${name}_bucket{${inner},le="`;
  let text = '';
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    total += counts[i]!;
    text += `${before}${i < bounds.length ? numberText(bounds[i]!) : '+Inf'}"} ${total}\n`;
  }
  const braces = inner === '' ? '' : `{${inner}}`;
  return `${text}${name}_sum${braces} ${numberText(sum)}\n${name}_count${braces} ${total}\n`;
}

function labelsOf(names: readonly string[], values: readonly string[]): string {
  const inner = labelPairs(names, values);
  return inner === '' ? '' : `{${inner}}`;
}

function labelPairs(names: readonly string[], values: readonly string[]): string {
  let text = '';
  for (let i = 0; i < names.length; i++)
    text += `${i === 0 ? '' : ','}${names[i]}="${escapeLabel(values[i] ?? '')}"`;
  return text;
}

/** Shortest text that reads back as the same number, in the words that Prometheus takes. */
function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

const LABEL_SPECIALS = /[\\"\n]/;

function escapeLabel(value: string): string {
  if (!LABEL_SPECIALS.test(value)) return value;
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

function escapeHelp(help: string): string {
  return help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}
