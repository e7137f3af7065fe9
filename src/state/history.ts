import type { BackendSnapshot } from '../model/snapshot.ts';
import type { StateChange } from '../model/state.ts';
import { moment, type Now } from './now.ts';

/** What is remembered. */
export const HISTORY_MS = 600_000;
/** Most moments of one backend: neither Pods that come and go nor leaders that change for hours take more memory. */
export const MAX_CHANGES = 240;
/** Counts that change more often are joined, so that a roll-out of 1,000 Pods is a few moments. */
const JOIN_MS = 1000;
const MAX_CLAIMANTS = 5;

type Point = { -readonly [K in keyof Omit<StateChange, 'at' | 'ageMs'>]: StateChange[K] } & {
  readonly atMs: number;
};

/** The last ten minutes of one backend, as far as its moments find room. */
export class History {
  #points: Point[] = [];

  /** The snapshot says something new. @param nowMs monotonic milliseconds */
  follow({ leadership, ready, pods }: BackendSnapshot, nowMs: number): void {
    const { state, leader, term, claimants } = leadership;
    this.#add({
      atMs: nowMs,
      leadership: state,
      leader: leader?.name ?? null,
      term,
      claimants: claimants.slice(0, MAX_CLAIMANTS),
      ready: ready.length,
      pods: pods.length,
      held: this.#points.at(-1)?.held ?? 0,
    });
  }

  /** So many have waited at a time lately. */
  held(count: number, nowMs: number): void {
    const last = this.#points.at(-1);
    if (last !== undefined && last.held !== count) this.#add({ ...last, held: count, atMs: nowMs });
  }

  /** Oldest first; the first may have begun before the ten minutes. */
  changes(now: Now): StateChange[] {
    this.#forget(now.nowMs);
    return this.#points.map(({ atMs, ...point }) => ({ ...moment(atMs, now), ...point }));
  }

  #add(point: Point): void {
    const last = this.#points.at(-1);
    if (last !== undefined && sameLeader(last, point)) {
      if (last.ready === point.ready && last.pods === point.pods && last.held === point.held) return;
      if (point.atMs - last.atMs <= JOIN_MS) {
        const { ready, pods } = point;
        Object.assign(last, { ready, pods, held: Math.max(last.held, point.held) });
        return;
      }
    }
    this.#points.push(point);
    this.#forget(point.atMs);
    if (this.#points.length > MAX_CHANGES) this.#thin();
  }

  #forget(nowMs: number): void {
    const fromMs = nowMs - HISTORY_MS;
    const first = this.#points.findIndex(({ atMs }, i) => (this.#points[i + 1]?.atMs ?? atMs) > fromMs);
    this.#points.splice(0, first < 0 ? this.#points.length - 1 : first);
  }

  /** Two neighbours that differ by counts alone become one; where that makes no room the oldest go. */
  #thin(): void {
    const kept: Point[] = [];
    let joined = false;
    for (const point of this.#points) {
      const last = kept.at(-1);
      joined = !joined && last !== undefined && sameLeader(last, point);
      if (joined)
        Object.assign(last!, {
          ready: Math.min(last!.ready, point.ready),
          pods: point.pods,
          held: Math.max(last!.held, point.held),
        });
      else kept.push(point);
    }
    this.#points = kept.slice(-MAX_CHANGES);
  }
}

function sameLeader(a: Point, b: Point): boolean {
  return (
    a.leadership === b.leadership &&
    a.leader === b.leader &&
    a.term === b.term &&
    a.claimants.length === b.claimants.length &&
    a.claimants.every((name, i) => name === b.claimants[i])
  );
}
