/** What a cause is about: the look-up of the Pods, whether they are ready, or who leads. */
export type CauseArea = 'dns' | 'health' | 'leader';

/**
 * Why a backend does not serve everything, as far as headroute knows (SPEC 4, "Whoever asks why is told"). It says since when, not
 * how old it is: an age is made when somebody asks.
 */
export interface Cause {
  readonly area: CauseArea;
  /** A word for programs: `nxdomain`, `refused`, `timeout`, `http_503`, `lapsed`, … The same as long as what is wrong is the same. */
  readonly kind: string;
  /** In words, with the names of Pods and without an age. Nothing in it is a hidden value of the configuration. */
  readonly text: string;
  /** Names of the first few Pods that it is true of; empty: it is about the backend as a whole. */
  readonly pods: readonly string[];
  /** How many Pods it is true of. */
  readonly podCount: number;
  /** Since when it is so (monotonic milliseconds). */
  readonly sinceMs: number;
  /** It happened then; else it is so until now. */
  readonly event?: true;
}

/** A cause as `/explain` and `/state` show it. */
export interface ShownCause {
  readonly area: CauseArea;
  readonly kind: string;
  readonly text: string;
  readonly pods: readonly string[];
  readonly podCount: number;
  readonly ageMs: number;
  /** `text` with its age: one sentence for people. */
  readonly words: string;
}

/** @param nowMs monotonic milliseconds */
export function shownCause(cause: Cause, nowMs: number): ShownCause {
  const { area, kind, text, pods, podCount, sinceMs } = cause;
  const ageMs = Math.max(0, Math.round(nowMs - sinceMs));
  return { area, kind, text, pods, podCount, ageMs, words: causeInWords(cause, nowMs) };
}

/** `all 3 Pods are unready: connection refused, for 40 s`. @param nowMs monotonic milliseconds */
export function causeInWords({ text, sinceMs, event }: Cause, nowMs: number): string {
  const age = ageInWords(nowMs - sinceMs);
  return event ? `${text}, ${age} ago` : `${text}, for ${age}`;
}

/** An age as people say it, to two units at most: `less than 1 s`, `40 s`, `3 min 5 s`, `2 h 10 min`, `4 d 1 h`. */
export function ageInWords(ageMs: number): string {
  const seconds = Math.floor(Math.max(0, ageMs) / 1000);
  if (seconds === 0) return 'less than 1 s';
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  const first = units.findIndex(([size]) => seconds >= size);
  const [size, unit] = units[first]!;
  const words = [`${Math.floor(seconds / size)} ${unit}`];
  const next = units[first + 1];
  const rest = next === undefined ? 0 : Math.floor((seconds % size) / next[0]);
  if (rest > 0) words.push(`${rest} ${next![1]}`);
  return words.join(' ');
}
