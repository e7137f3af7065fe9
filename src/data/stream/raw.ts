import type { RuleConfig } from '../../model/config.ts';
import type { ConnectionEnd } from '../../model/connection-end.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { InboundListener } from '../inbound-listener.ts';

/** One end of a tunnel: bytes, without messages. */
export interface RawStream {
  /** Ends it so that it cannot look whole. */
  reset(): void;
  /** Ends it in order, before it was joined. */
  close(): void;
}

/** A TCP client. */
export interface RawClient extends RawStream {
  /** Its address and port, for people. */
  readonly address: string;
  /** Nothing is read from it before it is joined. Calls once if it leaves meanwhile. @returns ends that */
  watch(onGone: () => void): () => void;
  /** Calls once it is closed, by whomever. */
  whenClosed(done: () => void): void;
}

/** Under which terms a stream to a Pod goes on from snapshot to snapshot. */
export interface StreamTerms {
  readonly listener: InboundListener;
  readonly rule: RuleConfig;
  readonly pod: PodView;
  /** The name that the Pod's backend has now. */
  readonly backend: string;
}

/** Opens ways to Pods for bytes alone. */
export interface RawUpstreams {
  /** Exactly one of the events is called, in a later turn, unless it was given up. @returns gives it up */
  dial(pod: PodView, backend: string, snapshot: BackendSnapshot, events: DialEvents): () => void;
  /** As `Upstreams.inFlight`. */
  inFlight(podId: number): number;
}

export interface DialEvents {
  opened(stream: RawStream): void;
  /** @param kind as `UpstreamEvents.unopened` */
  unopened(kind: 'local' | 'pod', reason: string): void;
  /** A mistake of this program was met in one of these. */
  crashed(): void;
}

/** How two joined streams ended. */
export interface JointEnd {
  readonly end: ConnectionEnd;
  /** Which side broke off, and how, or why it was cut; null: the end says it all. */
  readonly detail: string | null;
  /** From the client, since they were joined or before that but not a part of a message. */
  readonly bytesReceived: number;
  /** To the client, likewise. */
  readonly bytesSent: number;
}

/** What is open to Pods without being a request: it is cut when its terms are no longer met. */
export interface Tunnels {
  /** Joins two streams until both ways have ended or it is cut. @param ended called once, then */
  join(client: RawStream, upstream: RawStream, terms: StreamTerms, ended: (end: JointEnd) => void): void;
  /**
   * A request to a leader is watched as a tunnel is, but once all of it is with its Pod it is cut only where that Pod has fallen
   * silent and another leads.
   * @returns ends that
   */
  watchRequest(terms: StreamTerms, isWithPod: () => boolean, cut: (reason: string) => void): () => void;
}
