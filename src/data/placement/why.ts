import type { SnapshotCell } from '../../boundary/snapshot-cell.ts';
import { type Cause, type CauseArea, causeInWords } from '../../model/cause.ts';
import type { Failure } from '../../model/failure.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';

/** Told of one failure at most. */
const MAX_TOLD = 4;
/** How long what is wrong with a backend is not asked for again: a thousand refusals a second cost as much as four. */
const FRESH_MS = 250;

/** Which causes explain which failure; others need none. */
const EXPLAINED_BY: Partial<Record<Failure, readonly CauseArea[]>> = {
  no_endpoint: ['dns', 'health'],
  ordinal_unavailable: ['dns', 'health'],
  no_leader: ['leader', 'health', 'dns'],
  leader_conflict: ['leader'],
  hold_timeout: ['leader', 'health', 'dns'],
  hold_full: ['leader', 'health', 'dns'],
};

/**
 * Why headroute answers itself, with what is known of the cause and since when (SPEC 4): `no Pod is known; DNS: NXDOMAIN for …, for 40 s`.
 * @param pod what is wrong with the one Pod that it is about; null: it is about none
 * @param nowMs monotonic milliseconds
 */
export function detailWithCauses(
  failure: Failure,
  detail: string,
  causes: readonly Cause[],
  pod: Cause | null,
  nowMs: number,
): string {
  const areas = EXPLAINED_BY[failure];
  if (areas === undefined) return detail;
  const fitting = causes.filter(({ area }) => areas.includes(area) && !(pod !== null && area === 'health'));
  let told = detail;
  const more: string[] = [];
  for (const cause of pod === null ? fitting : [pod, ...fitting]) {
    const words = causeInWords(cause, nowMs);
    // Said already: only its age is new, and what the Pod said.
    if (told.endsWith(cause.text)) told = told.slice(0, -cause.text.length) + words;
    else if (cause === pod && pod.text.startsWith(told)) told = words;
    else if (more.length < MAX_TOLD) more.push(words);
  }
  return [told, ...more].join('; ');
}

const known = new WeakMap<BackendSnapshot, { readonly atMs: number; readonly causes: readonly Cause[] }>();

/** As `detailWithCauses`, of what is wrong now; asked for anew at most four times a second while the backend stays as it is. */
export function whyRefused(
  cell: SnapshotCell,
  failure: Failure,
  detail: string,
  backend: BackendSnapshot | undefined,
  podId: number | null,
  nowMs: number,
): string {
  if (backend === undefined || EXPLAINED_BY[failure] === undefined) return detail;
  const { name } = backend.config;
  let found = known.get(backend);
  if (found === undefined || nowMs - found.atMs >= FRESH_MS) {
    found = { atMs: nowMs, causes: cell.causes.of(name) };
    known.set(backend, found);
  }
  const pod = podId === null ? null : cell.causes.ofPod(name, podId);
  return detailWithCauses(failure, detail, found.causes, pod, nowMs);
}
