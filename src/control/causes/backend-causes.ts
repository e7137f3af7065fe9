import { ageInWords, type Cause } from '../../model/cause.ts';
import type { PodState } from '../../model/pod.ts';
import type { LookupTrouble } from '../discovery/contract.ts';
import { groupCauses, type PodTrouble, troubleWords } from './pod-groups.ts';

/** Shown of one backend at most. */
const MAX_CAUSES = 6;

/** What is known of a backend that may be wrong. */
export interface BackendTroubles {
  readonly lookups: LookupTrouble | null;
  /** Pods that are believed although DNS shows nobody any more, and for how long still (milliseconds); null: none are. */
  readonly kept: { readonly pods: number; readonly leftMs: number } | null;
  /** Pods that have not left. */
  readonly total: number;
  /** Of those that are not ready. */
  readonly unready: readonly PodTrouble[];
  /** What is said of who leads. */
  readonly leader: readonly Cause[];
}

/** What is wrong with a backend, the likeliest first: where nobody is known, the look-up. */
export function backendCauses({ lookups, kept, total, unready, leader }: BackendTroubles): Cause[] {
  const dns = lookups === null ? [] : [lookupCause(lookups, kept)];
  const health = groupCauses(
    'health',
    unready,
    total,
    (who, isOne, what) => `${who} ${isOne ? 'is' : 'are'} unready: ${what}`,
  );
  const causes = total === 0 ? [...dns, ...leader] : [...leader, ...health, ...dns];
  return causes.slice(0, MAX_CAUSES);
}

function lookupCause({ kind, text, sinceMs }: LookupTrouble, kept: BackendTroubles['kept']): Cause {
  const until =
    kept === null
      ? ''
      : ` (the ${kept.pods === 1 ? 'Pod' : `${kept.pods} Pods`} of before are believed for another ${ageInWords(kept.leftMs)})`;
  return { area: 'dns', kind, text: `DNS: ${text}${until}`, pods: [], podCount: 0, sinceMs };
}

/** Why one Pod gets nothing, as its own sentence; null: it may get something. */
export function podCause(trouble: PodTrouble | null, state: PodState): Cause | null {
  if (trouble === null) return null;
  const { name, kind, sinceMs } = trouble;
  const text = `${name} is ${state}: ${troubleWords(trouble)}`;
  return { area: 'health', kind, text, pods: [name], podCount: 1, sinceMs };
}
