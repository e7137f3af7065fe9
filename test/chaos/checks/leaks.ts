import { pause } from '../../helpers/waiting.ts';
import type { Sidecar } from '../cluster/sidecar.ts';
import { machineMs } from '../monotonic.ts';
import type { Violation } from './record.ts';

/** How soon everything is let go after the last client has left (ms). */
const LET_GO_MS = 6000;
/** Descriptors beside the idle connections to Pods: those of probes, look-ups and of whoever asks for metrics. */
const ROOM = 30;

/** Descriptors of a sidecar's present life. */
export interface Descriptors {
  readonly run: string;
  readonly count: number;
}

export function descriptorsOf(sidecar: Sidecar): Descriptors {
  return { run: sidecar.run, count: sidecar.descriptors() };
}

/** What sidecars still hold though nobody asks them any more: requests, tunnels, clients, descriptors. */
export async function leftOver(
  sidecars: readonly Sidecar[],
  before: readonly Descriptors[],
): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const [n, sidecar] of sidecars.entries()) {
    const endMs = machineMs() + LET_GO_MS;
    let left = await heldBy(sidecar, before[n]!);
    while (left.length > 0 && machineMs() < endMs) {
      await pause(50);
      left = await heldBy(sidecar, before[n]!);
    }
    for (const what of left)
      violations.push({ check: 'leaks', what: `${sidecar.run} still has ${what}`, atMs: machineMs() });
  }
  return violations;
}

async function heldBy(sidecar: Sidecar, before: Descriptors): Promise<string[]> {
  const [state, metrics] = await Promise.all([sidecar.state(), sidecar.metrics()]);
  const left: string[] = [];
  const tunnels = state.tunnels.reduce((sum, { open }) => sum + open, 0);
  if (tunnels > 0) left.push(`${tunnels} tunnels`);
  for (const name of ['requests_in_flight', 'held_requests', 'connections'] as const) {
    const value = sumOf(metrics, `headroute_${name}`);
    if (value !== 0) left.push(`headroute_${name} at ${value}`);
  }
  // Another life begins with other numbers; each has had the time to open what it keeps open.
  const count = sidecar.descriptors();
  const allowed = before.count + sumOf(metrics, 'headroute_upstream_connections') + ROOM;
  if (before.run === sidecar.run && count > allowed)
    left.push(`${count} descriptors, ${allowed} are expected`);
  return left;
}

/** The sum over all series of a family. */
function sumOf(text: string, family: string): number {
  let sum = 0;
  for (const match of text.matchAll(new RegExp(`^${family}(?:\\{[^}]*\\})? (\\S+)$`, 'gm')))
    sum += Number(match[1]);
  return sum;
}
