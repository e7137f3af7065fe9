import type { RoundResult, Span } from '../judge.ts';
import type { Scenario } from '../scenario.ts';
import type { AllMeasured } from './result-file.ts';
import { middleRound } from './summary.ts';

const LEFT = 90;
const WIDTH = 800;
const STRIP = 12;
/** Shown of the time before the strike. */
const BEFORE_MS = 1000;

const KEPT = '#2a9d5c';
const LOST = '#d62828';
const FAILED = '#f4a261';

/** The middle round of each scenario and proxy as a strip of time: where writes were acknowledged, and where not. */
export function picture(scenarios: readonly Scenario[], all: AllMeasured): string {
  const parts: string[] = [];
  let y = 44;
  for (const scenario of scenarios) {
    const run = all[scenario.name];
    if (run === undefined) continue;
    const proxies = [...new Set(run.rounds.map(({ proxy }) => proxy))];
    const shown = proxies.map((name) => middleRound(run.rounds.filter(({ proxy }) => proxy === name)));
    // No longer than all of them were watched.
    const endMs = Math.min(...shown.map(({ served }) => Math.max(...served.map(([, to]) => to))));
    const x = (atMs: number): number => LEFT + (WIDTH * (atMs + BEFORE_MS)) / (endMs + BEFORE_MS);
    parts.push(text(10, y, scenario.title.replaceAll('`', ''), 'font-weight="bold"'));
    y += 6;
    for (const round of shown) {
      parts.push(strip(round, y, endMs, x));
      y += STRIP + 4;
    }
    parts.push(axis(y, endMs, x));
    y += 34;
  }
  const legend = [
    text(10, 18, 'When writes were acknowledged, in the middle round of each', 'font-size="14"'),
    text(470, 18, 'kept', `fill="${KEPT}"`),
    text(505, 18, 'lost', `fill="${LOST}"`),
    text(535, 18, 'failed', `fill="${FAILED}"`),
    text(580, 18, '│ the strike   ┊ another node could serve writes'),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + WIDTH + 20}" height="${y}" font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>\n${[...legend, ...parts].join('\n')}</svg>\n`;
}

function strip(round: RoundResult, y: number, endMs: number, x: (ms: number) => number): string {
  const drawn = (spans: readonly Span[], fill: string, from: number, height: number): string =>
    spans
      .filter(([start, to]) => to >= -BEFORE_MS && start <= endMs)
      .map(([start, end]) => {
        const to = Math.min(end, endMs);
        const left = x(Math.max(start, -BEFORE_MS));
        return `<rect x="${left.toFixed(1)}" y="${from}" width="${Math.max(1, x(to) - left).toFixed(1)}" height="${height}" fill="${fill}"/>`;
      })
      .join('');
  const line = (atMs: number | null, dash: string): string =>
    atMs === null
      ? ''
      : `<line x1="${x(atMs).toFixed(1)}" x2="${x(atMs).toFixed(1)}" y1="${y - 2}" y2="${y + STRIP + 2}" stroke="black"${dash}/>`;
  return [
    text(LEFT - 6, y + STRIP - 2, round.proxy, 'text-anchor="end"'),
    `<rect x="${LEFT}" y="${y}" width="${WIDTH}" height="${STRIP}" fill="#eef1f4"/>`,
    drawn(round.served, KEPT, y, STRIP),
    drawn(round.servedAndLost, LOST, y + STRIP / 2, STRIP / 2),
    drawn(round.failed, FAILED, y, STRIP / 3),
    line(0, ''),
    line(round.servableMs, ' stroke-dasharray="2 2"'),
  ].join('');
}

function axis(y: number, endMs: number, x: (ms: number) => number): string {
  const step = endMs > 12_000 ? 5000 : 1000;
  const marks: string[] = [];
  for (let ms = 0; ms <= endMs; ms += step)
    marks.push(text(x(ms), y + 8, `${ms / 1000} s`, 'text-anchor="middle" fill="#667"'));
  return marks.join('');
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${content}</text>`;
}
