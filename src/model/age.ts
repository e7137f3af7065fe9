const UNITS = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;

/** An age as people say it, to two units at most: `less than 1 s`, `40 s`, `3 min 5 s`, `2 h 10 min`, `4 d 1 h`. */
export function ageInWords(ageMs: number): string {
  const seconds = Math.floor(Math.max(0, ageMs) / 1000);
  const first = UNITS.findIndex(([size]) => seconds >= size);
  if (first < 0) return 'less than 1 s';
  const [size, unit] = UNITS[first]!;
  const [nextSize, nextUnit] = UNITS[first + 1] ?? [1, ''];
  const rest = Math.floor((seconds % size) / nextSize);
  const words = `${Math.floor(seconds / size)} ${unit}`;
  return rest > 0 ? `${words} ${rest} ${nextUnit}` : words;
}

/** How long something took, as people say it: `12 ms`, `4.2 s`, `1 min 5 s`. */
export function lengthInWords(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : ageInWords(ms);
}
