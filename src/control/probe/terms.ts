/** Terms: integers that only grow, as canonical decimal digits (no sign, no leading zeros). */

/** Those of any unsigned 64-bit number. What is longer is no term: one Pod that shows nonsense must not stop all writes. */
const MAX_DIGITS = 20;

/** The highest term that was seen. */
export interface SeenTerm {
  readonly term: string;
  /** Name of the Pod that showed it first. */
  readonly shownBy: string;
}

const DECIMAL = /^\d+$/;
const NUMBER = /^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/** A text's term (header value or JSON string), or null where it is none. */
export function termOfText(text: string): string | null {
  const trimmed = text.trim();
  return DECIMAL.test(trimmed) ? canonical(trimmed) : null;
}

/** A JSON number's term by its source text; `7.0` and `1e3` are integers too (some serializers write them so). */
export function termOfNumber(source: string): string | null {
  const match = NUMBER.exec(source);
  if (match === null) return null;
  const fraction = match[2] ?? '';
  const digits = match[1]! + fraction;
  const shift = Number(match[3] ?? 0) - fraction.length;
  if (shift >= 0) return canonical(digits + '0'.repeat(shift));
  const whole = digits.slice(0, shift);
  return /^0*$/.test(digits.slice(shift)) ? canonical(whole) : null;
}

function canonical(digits: string): string | null {
  const shown = digits.replace(/^0+(?=\d)/, '') || '0';
  return shown.length > MAX_DIGITS ? null : shown;
}

/** The higher of two, either of which may be none; of two alike the first. */
export function higherTerm<T extends SeenTerm>(a: T | null, b: T | null): T | null {
  if (a === null || b === null) return a ?? b;
  return compareTerms(a.term, b.term) < 0 ? b : a;
}

/** Negative, 0 or positive, as `a` is below, equal to or above `b`. Both canonical. */
export function compareTerms(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
