import type uPlot from 'uplot';
import type { StateChange } from '../../model/state.ts';
import { leaderOf } from '../view/changes.ts';

/** CSS pixels above the plot. */
export const LANE_HEIGHT = 22;

/** Who led, as bars above the plot: one for each leader and term, another where nobody or several did. */
export function drawLeaders(
  plot: uPlot,
  changes: readonly StateChange[],
  colour: (name: string) => string,
  font: string,
): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const height = LANE_HEIGHT * ratio;
  const top = bbox.top - height - 4 * ratio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, top, bbox.width, height);
  ctx.clip();
  ctx.font = font.replace(/^\d+/, (size) => String(Number(size) * ratio));
  ctx.textBaseline = 'middle';
  for (const { change, from, to } of reigns(changes)) {
    if (change.leadership === 'unconfigured') continue;
    const left = Math.max(plot.valToPos(from, 'x', true), bbox.left);
    // What was short is seen all the same.
    const width = Math.max(plot.valToPos(to, 'x', true) - left, 2 * ratio);
    const kind = change.leadership === 'known' ? 'good' : 'error';
    ctx.fillStyle = colour(`${kind}-soft`);
    ctx.fillRect(left, top, width, height);
    ctx.fillStyle = colour(kind);
    ctx.fillRect(left, top, ratio, height);
    const text = said(change);
    if (ctx.measureText(text).width + 12 * ratio < width)
      ctx.fillText(text, left + 7 * ratio, top + height / 2);
  }
  ctx.restore();
}

function said(change: StateChange): string {
  if (change.leadership === 'known' || change.claimants.length === 0) return leaderOf(change);
  return `${leaderOf(change)}: ${change.claimants.join(', ')} ${change.claimants.length === 1 ? 'claims' : 'claim'}`;
}

/** Neighbours that say the same are one. Times in seconds. */
function reigns(changes: readonly StateChange[]): { change: StateChange; from: number; to: number }[] {
  const found: { change: StateChange; from: number; to: number }[] = [];
  for (const change of changes) {
    const from = Date.parse(change.at) / 1000;
    const last = found.at(-1);
    if (last !== undefined && said(last.change) === said(change)) continue;
    if (last !== undefined) last.to = from;
    found.push({ change, from, to: Date.now() / 1000 });
  }
  return found;
}
