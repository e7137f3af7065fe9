import { type FanOutAnswer, type FanOutResponse, isSuccess } from './answer.ts';

/** `respond: First`: the first success in order of arrival, or null. */
export function firstSuccess(arrived: readonly FanOutAnswer[]): FanOutResponse | null {
  return arrived.find(isSuccess) ?? null;
}

/** How many successes a quorum needs: `minSuccess`, else a majority of the Pods asked. */
export function quorumOf(minSuccess: number | null, asked: number): number {
  return minSuccess ?? Math.floor(asked / 2) + 1;
}

/** `respond: Quorum`: the success whose status and body `needed` Pods agree on, or null as long as there is none. */
export function quorumReached(arrived: readonly FanOutAnswer[], needed: number): FanOutResponse | null {
  return groups(arrived).find(({ votes }) => votes >= needed)?.answer ?? null;
}

/** Whether the Pods that have not answered yet could still make a quorum; false: fail now instead of waiting for them. */
export function quorumPossible(arrived: readonly FanOutAnswer[], needed: number, asked: number): boolean {
  const outstanding = asked - arrived.length;
  const most = groups(arrived).reduce((max, { votes }) => Math.max(max, votes), 0);
  return most + outstanding >= needed;
}

function groups(arrived: readonly FanOutAnswer[]): { answer: FanOutResponse; votes: number }[] {
  const found: { answer: FanOutResponse; votes: number }[] = [];
  for (const answer of arrived) {
    if (!isSuccess(answer)) continue;
    const same = found.find((g) => g.answer.status === answer.status && g.answer.body.equals(answer.body));
    if (same === undefined) found.push({ answer, votes: 1 });
    else same.votes++;
  }
  return found;
}
