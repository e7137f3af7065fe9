import type { Cause, CauseArea } from '../../model/cause.ts';

/** What is wrong with one Pod, or what it answered. */
export interface PodTrouble {
  readonly name: string;
  /** As `Cause.kind`. */
  readonly kind: string;
  readonly reason: string;
  /** What the Pod said, quoted; null: nothing. */
  readonly said: string | null;
  /** Monotonic milliseconds. */
  readonly sinceMs: number;
}

/** Reasons told apart at most; and names in each. */
const MAX_GROUPS = 3;
const MAX_NAMES = 3;

/**
 * Troubles of many Pods as a few causes: alike ones are one, the most frequent first. Numbers in a reason (offsets, lags) make no
 * difference. A group is as old as its youngest.
 * @param total how many Pods there are: of all of them it says so
 * @param sentence from whom it is about (`db-0 and db-1`) and what it is
 */
export function groupCauses(
  area: CauseArea,
  troubles: readonly PodTrouble[],
  total: number,
  sentence: (who: string, isOne: boolean, what: string) => string,
): Cause[] {
  const groups = new Map<string, PodTrouble[]>();
  for (const trouble of troubles) {
    const key = `${trouble.kind} ${trouble.reason.replace(/\d+/g, '#')}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [trouble]);
    else group.push(trouble);
  }
  const bySize = [...groups.values()].sort((a, b) => b.length - a.length);
  const shown = bySize.slice(0, bySize.length > MAX_GROUPS ? MAX_GROUPS - 1 : MAX_GROUPS);
  const causes = shown.map((group) =>
    causeOf(area, group, sentence(who(group, total), group.length === 1, whatOf(group))),
  );
  const rest = bySize.slice(shown.length).flat();
  if (rest.length === 0) return causes;
  const text = sentence(`${rest.length} more Pods`, false, 'other reasons');
  return [...causes, { ...causeOf(area, rest, text), kind: 'other' }];
}

function causeOf(area: CauseArea, group: readonly PodTrouble[], text: string): Cause {
  return {
    area,
    kind: group[0]!.kind,
    text,
    pods: group.slice(0, MAX_NAMES).map(({ name }) => name),
    podCount: group.length,
    sinceMs: Math.max(...group.map(({ sinceMs }) => sinceMs)),
  };
}

function whatOf(group: readonly PodTrouble[]): string {
  const { name, reason, said } = group.find((trouble) => trouble.said !== null) ?? group[0]!;
  if (said === null) return reason;
  return group.every((trouble) => trouble.said === said)
    ? `${reason}: ${said}`
    : `${reason}, ${name} with ${said}`;
}

function who(group: readonly PodTrouble[], total: number): string {
  if (group.length > 1 && group.length === total) return `all ${total} Pods`;
  return namesInWords(group.map(({ name }) => name));
}

/** `db-0`, `db-0 and db-1`, `db-0, db-1, db-2 and 97 more`. */
export function namesInWords(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES);
  const rest = names.length - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`;
  return shown.length < 2 ? (shown[0] ?? 'no Pod') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** Null: there is none. */
export function troubleWords(trouble: PodTrouble | null): string | null {
  if (trouble === null) return null;
  return trouble.said === null ? trouble.reason : `${trouble.reason}: ${trouble.said}`;
}
