import type { HostPort } from '../../../model/config.ts';
import { type Answer, failure, interpret } from './answer.ts';
import { type LookupType, makeQuery } from './dns-query.ts';
import { exchangeTcp } from './exchange-tcp.ts';
import { type ExchangeOutcome, exchangeUdp } from './exchange-udp.ts';

/** FORMERR, NOTIMP, BADVERS: how servers say that they do not know EDNS, or this version of it. */
const EDNS_UNKNOWN = new Set([1, 4, 16]);

/** One question put to one server. */
export interface ServerQuestion {
  /** What it is, should its time run out now. */
  overdue(): 'timeout' | 'truncated';
  cancel(): void;
}

/**
 * Asks one server: UDP with EDNS; without EDNS if the server does not know it (RFC 6891 section 7, case D06); over TCP
 * if the answer is truncated (D08). `onEnd` is called at most once, and not after `cancel`.
 */
export function askServer(
  server: HostPort,
  name: string,
  type: LookupType,
  onEnd: (answer: Answer) => void,
): ServerQuestion {
  let stage: 'udp' | 'plain' | 'tcp' = 'udp';
  let edns = true;
  let stop: () => void = () => {};
  let cancelled = false;
  const end = (answer: Answer): void => {
    if (!cancelled) onEnd(answer);
  };
  const ask = (next: 'udp' | 'plain' | 'tcp'): void => {
    stage = next;
    if (next === 'plain') edns = false;
    try {
      const query = makeQuery(name, type, edns);
      stop = (next === 'tcp' ? exchangeTcp : exchangeUdp)(server, query, take);
    } catch (error) {
      end(failure('error', String(error)));
    }
  };
  const take = (outcome: ExchangeOutcome): void => {
    if (cancelled) return;
    if (outcome.kind === 'truncated' && stage !== 'tcp') ask('tcp');
    else if (outcome.kind === 'response' && stage === 'udp' && EDNS_UNKNOWN.has(outcome.rcode)) ask('plain');
    else {
      let answer: Answer;
      try {
        answer = judge(name, type, outcome, stage === 'tcp');
      } catch (error) {
        // Whatever a server sends, it must not end the process.
        answer = failure('malformed', String(error));
      }
      end(answer);
    }
  };
  ask('udp');
  return {
    overdue: () => (stage === 'tcp' ? 'truncated' : 'timeout'),
    cancel() {
      cancelled = true;
      stop();
    },
  };
}

function judge(name: string, type: LookupType, outcome: ExchangeOutcome, overTcp: boolean): Answer {
  switch (outcome.kind) {
    case 'response':
      return interpret(name, type, outcome.rcode, outcome.body);
    case 'truncated': {
      const answer = failure('truncated', 'truncated even over TCP');
      return outcome.body === null ? answer : { ...answer, partial: outcome.body };
    }
    default:
      // An answer that is known to be longer than UDP carries, and cannot be had: say so (D09).
      if (overTcp) return failure('truncated', `truncated, and over TCP: ${outcome.detail}`);
      return failure(outcome.kind === 'unreachable' ? 'error' : outcome.kind, outcome.detail);
  }
}
