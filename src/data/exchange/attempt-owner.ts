import type { PodView } from '../../model/pod.ts';
import type { UpstreamConnection } from '../forward/upstream-connection.ts';
import type { ChunkMode, Piece } from '../http1/chunk-scanner.ts';
import type { ResponseReader } from '../http1/response-reader.ts';
import type { Attempt } from './attempt.ts';

/** Whose attempt it is. After `connectFailed`, `notAsked`, `failed`, `finished` and `switched` the attempt is over. */
export interface AttemptOwner {
  /** The protocol that the request asks to upgrade to, or null. */
  readonly upgradeProtocol: string | null;
  /** Whether all of the request's body was handed on: else the connection cannot serve another request. */
  readonly wholeRequest: boolean;
  /** Keeps the connection for this client alone (connection-bound authentication). @returns whether it did */
  bind(connection: UpstreamConnection): boolean;
  /** Asked right before the first byte goes to a connection. */
  mayStillSend(pod: PodView): boolean;
  /** It may not: nothing was sent, pick again. */
  rerouted(): void;
  sendTo(attempt: Attempt): void;
  upstreamDrained(): void;
  connectFailed(attempt: Attempt, reason: string): void;
  /** This machine could ask none of the Pod's addresses: nothing was sent, and nothing is known of the Pod. */
  notAsked(attempt: Attempt, reason: string): void;
  interim(attempt: Attempt, reader: ResponseReader): void;
  /** @returns false: the answer is not wanted; the owner has aborted the attempt */
  answered(attempt: Attempt, reader: ResponseReader): boolean;
  relay(attempt: Attempt, reader: ResponseReader, pieces: readonly Piece[]): void;
  relayBody(attempt: Attempt, pieces: readonly Piece[]): void;
  finished(attempt: Attempt, reader: ResponseReader): void;
  failed(attempt: Attempt, kind: 'reset' | 'protocol', detail: string): void;
  switched(attempt: Attempt, reader: ResponseReader, rest: Buffer): void;
  /** A mistake was met where it was told of the attempt's end: the client's connection ends. */
  crashed(error: unknown): void;
}

export interface AttemptOptions {
  /** The connection becomes a tunnel if the Pod agrees: a fresh one, never given back. */
  readonly plain: boolean;
  /** For the whole answer; 0: no limit. */
  readonly timeoutMs: number;
  /** What becomes of a chunked answer. */
  readonly mode: ChunkMode;
  /** Bytes of a body that are read at a time, at most. */
  readonly mostRead: number;
}
