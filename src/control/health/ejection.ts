/** Ejection of one Pod by failed data requests in a row (SPEC 2, `ejection`). Pure. */
export interface EjectionState {
  /** Failed requests in a row. */
  readonly row: number;
  /** Times ejected without a long quiet time between: the n-th lasts n × baseTime. */
  readonly times: number;
  /** Monotonic milliseconds, or null while not ejected. */
  readonly untilMs: number | null;
  readonly lastEndMs: number;
}

export interface EjectionLimits {
  readonly consecutiveFailures: number;
  readonly baseTimeMs: number;
  readonly maxPercent: number;
}

export const NOT_EJECTED: EjectionState = { row: 0, times: 0, untilMs: null, lastEndMs: 0 };

/** A Pod that stayed for this many base times is taken for a new one. */
const FORGIVEN_AFTER = 10;

/** @param others Pods ejected now, this one apart. @param total Pods that have not left. */
export function countFailure(
  state: EjectionState,
  limits: EjectionLimits,
  nowMs: number,
  others: number,
  total: number,
): EjectionState {
  if (state.untilMs !== null) return state;
  const row = state.row + 1;
  const allowed = Math.floor((total * limits.maxPercent) / 100);
  if (row < limits.consecutiveFailures || others >= allowed) return { ...state, row };
  const forgiven = nowMs - state.lastEndMs > FORGIVEN_AFTER * limits.baseTimeMs;
  const times = forgiven ? 1 : state.times + 1;
  const untilMs = nowMs + limits.baseTimeMs * times;
  return { row: 0, times, untilMs, lastEndMs: untilMs };
}

export function countSuccess(state: EjectionState): EjectionState {
  return state.row === 0 ? state : { ...state, row: 0 };
}

/**
 * The time is up. It does not look at the clock: Node's timers fire up to a millisecond early, and a Pod whose time is
 * found not to be quite up would stay ejected for good.
 */
export function endEjection(state: EjectionState): EjectionState {
  return { ...state, untilMs: null };
}
