/** Health by rows of probe results, as the kubelet counts them. Pure. */
export interface HealthState {
  readonly ready: boolean;
  /** Results alike in a row, of the kind that could change `ready` back. */
  readonly row: number;
  readonly reason: string;
}

export const INITIAL_HEALTH: HealthState = { ready: false, row: 0, reason: 'not probed yet' };

export interface Thresholds {
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** One failure that decides alone. */
export function notReady(reason: string): HealthState {
  return { ready: false, row: 0, reason };
}

/** A probe could not be made: nothing is known but why, which a Pod that was never asked shows. */
export function notAsked(state: HealthState, reason: string): HealthState {
  return state === INITIAL_HEALTH ? { ...state, reason } : state;
}

/**
 * Counts one result. The reason of a ready Pod is what made it so; that of an unready one the last failure. The same
 * object comes back where nothing changed.
 */
export function countResult(
  state: HealthState,
  ok: boolean,
  reason: string,
  limits: Thresholds,
): HealthState {
  if (state.ready === ok) {
    if (state.row === 0 && (ok || state.reason === reason)) return state;
    return { ready: state.ready, row: 0, reason: ok ? state.reason : reason };
  }
  const row = state.row + 1;
  if (row >= (ok ? limits.successThreshold : limits.failureThreshold)) return { ready: ok, row: 0, reason };
  return { ...state, row };
}
