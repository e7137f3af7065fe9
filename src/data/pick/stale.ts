import type { HoldConfig, RuleConfig } from '../../model/config.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { Pick } from './contract.ts';

/** Beside the time of one health probe: 1,000 Pods are not asked all in one turn. */
const ASKING_MS = 1000;
const NO_LIMITS = { maxRequests: 10_000, maxBytes: 16 * 1024 * 1024 };

/**
 * What a pick becomes while Pods are asked again after a stall: what would fail for want of a ready Pod waits for the
 * answers, and a fan-out for all of them.
 */
export function unlessStale(pick: Pick, backend: BackendSnapshot): Pick {
  if (!backend.stale) return pick;
  if (pick.type === 'pods')
    return { type: 'wait', failure: 'no_endpoint', detail: 'Pods are asked again after a stall' };
  if (pick.type !== 'fail') return pick;
  const { failure, detail } = pick;
  return failure === 'no_endpoint' || failure === 'ordinal_unavailable'
    ? { type: 'wait', failure, detail }
    : pick;
}

/**
 * How a request of this rule may wait, or null. After a stall of the sidecar's own each may, for about as long as a health
 * probe takes, whatever the rule says: its Pods are not known to be away.
 */
export function holdOf({ selection }: RuleConfig, backend: BackendSnapshot | undefined): HoldConfig | null {
  const hold = selection.type === 'Leader' || selection.type === 'Ordinal' ? selection.hold : null;
  if (backend?.stale !== true) return hold;
  const timeoutMs = backend.config.health.timeoutMs + ASKING_MS;
  return { ...NO_LIMITS, ...hold, timeoutMs: Math.max(timeoutMs, hold?.timeoutMs ?? 0) };
}
