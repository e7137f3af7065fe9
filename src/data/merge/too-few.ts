import type { FanOutAnswer } from './answer.ts';

/** Pods whose failure is told each by itself. */
const MOST_NAMED = 10;

/** @returns why too few succeeded, for people: `1 of 3 Pods succeeded, 2 needed (db-1: status 500; db-2: timed out)`. */
export function tooFew(
  succeeded: number,
  needed: number,
  asked: number,
  failed: readonly FanOutAnswer[],
): string {
  return `${succeeded} of ${asked} Pods succeeded, ${needed} needed${reasonsOf(failed)}`;
}

/**
 * @param most how many agreed on the answer that most agreed on
 * @returns why there is no quorum, for people: `3 Pods answered, no 2 agree, 2 needed`, or, where there were too few
 * successes for any to disagree, what `tooFew` says
 */
export function noQuorum(
  succeeded: number,
  most: number,
  needed: number,
  asked: number,
  failed: readonly FanOutAnswer[],
): string {
  if (most === succeeded) return tooFew(succeeded, needed, asked, failed);
  const answered = succeeded === asked ? `${asked}` : `${succeeded} of ${asked}`;
  return `${answered} Pods answered, no ${most + 1} agree, ${needed} needed${reasonsOf(failed)}`;
}

function reasonsOf(failed: readonly FanOutAnswer[]): string {
  const reasons = failed
    .slice(0, MOST_NAMED)
    .map((answer) => `${answer.pod}: ${'status' in answer ? `status ${answer.status}` : answer.error}`);
  const more = failed.length > MOST_NAMED ? `; and ${failed.length - MOST_NAMED} more` : '';
  return reasons.length === 0 ? '' : ` (${reasons.join('; ')}${more})`;
}
