import type { RequestView } from '../request-view.ts';

/** Bytes of a body: as they were read, or a byte string (byte-string.ts). */
export type Piece = Buffer | string;

/** Fields in their order, names as they were written; both are byte strings. */
export type Fields = readonly (readonly [name: string, value: string])[];

export const NO_FIELDS: Fields = [];

/** The head of a request, whatever protocol it came in by. */
export interface RequestMessage extends RequestView {
  /** Whether it announces a body, an empty one included. */
  readonly announcesBody: boolean;
  /** Bytes of the body; -1: not told. */
  readonly contentLength: number;
  /** The client waits for a word before it sends the body (RFC 9110 section 10.1.1). */
  readonly expectsContinue: boolean;
  /** The value of each `Via` line; null: there is none. */
  readonly via: readonly string[] | null;
}

/** The head of a Pod's answer. Good until the next head of the same upstream. */
export interface ResponseMessage {
  /** 100 to 199 are interim answers, but for 101: what follows that is no message any more. */
  readonly status: number;
  /** Bytes of the body; -1: not told. */
  readonly contentLength: number;
  /** How many bytes the head takes here. */
  readonly headBytes: number;
  /** Value of the first such field by lower-case name, or undefined. */
  header(name: string): string | undefined;
  /** All fields but those that end at this hop. */
  fieldList(): Fields;
}

/** The head of an answer that is made here. */
export interface ComposedHead {
  readonly status: number;
  readonly headers: Fields;
}
