import type { ConnectionEnd } from '../../model/connection-end.ts';
import type { PodView } from '../../model/pod.ts';
import type { InboundListener } from '../inbound-listener.ts';
import type { JointEnd } from '../stream/raw.ts';

/** What is known of a connection that carries bytes rather than requests, at its end. */
export interface ConnectionFacts {
  /** Of a TCP listener, or of an HTTP one that switched protocols (101). */
  readonly kind: 'tcp' | 'upgrade';
  readonly listener: InboundListener;
  /** The client's address and port. */
  readonly address: string;
  /** null: none was looked for, or none matched. */
  readonly rule: string | null;
  readonly backend: string | null;
  /** The Pod that it was with, or that was tried last. */
  readonly pod: PodView | null;
  /** How many Pods were tried. */
  readonly attempts: number;
  readonly heldMs: number;
  /** When it came, or the request that became it (monotonic milliseconds). */
  readonly startedMs: number;
  readonly ended: JointEnd;
}

/** Told of each such connection once, at its end. */
export interface ConnectionObserver {
  ended(facts: ConnectionFacts): void;
}

/** What is known of a connection that was placed nowhere. */
export function unplaced(
  {
    address,
    listener,
    startedMs,
    rule,
  }: Pick<ConnectionFacts, 'address' | 'listener' | 'startedMs' | 'rule'>,
  end: ConnectionEnd,
  detail: string,
): ConnectionFacts {
  return {
    kind: 'tcp',
    listener,
    address,
    rule,
    backend: null,
    pod: null,
    attempts: 0,
    heldMs: 0,
    startedMs,
    ended: withoutPod(end, detail),
  };
}

/** The end of a connection of which no byte was read. */
export function withoutPod(end: ConnectionEnd, detail: string | null): JointEnd {
  return { end, detail, bytesReceived: 0, bytesSent: 0 };
}
