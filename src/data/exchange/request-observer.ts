import type { FailureLabel } from '../../model/failure.ts';
import type { PodView } from '../../model/pod.ts';
import type { InboundListener } from '../inbound-listener.ts';
import type { Placement } from '../placement/placement.ts';
import type { RuleBackendCells } from '../placement/rule-series.ts';
import type { Client } from '../stream/client.ts';
import type { RequestMessage } from '../stream/message.ts';

/** What is known of a request so far, as its observers read it. */
export interface RequestFacts {
  readonly request: RequestMessage;
  readonly client: Pick<Client, 'address'>;
  readonly listener: InboundListener;
  /** When it came (monotonic milliseconds). */
  readonly startedMs: number;
  /** Its rule and backend now, and how long it was held. */
  readonly placement: Placement;
  /** The Pod that it went to last; null: none yet, or it is a fan-out. */
  readonly pod: PodView | null;
  /** Those of a fan-out; null: none yet, or it is none. */
  readonly pods: readonly PodView[] | null;
  /** How many Pods it went to, or was about to. */
  readonly attempts: number;
  /** Whether a byte of it went to a Pod. */
  readonly sent: boolean;
  /** Of a failure of headroute's own, in words; null: there is none. */
  readonly detail: string | null;
  /** Bytes of its body that have come. */
  readonly received: number;
  /** Bytes of the answer handed to the client. */
  readonly bytesSent: number;
  /** The metrics' own: what its end is counted in. */
  counted: RuleBackendCells | null;
  /** The access log's own: when the client got a final head (monotonic milliseconds); 0: it was not looked at. */
  answeredMs: number;
}

/** Told of each request as it goes on, in this order; what does not come so far is not told. */
export interface RequestObserver {
  /** It has a rule and a backend; again where a reload gave it others. */
  matched(facts: RequestFacts): void;
  /** It waits in the hold queue, perhaps again. */
  held(facts: RequestFacts): void;
  /** It goes to a Pod, or to those of a fan-out; again for another attempt. */
  picked(facts: RequestFacts): void;
  /** Its head goes to a Pod. */
  tried(facts: RequestFacts): void;
  /** The client gets a final head. */
  answered(facts: RequestFacts): void;
  /** It is over here: after a reload it begins anew as a request of another kind. */
  restarted(facts: RequestFacts): void;
  /** It is over. @param status of the answer; 0: there is no whole one */
  over(facts: RequestFacts, status: number, failure: FailureLabel | null): void;
}
