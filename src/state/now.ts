import type { Moment } from '../model/state.ts';
import type { Clock } from '../platform/clock.ts';

/** The same moment by both clocks. */
export interface Now {
  /** Monotonic milliseconds. */
  readonly nowMs: number;
  /** Wall clock, milliseconds since 1970. */
  readonly wallMs: number;
}

export function nowBy(clock: Clock): Now {
  return { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
}

/** @param atMs monotonic milliseconds */
export function moment(atMs: number, { nowMs, wallMs }: Now): Moment {
  const ageMs = Math.max(0, Math.round(nowMs - atMs));
  return { at: rfc3339(wallMs - ageMs), ageMs };
}

/** @param atMs wall clock, milliseconds since 1970; null: never */
export function wallMoment(atMs: number, { wallMs }: Now): Moment;
export function wallMoment(atMs: number | null, { wallMs }: Now): Moment | null;
export function wallMoment(atMs: number | null, { wallMs }: Now): Moment | null {
  return atMs === null ? null : { at: rfc3339(atMs), ageMs: Math.max(0, Math.round(wallMs - atMs)) };
}

/** @param wallMs milliseconds since 1970 */
export function rfc3339(wallMs: number): string {
  return new Date(Math.round(wallMs)).toISOString();
}
