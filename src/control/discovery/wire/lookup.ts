import { formatAddress } from '../../../model/address.ts';
import type { HostPort } from '../../../model/config.ts';
import type { Clock, Timer } from '../../../platform/clock.ts';
import { type Answer, type FailedAnswer, failure, isFailure, type LookupResult } from './answer.ts';
import { askServer, type ServerQuestion } from './ask-server.ts';
import type { LookupType } from './dns-query.ts';

/** Sockets that one look-up may hold at a time. */
const MAX_TRIES = 6;

export interface LookupContext {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Told once for each server asked, by what came of it. */
  onAsked(type: LookupType, result: LookupResult): void;
  /** Told which server answered. */
  onAnswered(server: HostPort): void;
}

/**
 * Asks the servers in order until one answers, within `timeoutMs` in all (case D07). A server that is silent is given
 * its share of the time before the next is asked too, and may still answer; one that says no (SERVFAIL, REFUSED, a
 * closed port) is not asked again. Two rounds, three tries where there is one server.
 */
export function lookup(
  servers: readonly HostPort[],
  name: string,
  type: LookupType,
  context: LookupContext,
  onEnd: (answer: Answer) => void,
): () => void {
  const rounds = servers.length === 1 ? 3 : 2;
  const plan = Array.from({ length: rounds }, () => servers)
    .flat()
    .slice(0, MAX_TRIES);
  const shareMs = context.timeoutMs / plan.length;
  const pending = new Map<number, ServerQuestion>();
  const refusing = new Set<HostPort>();
  let next = 0;
  let ended = false;
  let last: FailedAnswer | null = null;
  let shareTimer: Timer | null = null;

  const end = (answer: Answer, winner: number): void => {
    if (ended) return;
    ended = true;
    deadline.clear();
    shareTimer?.clear();
    for (const [index, question] of pending) {
      if (index < winner) context.onAsked(type, question.overdue());
      question.cancel();
    }
    pending.clear();
    onEnd(answer);
  };

  const giveUpOn = (server: HostPort): void => {
    refusing.add(server);
    for (const [index, question] of pending) {
      if (plan[index] !== server) continue;
      context.onAsked(type, question.overdue());
      question.cancel();
      pending.delete(index);
    }
  };

  const tryNext = (): void => {
    shareTimer?.clear();
    while (next < plan.length && refusing.has(plan[next]!)) next++;
    if (next >= plan.length) {
      if (pending.size === 0) end(last ?? failure('error', 'no nameserver'), 0);
      return;
    }
    const index = next++;
    const server = plan[index]!;
    shareTimer = context.clock.after(shareMs, tryNext);
    let over = false;
    const question = askServer(server, name, type, (answer) => {
      over = true;
      pending.delete(index);
      if (answer.result !== 'alias') context.onAsked(type, answer.result);
      if (isFailure(answer)) {
        last = { ...answer, detail: `${type} ${name}: ${answer.detail} (${formatAddress(server)})` };
        // A malformed answer may have been an accident of that one datagram: its sender is asked again (D14).
        if (answer.result !== 'malformed') giveUpOn(server);
        tryNext();
      } else {
        context.onAnswered(server);
        end(answer, index);
      }
    });
    if (!over) pending.set(index, question);
  };

  const deadline = context.clock.after(context.timeoutMs, () => {
    const overdue = [...pending.values()].pop()?.overdue() ?? 'timeout';
    const detail = overdue === 'truncated' ? 'truncated, and no answer over TCP' : 'no answer';
    const from = [...new Set(plan.slice(0, next))].map(formatAddress).join(', ');
    const words = `${type} ${name}: ${detail} in ${context.timeoutMs} ms (${from})`;
    end(last ?? failure(overdue, words), plan.length);
  });
  tryNext();
  return () => end(failure('error', 'closed'), 0);
}
