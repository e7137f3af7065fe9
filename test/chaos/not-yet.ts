import type { Check } from './checks/record.ts';
import type { Shape } from './nemeses/contract.ts';

// Promises that are not kept yet. `npm run chaos` fails for them; `--ci` leaves them out, so that it sees
// what is new. Whoever mends one takes its line away.

/** Nemeses under which one is broken. */
export const NOT_YET_UNDER: ReadonlySet<string> = new Set([
  // A sidecar that stood still sends bytes to the leader of before when it wakes (promise 4).
  'freeze-sidecar',
  'blocked-loop',
]);

/** Checks that are told and not counted. */
export const NOT_YET_CHECKED: ReadonlySet<Check> = new Set<Check>([
  // Held requests that take an idle connection are written after those that dial a new one.
  'hold order',
]);

/** Rounds are narrowed to what is kept. */
export const NOT_YET_SENT: Shape = {
  // A held upload whose client has left is not seen to be gone where its last bytes are still unread.
  largestOfLeaving: 60_000,
};
