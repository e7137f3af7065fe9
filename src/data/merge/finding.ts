/** What was found out about an answer's body while it came: what compose.ts can make of it. Places are offsets in the body. */
export type Finding =
  /** It is passed on as it is, or not needed at all. */
  | { readonly type: 'whole' }
  /** Bodies of one digest are the same. */
  | { readonly type: 'digest'; readonly digest: string }
  /** It is JSON from `start` to `end`. */
  | { readonly type: 'json'; readonly start: number; readonly end: number }
  /** It is UTF-8; as a JSON string it is longer by `escapeCost` and the quotes. */
  | { readonly type: 'text'; readonly escapeCost: number }
  /** It is neither, or in a content coding. */
  | { readonly type: 'binary' }
  /** It is JSON with an array from `array.start` to `array.end`, its elements from `inner.start` to `inner.end`. */
  | { readonly type: 'array'; readonly text: Span; readonly array: Span; readonly inner: Span }
  /** It is lines of JSON; `isOpen`: the last one has no end of line. */
  | { readonly type: 'lines'; readonly isOpen: boolean }
  /** It cannot be merged, in words why. */
  | { readonly type: 'unusable'; readonly reason: string };

/** From `start` to before `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Looks at a body as it comes. */
export interface BodyCheck {
  /** The next bytes of it, where they are kept: a check may move what is left of them together. */
  push(bytes: Buffer, start: number, end: number): void;
  /** No more come. */
  finish(): Finding;
}

export const WHOLE: Finding = { type: 'whole' };
