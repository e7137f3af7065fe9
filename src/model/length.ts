import { ageInWords } from './cause.ts';

/** How long something took, as people say it: `12 ms`, `4.2 s`, `1 min 5 s`. */
export function lengthInWords(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : ageInWords(ms);
}
