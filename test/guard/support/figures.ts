import { readFileSync, writeFileSync } from 'node:fs';

/** What one request costs the process, in a unit that no other load on the machine changes. */
export interface Figures {
  /** System calls that read, and that write. */
  readonly reads: number;
  readonly writes: number;
  /** Bytes allocated on V8's heap by code that it has not optimised, and as ArrayBuffers outside of it. */
  readonly heapBytes: number;
  readonly bufferBytes: number;
}

const FILE = new URL('../../../bench/guard.json', import.meta.url);
const NODE_MAJOR = Number(process.versions.node.split('.')[0]);

/** How far a figure may rise: all are exact, but for a timer or a log line. */
const MARGIN: Figures = { reads: 0.02, writes: 0.02, heapBytes: 0.03, bufferBytes: 0.02 };
/** Another major of Node allocates differently in its own streams. */
const MARGIN_OF_ANOTHER_NODE = 0.5;

export const UPDATE = process.env.GUARD_UPDATE === '1';

interface Stored {
  readonly node: number;
  readonly figures: Record<string, Figures>;
}

let stored = JSON.parse(readFileSync(FILE, 'utf8')) as Stored;

/** What costs more than is stored, in words; empty: nothing. A fall past the margin is only said: stored, it is kept. */
export function complaints(scenario: string, measured: Figures): string[] {
  const before = stored.figures[scenario];
  if (before === undefined) return [`no figure is stored for "${scenario}"; ${HOW}`];
  return (Object.keys(MARGIN) as (keyof Figures)[]).flatMap((key) => {
    const exact = key === 'reads' || key === 'writes';
    const margin = exact || stored.node === NODE_MAJOR ? MARGIN[key] : MARGIN_OF_ANOTHER_NODE;
    const [is, was] = [measured[key], before[key]];
    const what = `${key} of one "${scenario}"`;
    if (is < was * (1 - margin)) console.info(`${what} fell from ${was} to ${is}: to keep it so, ${HOW}`);
    if (is <= was * (1 + margin)) return [];
    return [
      `${what} rose from ${was} to ${is} (margin ${Math.round(margin * 100)} %); if that is meant, ${HOW}`,
    ];
  });
}

const HOW =
  'run "GUARD_UPDATE=1 npx vitest run test/guard", commit bench/guard.json and say in the commit why';

export function store(figures: Record<string, Figures>): void {
  stored = { node: NODE_MAJOR, figures };
  writeFileSync(FILE, `${JSON.stringify(stored, null, 2)}\n`);
}
