import type { OrdinalSelection } from '../../model/config.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import { toText } from '../byte-string.ts';
import type { Pick, PickContext, Picker } from './contract.ts';
import { notReady, pickLeader } from './leader.ts';
import { describeKey, keyOf } from './ordinal-key.ts';
import { isWithin, type MappedTo, mapKey } from './ordinal-mapping.ts';

type OnePick = Exclude<Pick, { type: 'pods' }>;

/** One Pod by number: a fixed one, or the one that a key of the request maps to. */
export function ordinalPicker(selection: OrdinalSelection): Picker {
  const pick = (backend: BackendSnapshot, context: PickContext): OnePick =>
    pickOrdinal(selection, backend, context);
  return {
    pick,
    exclusion(pod, backend, context) {
      const picked = pick(backend, context);
      if (picked.type === 'pod' && picked.pod.id === pod.id) return null;
      if (pod.state !== 'ready') return notReady(pod);
      if (picked.type === 'pod') return `is not the Pod asked for: ${picked.pod.name} is`;
      return `is not the Pod asked for: ${picked.detail}`;
    },
  };
}

function pickOrdinal(selection: OrdinalSelection, backend: BackendSnapshot, context: PickContext): OnePick {
  const target = findTarget(selection, backend, context);
  if ('type' in target) return target;
  const pod = 'pod' in target ? target.pod : backend.byOrdinal.get(target.ordinal);
  const ready = pod !== undefined && pod.state === 'ready';
  if (ready && !context.tried(pod.id)) return { type: 'pod', pod };
  const other = instead(selection, target, backend, context);
  // Tried already, but still the only ready Pod that this rule may use.
  if (ready && other.type !== 'pod') return { type: 'pod', pod };
  return other;
}

function findTarget(
  selection: OrdinalSelection,
  backend: BackendSnapshot,
  context: PickContext,
): MappedTo | Extract<Pick, { type: 'fail' }> {
  if (selection.ordinal !== null) return { ordinal: selection.ordinal };
  if (selection.key === null) return { type: 'fail', failure: 'key_missing', detail: 'the rule has no key' };
  const key = keyOf(selection.key, context);
  if (key === null)
    return { type: 'fail', failure: 'key_missing', detail: `there is no ${describeKey(selection.key)}` };
  const mapping = selection.mapping ?? { type: 'Exact' };
  const target = mapKey(mapping, key, backend, selection.key.from === 'self');
  if (target !== null) return target;
  const shown = JSON.stringify(toText(key.slice(0, 64)));
  const detail = `the mapping ${mapping.type} cannot use ${describeKey(selection.key)} ${shown}`;
  return { type: 'fail', failure: 'key_missing', detail };
}

/** How the rule comes to an ordinal for this request, and where it turns if that Pod gets nothing, in words. */
export function describeOrdinal(
  selection: OrdinalSelection,
  backend: BackendSnapshot,
  context: PickContext,
): string {
  const target = findTarget(selection, backend, context);
  if ('type' in target) return target.detail;
  const goal = 'pod' in target ? target.pod.name : `ordinal ${target.ordinal}`;
  const key = selection.key === null || selection.ordinal !== null ? null : keyOf(selection.key, context);
  const how =
    key === null
      ? `the rule names ${goal}`
      : `${describeKey(selection.key!)} ${JSON.stringify(toText(key.slice(0, 64)))} maps to ${goal}`;
  const pod = 'pod' in target ? target.pod : backend.byOrdinal.get(target.ordinal);
  if (pod !== undefined && pod.state === 'ready') return how;
  return `${how}; ${unavailable(target, backend)}; whenUnavailable: ${selection.whenUnavailable}`;
}

/** What `whenUnavailable` says where the target gets nothing. */
function instead(
  { whenUnavailable, mapping }: OrdinalSelection,
  target: MappedTo,
  backend: BackendSnapshot,
  context: PickContext,
): OnePick {
  const detail = unavailable(target, backend);
  const pod = 'pod' in target ? target.pod : backend.byOrdinal.get(target.ordinal);
  const about = pod === undefined ? {} : { podId: pod.id };
  switch (whenUnavailable) {
    case 'Fail':
      return { type: 'fail', failure: 'ordinal_unavailable', detail, ...about };
    case 'Hold':
      return { type: 'wait', failure: 'ordinal_unavailable', detail, ...about };
    case 'Leader':
      return pickLeader(backend, context);
    case 'NextOrdinal': {
      const from = 'ordinal' in target ? target.ordinal : -1;
      const next = nextReady(
        from,
        backend,
        (pod) => isWithin(mapping, pod.ordinal) && !context.tried(pod.id),
      );
      const any = next ?? nextReady(from, backend, (pod) => isWithin(mapping, pod.ordinal));
      if (any !== null) return { type: 'pod', pod: any };
      return {
        type: 'fail',
        failure: 'ordinal_unavailable',
        detail: `${detail}, nor is any other`,
        ...about,
      };
    }
  }
}

/** The ready Pod with the next higher ordinal, going round, among those that the mapping can yield. */
function nextReady(
  from: number,
  backend: BackendSnapshot,
  usable: (pod: PodView) => boolean,
): PodView | null {
  let above: PodView | null = null;
  let lowest: PodView | null = null;
  for (const [ordinal, pod] of backend.byOrdinal) {
    if (pod.state !== 'ready' || ordinal === from || !usable(pod)) continue;
    if (lowest === null || ordinal < lowest.ordinal) lowest = pod;
    if (ordinal > from && (above === null || ordinal < above.ordinal)) above = pod;
  }
  return above ?? lowest;
}

function unavailable(target: MappedTo, backend: BackendSnapshot): string {
  if ('pod' in target) return `${target.pod.name} ${notReady(target.pod)}`;
  const pod = backend.byOrdinal.get(target.ordinal);
  if (pod === undefined) return `there is no Pod with ordinal ${target.ordinal}`;
  return pod.state === 'ready' ? `${pod.name} was tried already` : `${pod.name} ${notReady(pod)}`;
}
