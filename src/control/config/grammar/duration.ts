/** The longest delay that a Node timer can wait, 2^31 - 1 ms; a longer one would fire at once. */
const MAX_MS = 0x7fff_ffff;

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** A Gateway API Duration (GEP-2257): one to four parts of up to five digits each, units h, m, s, ms. */
export const DURATION_PATTERN = '^([0-9]{1,5}(h|m|s|ms)){1,4}$';

const WHOLE = new RegExp(DURATION_PATTERN);

/** @returns milliseconds, or what is wrong with the text, in words */
export function parseDuration(text: string): number | string {
  if (!WHOLE.test(text)) return `is not a duration: write for example ${suggestion(text)}`;
  let ms = 0;
  for (const [, digits, unit] of text.matchAll(/([0-9]+)(ms|h|m|s)/g)) ms += Number(digits) * UNITS[unit!]!;
  return ms > MAX_MS ? 'is too long: at most 596h (24 days)' : ms;
}

/** The likely intention, where there is one. */
function suggestion(text: string): string {
  const trimmed = text.trim();
  const bare = /^([0-9]{1,5})$/.exec(trimmed);
  if (bare !== null) return `${bare[1]}s (a number needs a unit: h, m, s or ms)`;
  const days = /^([0-9]{1,3})d$/.exec(trimmed);
  if (days !== null) return `${Number(days[1]) * 24}h (the units are h, m, s and ms)`;
  const fraction = /^([0-9]+\.[0-9]+)(s|m|h)$/.exec(trimmed);
  if (fraction !== null) {
    const ms = Math.round(Number(fraction[1]) * UNITS[fraction[2]!]!);
    return `${formatDuration(ms)} (there are no fractions)`;
  }
  if (/^-/.test(trimmed)) return '10s (it cannot be negative)';
  return '10s, 250ms or 1h30m (units h, m, s and ms, each up to five digits, no blanks)';
}

/** The shortest GEP-2257 form of a whole number of milliseconds. */
export function formatDuration(ms: number): string {
  let left = ms;
  let text = '';
  for (const [unit, size] of Object.entries(UNITS)) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}
