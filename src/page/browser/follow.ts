import type { Moment, State } from '../../model/state.ts';

/** Between two looks; a sidecar with much to tell is asked less often. */
const PERIOD_MS = 1000;
const LARGE_BYTES = 200_000;
const LARGE_PERIOD_MS = 3000;
const TIMEOUT_MS = 5000;

export interface Followed {
  /** null: not told yet. */
  readonly state: State | null;
  /** Since when nobody answers; null: somebody does. */
  readonly gone: Moment | null;
}

/** Asks for `/state` again and again, as long as the page is looked at. */
export function followState(tell: (followed: Followed) => void): void {
  let state: State | null = null;
  let goneSinceMs: number | null = null;
  let timer = 0;
  const look = async (): Promise<void> => {
    let periodMs = PERIOD_MS;
    try {
      const response = await fetch('/state', { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (!response.ok) throw new Error(`/state answered ${response.status}`);
      const text = await response.text();
      if (text.length > LARGE_BYTES) periodMs = LARGE_PERIOD_MS;
      state = JSON.parse(text) as State;
      goneSinceMs = null;
    } catch {
      goneSinceMs ??= Date.now();
    }
    tell({ state, gone: goneSinceMs === null ? null : since(goneSinceMs) });
    if (!document.hidden) timer = window.setTimeout(() => void look(), periodMs);
  };
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (!document.hidden) void look();
  });
  void look();
}

function since(atMs: number): Moment {
  return { at: new Date(atMs).toISOString(), ageMs: Date.now() - atMs };
}
