import { mkdirSync, writeFileSync } from 'node:fs';
import type { RoundResult } from '../round.ts';
import { summary } from './summary.ts';
import { timeline } from './timeline.ts';

/** Writes a round's report, text and picture. @returns the picture's path */
export function writeReport(name: string, again: string, result: RoundResult): string {
  const folder = '.cache/chaos/reports';
  mkdirSync(folder, { recursive: true });
  const base = `${folder}/${name.replace(/[^a-z0-9]+/gi, '-')}`;
  const { notes, startMs, operations } = result.record;
  const seconds = (ms: number): string => ((ms - startMs) / 1000).toFixed(3).padStart(8);
  const text = [
    summary(name, result),
    '',
    `again: ${again}`,
    '',
    ...notes.map(({ t, what }) => `${seconds(t)} s  ${what}`),
    '',
    ...operations.map(
      ({ id, via, kind, key, client, by, bytes, startMs: from, endMs, outcome, detail, goneMs }) =>
        `${seconds(from)} s  ${id} ${via} ${kind} ${key} ${bytes} bytes, ${client} by ${by}: ${outcome} (${detail})` +
        ` after ${endMs === null ? '?' : Math.round(endMs - from)} ms${goneMs === null ? '' : ', client left'}`,
    ),
    '',
  ];
  writeFileSync(`${base}.txt`, text.join('\n'));
  writeFileSync(`${base}.svg`, timeline(`${name}: ${again}`, result));
  return `${base}.svg`;
}
