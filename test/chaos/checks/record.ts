import type { Operation } from '../clients/operation.ts';
import type { Commit, Reign } from '../cluster/coordinator.ts';
import type { Leaderless } from '../cluster/sidecar.ts';
import type { PodEvent } from '../pod/log.ts';

/** What a sidecar said of the leadership when it was asked. */
export interface Observation {
  readonly t: number;
  readonly run: string;
  readonly state: string;
  readonly leader: string | null;
  readonly term: string | null;
}

/** A step of a nemesis, in words. */
export interface Note {
  readonly t: number;
  readonly what: string;
}

/** One life of a Pod's process. */
export interface Life {
  readonly pod: string;
  readonly host: string;
  readonly events: readonly PodEvent[];
  /** When its process was ended by the harness; infinite while it runs. */
  readonly endMs: number;
}

/** Everything that was written down in one round; times are `machineMs`. */
export interface RoundRecord {
  readonly startMs: number;
  readonly endMs: number;
  readonly operations: readonly Operation[];
  readonly lives: readonly Life[];
  readonly commits: readonly Commit[];
  readonly reigns: readonly Reign[];
  readonly observations: readonly Observation[];
  readonly notes: readonly Note[];
  /** When the sidecars held what came. */
  readonly leaderless: readonly Leaderless[];
  readonly onConflict: 'Refuse' | 'HighestTerm';
  /** Claims showed their lineage and no term. */
  readonly lineage: boolean;
  /** D (ms). */
  readonly boundMs: number;
  /** The nemeses of this round excuse no failure at all. */
  readonly harmless: boolean;
  /** What the round itself has found: a process that died, a cluster that did not come back, descriptors left over. */
  readonly found: readonly Violation[];
}

/** A promise that was not kept. */
export interface Violation {
  readonly check: Check;
  readonly what: string;
  readonly atMs: number;
}

export type Check =
  | 'delivery'
  | 'acknowledgement'
  | 'terms'
  | 'D'
  | 'conflict'
  | 'hold order'
  | 'gone clients'
  | 'linearizability'
  | 'liveness'
  | 'harmless'
  | 'leaks';

/** At most so many violations of one kind are told. */
const TOLD = 5;

/** Violations as a check found them, shortened. */
export function shorten(violations: readonly Violation[]): Violation[] {
  if (violations.length <= TOLD) return [...violations];
  const more = { ...violations[TOLD]!, what: `and ${violations.length - TOLD} more` };
  return [...violations.slice(0, TOLD), more];
}

/** Where a request's or a line's bytes came: a connection of one life of a Pod. */
export interface Delivery {
  readonly pod: string;
  readonly where: string;
  readonly atMs: number;
  readonly lag: number;
  /** It answered that it does not lead. */
  refused: boolean;
}

/** All deliveries of each id, in the order of time. */
export function deliveriesOf(lives: readonly Life[]): Map<string, Delivery[]> {
  const found = new Map<string, Delivery[]>();
  for (const [n, { pod, events }] of lives.entries()) {
    /** The last delivery on each connection, and whether its head has been seen. */
    const last = new Map<number, { id: string; headed: boolean; delivery: Delivery }>();
    for (const event of events) {
      if (event.e !== 'bytes' && event.e !== 'head' && event.e !== 'refused') continue;
      if (event.id === '') continue;
      const before = last.get(event.c);
      const known = before?.id === event.id;
      if (event.e === 'refused') {
        if (known) before!.delivery.refused = true;
        else
          found.get(event.id)?.forEach((delivery) => {
            if (delivery.where === `${n}#${event.c}`) delivery.refused = true;
          });
        continue;
      }
      if (known && !(event.e === 'head' && before!.headed)) {
        if (event.e === 'head') before!.headed = true;
        continue;
      }
      const delivery = { pod, where: `${n}#${event.c}`, atMs: event.t, lag: event.lag, refused: false };
      last.set(event.c, { id: event.id, headed: event.e === 'head', delivery });
      found.set(event.id, [...(found.get(event.id) ?? []), delivery]);
    }
  }
  for (const deliveries of found.values()) deliveries.sort((a, b) => a.atMs - b.atMs);
  return found;
}
