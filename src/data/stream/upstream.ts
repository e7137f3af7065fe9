import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { Fields, Piece, RequestMessage, ResponseMessage } from './message.ts';
import type { RawStream } from './raw.ts';

/** What an answer's body comes from. Its reader stops it, and may keep the memory that a piece lies in. */
export interface BodySource {
  /** Nothing more is read for now. */
  pause(): void;
  resume(): void;
  /** The pieces handed on last stay in use. @returns to be called when they no longer are, or null: they need no care */
  lend(): Lent | null;
}

/** Memory that belongs to a source. */
export interface Lent {
  /** @param isUnused nobody, the kernel neither, reads it any more: it may be written again */
  giveBack(isUnused: boolean): void;
}

/** How far what was written has got: the kernel has all of it, some waits, or so much that no more should be written. */
export type Taken = 'all' | 'waits' | 'full';

/**
 * One request at one Pod: its way there from the moment that it was asked for, and the answer's way back. It tells its user what comes
 * (`UpstreamEvents`) until it has told of its end, or was aborted.
 */
export interface Upstream extends BodySource {
  /**
   * The head, with what there is of the body. Asked for after `opened`.
   * @param isLast the body ends with it
   * @returns `closed`: the connection has ended meanwhile, nothing was sent; `opened` is told again, or `unopened`
   */
  send(pieces: readonly Piece[], isLast: boolean): Taken | 'closed';
  write(pieces: readonly Piece[], isLast: boolean): Taken;
  /** Calls once the kernel has taken all that was written; never if it ends before. */
  whenFlushed(done: () => void): void;
  /** Lets go of it. @param result what it counts as; default: cancelled, if it was sent */
  abort(result?: string): void;
  /** After a 101: the bytes are the caller's from now on. */
  takeOver(): RawStream;
}

/** Who asked. Nothing is called after an `abort`. */
export interface UpstreamEvents {
  /** It may be sent now. Nothing was sent before. */
  opened(): void;
  /**
   * There is no connection, nothing was sent.
   * @param kind `local`: this machine could ask none of the Pod's addresses, and nothing is known of the Pod
   */
  unopened(kind: 'local' | 'pod', reason: string): void;
  /** The Pod takes more. */
  drained(): void;
  /** A head: interim ones, then the final one, or a 101. Behind a final one `received` follows in the same turn, unless it was aborted. */
  head(message: ResponseMessage): void;
  /** Bytes of the answer's body; none where only the head has come. */
  received(pieces: readonly Piece[]): void;
  /** The whole answer has been handed on. */
  ended(trailers: Fields): void;
  /** It broke off, or the Pod said something that is none of the protocol. */
  broken(kind: 'reset' | 'protocol', detail: string): void;
  /** A mistake of this program was met while its end was told: the client's connection ends. */
  crashed(error: unknown): void;
}

/** Whose request it is, as far as the Pod is told or a connection can be its own. */
export interface Asker {
  /** Address of the peer. */
  readonly peer: string;
  /** The upstream connection that is this client's alone (RFC 4559), or null. */
  bound: Bound | null;
}

export interface Bound {
  destroy(): void;
}

/** A request to a Pod. */
export interface Ask {
  readonly request: RequestMessage;
  readonly asker: Asker;
  readonly pod: PodView;
  /** The name that its backend has now. */
  readonly backend: string;
  readonly snapshot: BackendSnapshot;
  /** Its answer is kept here; null: it goes on to the client as it comes. */
  readonly gathered: Gathered | null;
}

/** How an answer is wanted that becomes a part of another. */
export interface Gathered {
  /** Lower-case names of request fields to leave out; null: none. */
  readonly without: ReadonlySet<string> | null;
  /** Bytes of a body that are read at a time, at most. */
  readonly mostRead: number;
}

/** Opens ways to Pods. */
export interface Upstreams {
  /** What it tells comes in a later turn of the event loop. */
  open(ask: Ask, events: UpstreamEvents): Upstream;
  /** Requests and tunnels that are with the Pod now. */
  inFlight(podId: number): number;
}
