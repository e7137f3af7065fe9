import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { StateBackend, StateChange } from '../../model/state.ts';
import { leaderOf } from '../view/changes.ts';
import { html } from '../view/html.ts';
import { drawLeaders, LANE_HEIGHT } from './leader-lane.ts';

const SPAN_S = 600;
const HEIGHT = 150;

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
      else if (element.clientWidth > 0) plot.current.setSize({ width: element.clientWidth, height: HEIGHT });
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
  const times = changes.map(({ at }) => Math.max(Date.parse(at) / 1000, nowS - SPAN_S));
  const last = changes.at(-1);
  const column = (of: (change: StateChange) => number): number[] => [
    ...changes.map(of),
    ...(last === undefined ? [] : [of(last)]),
  ];
  plot.setData(
    [
      [...times, ...(last === undefined ? [] : [nowS])],
      column(({ ready }) => ready),
      column(({ held }) => held),
    ],
    false,
  );
  plot.setScale('x', { min: nowS - SPAN_S, max: nowS });
  plot.setScale('pods', { min: 0, max: Math.max(1, ...changes.map(({ pods }) => pods)) * 1.1 });
  plot.setScale('held', { min: 0, max: Math.max(4, ...changes.map(({ held }) => held)) * 1.1 });
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
    height: HEIGHT,
    padding: [LANE_HEIGHT + 8, 4, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    legend: { live: true },
    scales: { x: { time: true, auto: false }, pods: { auto: false }, held: { auto: false } },
    axes: [
      { ...axis, size: 22, space: 80, values: '{HH}:{mm}' },
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
      {
        label: 'Pods ready',
        scale: 'pods',
        stroke: colour('good'),
        width: 2,
        paths: STEPS,
        points: { show: false },
      },
      {
        label: 'waiting',
        scale: 'held',
        stroke: colour('warning'),
        fill: colour('warning-soft'),
        width: 1.5,
        paths: STEPS,
        points: { show: false },
      },
    ],
    hooks: { draw: [(plot) => drawLeaders(plot, changes(), colour, FONT)] },
  };
}

const FONT = '12px system-ui, sans-serif';
const STEPS = uPlot.paths.stepped!({ align: 1 });
const INTEGERS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000];

/** The style sheet's, so that dark and light are one decision. */
function colours(): (name: string) => string {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}
