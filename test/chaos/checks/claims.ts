import type { Life } from './record.ts';

/** A time in which a process claimed to lead. */
export interface ClaimSpan {
  readonly pod: string;
  readonly host: string;
  readonly term: number | null;
  readonly fromMs: number;
  readonly toMs: number;
}

/** When each life claimed, by its own log; one that is killed claims until then. */
export function claimSpans(lives: readonly Life[]): ClaimSpan[] {
  const spans: ClaimSpan[] = [];
  for (const { pod, host, events, endMs } of lives) {
    let open: { term: number | null; fromMs: number } | null = null;
    const close = (toMs: number): void => {
      if (open !== null) spans.push({ pod, host, ...open, toMs });
      open = null;
    };
    for (const event of events) {
      if (event.e !== 'claim') continue;
      close(event.t);
      if (event.on) open = { term: event.term, fromMs: event.t };
    }
    close(endMs);
  }
  return spans;
}

/** Between two probes of one sidecar, with room for a machine that is busy (ms). */
const SEEN_WITHIN_MS = 450;

/** When each life was seen to claim: it answered one probe after another so, with a term. */
export function visibleClaimSpans(lives: readonly Life[]): ClaimSpan[] {
  const spans: ClaimSpan[] = [];
  for (const { pod, host, events } of lives) {
    let open: { term: number; fromMs: number; toMs: number } | null = null;
    const close = (): void => {
      if (open !== null) spans.push({ pod, host, ...open });
      open = null;
    };
    for (const event of events) {
      if (event.e !== 'probe') continue;
      const { on, term, t } = event;
      const goes = on && term !== null;
      if (open !== null && (!goes || term !== open.term || t - open.toMs > SEEN_WITHIN_MS)) close();
      if (!goes) continue;
      if (open === null) open = { term, fromMs: t, toMs: t };
      else open.toMs = t;
    }
    close();
  }
  return spans;
}
