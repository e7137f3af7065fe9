import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { StateBackend, StateChange } from '../../model/state.ts';
import { leaderOf } from '../view/changes.ts';
import { html } from '../view/html.ts';
import { drawLeaders, LANE_HEIGHT } from './leader-lane.ts';

/** What is shown at most, and where less is known at least. */
const MOST_S = 600;
const LEAST_S = 60;
const PLOT_HEIGHT = 118;

interface Props {
  readonly backend: StateBackend;
  readonly at: string;
}

/** The last ten minutes of a backend: who led in a lane above, below it how many Pods were ready and how many requests waited. */
export function Timeline({ backend, at }: Props): VNode {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const changes = useRef<readonly StateChange[]>(backend.changes);
  changes.current = backend.changes;
  useEffect(() => {
    const element = place.current!;
    const create = (): void => {
      plot.current?.destroy();
      if (element.clientWidth === 0) return;
      plot.current = new uPlot(
        options(element.clientWidth, () => changes.current),
        [[], [], []],
        element,
      );
      show(plot.current, changes.current);
    };
    // Also told when its card is opened.
    const resized = new ResizeObserver(() => {
      if (plot.current === null) create();
      else if (element.clientWidth > 0)
        plot.current.setSize({ width: element.clientWidth, height: plot.current.height });
    });
    resized.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', create);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', create);
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => {
    if (plot.current !== null) show(plot.current, backend.changes);
  }, [at]);
  return html`<figure class="timeline">
    <div ref=${place} role="img" aria-label=${summary(backend.changes)}></div>
  </figure>`;
}

/** For whoever cannot see it; the table tells all. */
function summary(changes: readonly StateChange[]): string {
  const now = changes.at(-1);
  if (now === undefined) return 'The last ten minutes: nothing yet';
  const waited = Math.max(...changes.map(({ held }) => held));
  const led = new Set(changes.map(leaderOf).filter((who) => who !== ''));
  return `The last ten minutes: ${now.ready} of ${now.pods} Pods ready now; led: ${[...led].join(', then ') || 'nobody'}; at most ${waited} waiting`;
}

function show(plot: uPlot, changes: readonly StateChange[]): void {
  const nowS = Date.now() / 1000;
  const firstS = changes[0] === undefined ? nowS : Date.parse(changes[0].at) / 1000;
  const fromS = Math.max(nowS - MOST_S, Math.min(firstS, nowS - LEAST_S));
  const times = changes.map(({ at }) => Math.max(Date.parse(at) / 1000, fromS));
  const last = changes.at(-1);
  const column = (of: (change: StateChange) => number): number[] => [
    ...changes.map(of),
    ...(last === undefined ? [] : [of(last)]),
  ];
  plot.setData(
    [
      [...times, ...(last === undefined ? [] : [nowS])],
      column(({ held }) => held),
      column(({ ready }) => ready),
    ],
    false,
  );
  plot.setScale('x', { min: fromS, max: nowS });
  plot.setScale('pods', { min: 0, max: Math.max(1, ...changes.map(({ pods }) => pods)) * 1.1 });
  plot.setScale('held', { min: 0, max: Math.max(4, ...changes.map(({ held }) => held)) * 1.1 });
  // Without a pointer in it the legend tells of now.
  if ((plot.cursor.left ?? -1) < 0) plot.setLegend({ idx: times.length });
}

/** No lane where nobody ever leads. */
function laneOf(changes: readonly StateChange[]): number {
  return changes.some(({ leadership }) => leadership !== 'unconfigured') ? LANE_HEIGHT + 8 : 6;
}

function stepped(label: string, scale: string, stroke: string): uPlot.Series {
  return { label, scale, stroke, width: 2, paths: STEPS, points: { show: false } };
}

function options(width: number, changes: () => readonly StateChange[]): uPlot.Options {
  const colour = colours();
  const axis = {
    stroke: colour('faint'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
    font: FONT,
    gap: 4,
  };
  const whole = (_: uPlot, splits: number[]): string[] =>
    splits.map((n) => (Number.isInteger(n) ? String(n) : ''));
  return {
    width,
    height: PLOT_HEIGHT + laneOf(changes()),
    padding: [laneOf(changes()), 4, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    legend: { live: true },
    scales: { x: { time: true, auto: false }, pods: { auto: false }, held: { auto: false } },
    axes: [
      { ...axis, size: 22, space: 90, values: (_, splits) => splits.map(clock) },
      { ...axis, scale: 'pods', size: 34, space: 26, values: whole, incrs: INTEGERS },
      {
        ...axis,
        scale: 'held',
        side: 1,
        size: 34,
        space: 26,
        values: whole,
        incrs: INTEGERS,
        grid: { show: false },
      },
    ],
    series: [
      { label: 'at', value: '{HH}:{mm}:{ss}' },
      { ...stepped('waiting', 'held', colour('warning')), fill: colour('warning-soft') },
      stepped('Pods ready', 'pods', colour('good')),
    ],
    hooks: { draw: [(plot) => drawLeaders(plot, changes(), colour, FONT)] },
  };
}

/** Seconds only where they tell anything. */
function clock(atS: number): string {
  const text = new Date(atS * 1000).toLocaleTimeString('en-GB');
  return text.endsWith(':00') ? text.slice(0, 5) : text;
}

const FONT = '12px system-ui, sans-serif';
const STEPS = uPlot.paths.stepped!({ align: 1 });
const INTEGERS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000];

/** The style sheet's, so that dark and light are one decision. */
function colours(): (name: string) => string {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}
