import { claimSpans } from '../checks/claims.ts';
import { deliveriesOf } from '../checks/record.ts';
import type { RoundResult } from '../round.ts';
import { Svg } from './svg.ts';

const LEFT = 70;
const PER_SECOND = 60;
const ROW = 46;
const COLOURS = ['#2f6fb0', '#c0792a', '#3f9a5f', '#8a5bb0', '#777'];
const WRONG = '#c62828';

/**
 * A round as a picture: of each Pod when it claimed (a bar, with the term) and each request that came to it (a tick, red where it
 * did not claim); of each sidecar whom it believed and how many requests waited; what the nemeses did; what was found.
 */
export function timeline(title: string, result: RoundResult): string {
  const { record, violations } = result;
  const { startMs, endMs, lives, notes, observations } = record;
  const svg = new Svg();
  const x = (ms: number): number => LEFT + ((Math.min(ms, endMs) - startMs) / 1000) * PER_SECOND;
  const pods = [...new Set(lives.map(({ pod }) => pod))];
  const colourOf = (pod: string): string => COLOURS[pods.indexOf(pod) % COLOURS.length]!;
  const width = x(endMs) + 20;
  svg.text(8, 16, title, '#000', 13);

  const top = 130;
  for (const { t, what } of notes) {
    svg.line(x(t), top - 8, x(t), top + 8 + pods.length * ROW, '#bbb', true);
    svg.text(x(t) + 2, top - 10, what, '#555', 9, true);
  }
  let y = top;
  for (const pod of pods) {
    svg.text(8, y + 14, pod, colourOf(pod));
    for (const life of lives.filter((life) => life.pod === pod)) {
      const first = life.events[0]!.t;
      svg.rect(x(first), y + 20, x(life.endMs) - x(first), 2, '#ccc', `at ${life.host}`);
    }
    for (const { term, fromMs, toMs } of claimSpans(lives.filter((life) => life.pod === pod))) {
      svg.rect(x(fromMs), y, x(toMs) - x(fromMs), 18, colourOf(pod), `${pod} claims with term ${term}`);
      svg.text(x(fromMs) + 2, y + 13, `${term ?? '?'}`, '#fff', 10);
    }
    for (const { pod: of, events } of lives)
      if (of === pod)
        for (const event of events)
          if (event.e === 'head') {
            const colour = event.on ? '#555' : WRONG;
            svg.line(x(event.t), y + 24, x(event.t), y + 36, colour);
          }
    y += ROW;
  }

  const deliveries = deliveriesOf(lives);
  for (const run of [...new Set(observations.map((seen) => seen.run))]) {
    svg.text(8, y + 14, `${run} believes`);
    const seen = observations.filter((one) => one.run === run);
    for (const [n, { t, state, leader }] of seen.entries()) {
      const until = seen[n + 1]?.t ?? t + 150;
      const colour = leader !== null ? colourOf(leader) : state === 'conflict' ? '#e6b800' : '#eee';
      svg.rect(x(t), y, x(until) - x(t), 14, colour, `${state} ${leader ?? ''}`);
    }
    svg.text(8, y + 34, 'holds');
    const waits = record.operations
      .filter(({ by, via }) => by === run && via === 'http')
      .map(({ id, startMs: from, endMs: to }) => ({
        from,
        to: deliveries.get(id)?.[0]?.atMs ?? to ?? endMs,
      }))
      .filter(({ from, to }) => to - from > 60);
    for (let ms = startMs; ms < endMs; ms += 50) {
      const waiting = waits.filter(({ from, to }) => from <= ms && ms < to).length;
      if (waiting > 0)
        svg.rect(x(ms), y + 40 - waiting, x(ms + 50) - x(ms), waiting, '#999', `${waiting} wait`);
    }
    y += ROW + 4;
  }

  for (let second = 0; startMs + second * 1000 < endMs; second += 1) {
    svg.line(x(startMs + second * 1000), y, x(startMs + second * 1000), y + 4, '#444');
    if (second % 5 === 0) svg.text(x(startMs + second * 1000), y + 16, `${second} s`, '#444', 10);
  }
  y += 34;
  for (const { check, what, atMs } of violations) {
    svg.line(x(atMs), top, x(atMs), y - 34, WRONG);
    svg.text(8, y, `${((atMs - startMs) / 1000).toFixed(2)} s  ${check}: ${what}`, WRONG);
    y += 15;
  }
  return svg.toString(Math.max(900, Math.ceil(width)), y + 10);
}
